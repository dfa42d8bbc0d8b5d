import * as nodeFs from "node:fs/promises";
import { readdir, readFile, stat, writeFile } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { expect, test } from "vitest";
import { openPartFile, type PartFile } from "../src/node.ts";
import type { OutFileSystem } from "../src/out-file-options.ts";
import { resolveTarget } from "../src/out-target.ts";
import { temporaryFolder } from "./temporary-folder.ts";

const BYTES = Uint8Array.from({ length: 2500 }, (_, i) => i % 251);
const OPTIONS = { bytes: BYTES.length, key: "sha256 abc", chunkBytes: 1000 };

async function fill(part: PartFile, ...chunks: number[]): Promise<void> {
  for (const { chunk, start, end } of part.missing()) {
    if (!chunks.includes(chunk)) continue;
    await part.write(start, [BYTES.subarray(start, start + 1), BYTES.subarray(start + 1, end)]);
    await part.finish(chunk);
  }
}

test("chunks come in any order, over several runs; the file appears when it is whole", async () => {
  const folder = await temporaryFolder();
  const path = join(folder, "new", "model.gguf");
  const first = await openPartFile(path, OPTIONS);
  expect(first.missing().map(({ start, end }) => [start, end])).toEqual([
    [0, 1000],
    [1000, 2000],
    [2000, 2500],
  ]);
  await fill(first, 2);
  await expect(first.commit()).rejects.toMatchObject({
    code: "E_IO",
    message: expect.stringContaining("parts are missing"),
  });
  await first.close();

  const second = await openPartFile(path, OPTIONS);
  expect(second.missing().map(({ chunk }) => chunk)).toEqual([0, 1]);
  await fill(second, 1, 0);
  const back = new Uint8Array(BYTES.length);
  await second.read(0, back);
  expect(back).toEqual(BYTES);
  await expect(stat(path)).rejects.toMatchObject({ code: "ENOENT" });
  await second.commit();
  expect(new Uint8Array(await readFile(path))).toEqual(BYTES);
  expect(await readdir(join(folder, "new"))).toEqual([basename(path)]);
  await expect(openPartFile(path, OPTIONS)).rejects.toMatchObject({ code: "E_EXISTS" });
});

test("parts of other contents are no parts of it, and a discarded one leaves nothing", async () => {
  const path = join(await temporaryFolder(), "model.gguf");
  const one = await openPartFile(path, OPTIONS);
  await fill(one, 0, 1);
  await one.close();
  const other = await openPartFile(path, { ...OPTIONS, key: "sha256 def" });
  expect(other.missing().length).toBe(3);
  await other.discard();
  const again = await openPartFile(path, OPTIONS);
  expect(again.missing().length).toBe(1);
  await again.discard();
  expect(await readdir(join(path, ".."))).toEqual([]);
});

test("one process at a time; the lock of one that is gone holds nobody up, that of another machine does", async () => {
  const path = join(await temporaryFolder(), "model.gguf");
  const open = await openPartFile(path, OPTIONS);
  await expect(openPartFile(path, OPTIONS)).rejects.toMatchObject({ code: "E_LOCKED" });
  const lock = (await readdir(join(path, ".."))).find((name) => name.endsWith(".lock")) as string;
  const lockPath = join(path, "..", lock);
  const owner = await readFile(lockPath, "latin1");
  await open.close();
  expect(await readdir(join(path, ".."))).not.toContain(lock);

  await writeFile(lockPath, owner.replace(/^\d+/, "4194304")); // above what Linux gives to processes
  await (await openPartFile(path, OPTIONS)).close();
  await writeFile(lockPath, "1 0123456789ab\n");
  await expect(openPartFile(path, OPTIONS)).rejects.toMatchObject({ code: "E_LOCKED" });
});

test("what was written is asked for again if the bytes are gone", async () => {
  const path = join(await temporaryFolder(), "model.gguf");
  const part = await openPartFile(path, OPTIONS);
  await fill(part, 0, 1, 2);
  await part.close();
  const name = (await readdir(join(path, ".."))).find((one) => one.endsWith(".part")) as string;
  await writeFile(join(path, "..", name), "");
  const again = await openPartFile(path, OPTIONS);
  expect(again.missing().length).toBe(3);
  await again.discard();
});

test("a file that comes up while its place is looked at is no link that leads nowhere", async () => {
  const fs = {
    ...nodeFs,
    realpath: async () => {
      throw Object.assign(new Error("absent"), { code: "ENOENT" });
    },
    lstat: async () => nodeFs.lstat(import.meta.filename),
  };
  expect(await resolveTarget(fs as unknown as OutFileSystem, "a/b")).toBe(resolve("a/b"));
});
