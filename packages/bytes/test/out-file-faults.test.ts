// An `OutFile` when the n-th call to the file system fails, or the process is killed before it: for every n.

import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { isIoError } from "../src/index.ts";
import { createOutFile } from "../src/node.ts";
import { hookedFs, systemError } from "./faulty-fs.ts";
import { newBytes, replaceFile } from "./replace-file.ts";
import { partFiles, temporaryFolder } from "./temporary-folder.ts";

const N_PIECES = 3;

function prepare(folder: string): string {
  const path = join(folder, "out.bin");
  writeFileSync(path, "old");
  writeFileSync(`${path}.input`, "input");
  return path;
}

/** Whether the target is the old or the complete new file; anything else fails. */
function stateOf(path: string, nPieces: number): "old" | "new" {
  const bytes = readFileSync(path);
  if (bytes.toString() === "old") return "old";
  expect(bytes.equals(newBytes(nPieces)), "a torn file").toBe(true);
  return "new";
}

/** Names of all calls of an undisturbed run, in order. */
const calls: string[] = [];
const folder = mkdtempSync(join(tmpdir(), "ll-bytes-"));
await replaceFile(
  prepare(folder),
  hookedFs((_call, name) => calls.push(name)),
  N_PIECES,
);
rmSync(folder, { recursive: true });

const numberedCalls = calls.map((name, index) => [index + 1, name] as const);
/** From this call on the target is the new file. */
const firstAfterRename = calls.indexOf("rename") + 2;

test("the undisturbed run has these calls", () => {
  const checks = ["realpath", "stat", "stat", "readdir", "statfs"];
  const writing = ["open", "write", "write", "write", "sync", "chmod", "close"];
  const verifying = ["open", "read", "read", "close"];
  expect(calls).toEqual([...checks, ...writing, ...verifying, "rename", "open", "sync", "close"]);
});

describe.each(["EIO", "ENOSPC"])("%s", (code) => {
  test.each(numberedCalls)("at call %i, %s", async (n, name) => {
    const path = prepare(temporaryFolder());
    const fs = hookedFs((call) => {
      if (call === n) throw systemError(code);
    });
    const error = await replaceFile(path, fs, N_PIECES).then(
      () => undefined,
      (reason: unknown) => reason,
    );
    // these two only help: the work goes on without them
    const isOptional = name === "readdir" || name === "statfs";
    if (isOptional) {
      expect(error).toBeUndefined();
    } else {
      const isFull = code === "ENOSPC";
      expect(error).toMatchObject({ code: isFull ? "E_NOSPACE" : "E_IO", file: path, cause: { code } });
      expect(isIoError(error)).toBe(true);
    }
    expect(stateOf(path, N_PIECES)).toBe(isOptional || n >= firstAfterRename ? "new" : "old");
    expect(partFiles(join(path, ".."))).toEqual([]);
    expect(readFileSync(`${path}.input`, "utf8")).toBe("input");
  });
});

test("a sync that fails is not tried again", async () => {
  let nSyncs = 0;
  const fs = hookedFs((_call, name) => {
    if (name === "sync" && ++nSyncs === 1) throw systemError("EIO");
  });
  await expect(replaceFile(prepare(temporaryFolder()), fs, N_PIECES)).rejects.toMatchObject({ code: "E_IO" });
  expect(nSyncs).toBe(1);
});

const child = ["--conditions=@ll/source", join(import.meta.dirname, "out-file-child.ts")];

/** The next run sweeps what a killed one left: one temporary file at most. */
async function expectSweep(path: string): Promise<void> {
  const left = partFiles(join(path, ".."));
  expect(left.length).toBeLessThanOrEqual(1);
  const out = await createOutFile(path, { inputs: [] });
  expect(out.removedStale).toEqual(left.map((name) => join(path, "..", name)));
  await out.abort();
  expect(partFiles(join(path, ".."))).toEqual([]);
}

describe("SIGKILL", () => {
  test.each(numberedCalls)("before call %i, %s", async (n) => {
    const path = prepare(temporaryFolder());
    const { signal } = spawnSync(process.execPath, [...child, path, String(N_PIECES), String(n)]);
    expect(signal).toBe("SIGKILL");
    expect(stateOf(path, N_PIECES)).toBe(n >= firstAfterRename ? "new" : "old");
    await expectSweep(path);
  });

  test.each([0, 5, 15, 40, 100])("%i ms into a longer write", async (delayMs) => {
    const path = prepare(temporaryFolder());
    const nPieces = 3000; // 30 MB
    const running = spawn(process.execPath, [...child, path, String(nPieces)], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const closed = new Promise((resolve) => running.once("close", resolve));
    await new Promise((resolve) => running.stdout.once("data", resolve)); // it has begun to write
    await setTimeout(delayMs);
    running.kill("SIGKILL");
    await closed;
    stateOf(path, nPieces);
    await expectSweep(path);
  });
});
