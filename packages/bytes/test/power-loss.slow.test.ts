// What a power failure leaves of an `OutFile`. A killed process cannot show it, since what was written survives in the page cache.
// Here the calls that write are recorded, and for every beginning of the record everything that was not synced yet is lost
// or not, in every combination (as in Pillai et al., "All File Systems Are Not Created Equal", OSDI 2014).

import * as nodeFs from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { OutFileSystem } from "../src/out-file-options.ts";
import { newBytes, replaceFile } from "./replace-file.ts";
import { temporaryFolder } from "./temporary-folder.ts";

const N_PIECES = 4;
const OLD: Uint8Array = new TextEncoder().encode("old");

type Operation =
  | { readonly kind: "write"; readonly path: string; readonly at: number; readonly bytes: Uint8Array }
  | { readonly kind: "sync"; readonly path: string }
  | { readonly kind: "rename"; readonly from: string; readonly to: string };

/** The real file system; what changes it or syncs it is written down after it succeeded. */
function recordingFs(log: Operation[]): OutFileSystem {
  const recordedHandle = (handle: nodeFs.FileHandle, path: string): nodeFs.FileHandle => {
    let at = 0;
    return new Proxy(handle, {
      get: (target, name) => {
        if (name === "write") {
          return async (bytes: Uint8Array, offset: number, length: number) => {
            const result = await target.write(bytes, offset, length);
            log.push({ kind: "write", path, at, bytes: bytes.slice(offset, offset + result.bytesWritten) });
            at += result.bytesWritten;
            return result;
          };
        }
        if (name === "sync") {
          return async () => {
            await target.sync();
            log.push({ kind: "sync", path });
          };
        }
        const value = Reflect.get(target, name);
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
  };
  return {
    ...nodeFs,
    open: async (path: string, flags: string, mode?: number) =>
      recordedHandle(await nodeFs.open(path, flags, mode), path),
    rename: async (from: string, to: string) => {
      await nodeFs.rename(from, to);
      log.push({ kind: "rename", from, to });
    },
  } as OutFileSystem;
}

/** Every content that `target` can have when the power fails after `log`. */
function possibleContents(log: readonly Operation[], target: string): Uint8Array[] {
  const renameAt = log.findIndex((operation) => operation.kind === "rename" && operation.to === target);
  const rename = log[renameAt];
  if (rename?.kind !== "rename") return [OLD];
  const syncedBehind = (index: number, path: string): boolean =>
    log.slice(index + 1).some((operation) => operation.kind === "sync" && operation.path === path);

  const writes = log.flatMap((operation, index) =>
    operation.kind === "write" && operation.path === rename.from
      ? [{ ...operation, isDurable: syncedBehind(index, rename.from) }]
      : [],
  );
  const unsure = writes.filter(({ isDurable }) => !isDurable);
  const contents = syncedBehind(renameAt, join(target, "..")) ? [] : [OLD];
  for (let lost = 0; lost < 2 ** unsure.length; lost++) {
    const kept = writes.filter((write) => write.isDurable || (lost & (1 << unsure.indexOf(write))) === 0);
    // what lies between two pieces that were kept reads as zeros
    const bytes = new Uint8Array(Math.max(0, ...kept.map(({ at, bytes }) => at + bytes.length)));
    for (const write of kept) bytes.set(write.bytes, write.at);
    contents.push(bytes);
  }
  return contents;
}

/** For every beginning of the record: the names of the states that a power failure can leave. */
function outcomes(log: readonly Operation[], target: string): string[][] {
  const nameOf = (bytes: Uint8Array): string => {
    if (Buffer.compare(bytes, OLD) === 0) return "old";
    return Buffer.compare(bytes, newBytes(N_PIECES)) === 0 ? "new" : "torn";
  };
  return Array.from({ length: log.length + 1 }, (_, length) => {
    const states = possibleContents(log.slice(0, length), target).map(nameOf);
    return [...new Set(states)].sort();
  });
}

async function record(): Promise<{ log: Operation[]; target: string }> {
  const target = join(temporaryFolder(), "out.bin");
  await nodeFs.writeFile(target, OLD);
  await nodeFs.writeFile(`${target}.input`, "input");
  const log: Operation[] = [];
  await replaceFile(target, recordingFs(log), N_PIECES);
  return { log, target };
}

describe("a power failure", () => {
  test("leaves the old file until the rename, either until the folder is synced, then the new one", async () => {
    const { log, target } = await record();
    const kinds = log.map(({ kind }) => kind);
    expect(kinds).toEqual([...Array<string>(N_PIECES).fill("write"), "sync", "rename", "sync"]);
    expect(outcomes(log, target)).toEqual([...Array<string[]>(N_PIECES + 2).fill(["old"]), ["new", "old"], ["new"]]);
  });

  test("would leave a torn file without the first sync, and could take the new one back without the second", async () => {
    const { log, target } = await record();
    const withoutSync = (which: number): Operation[] => log.filter((_, index) => index !== which);
    expect(outcomes(withoutSync(N_PIECES), target).at(-1)).toEqual(["new", "torn"]);
    expect(outcomes(withoutSync(log.length - 1), target).at(-1)).toEqual(["new", "old"]);
  });
});
