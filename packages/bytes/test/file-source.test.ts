import { execFileSync, spawnSync } from "node:child_process";
import {
  appendFileSync,
  linkSync,
  mkdirSync,
  renameSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { openFileSource, reason } from "../src/node.ts";
import { temporaryFolder } from "./temporary-folder.ts";

const bytes = Uint8Array.from({ length: 1000 }, (_, i) => i % 251);

function makeFile(): string {
  const path = join(temporaryFolder(), "x.bin");
  writeFileSync(path, bytes);
  return path;
}

test("files that are forgotten end no process", () => {
  const path = makeFile();
  const script = `
    import { createOutFile, openFileSource, openPartFile } from ${JSON.stringify(new URL("../src/node.ts", import.meta.url).href)};
    for (let i = 0; i < 3; i++) {
      await openFileSource(${JSON.stringify(path)});
      await createOutFile(${JSON.stringify(path)} + ".out" + i, { inputs: [] });
      await openPartFile(${JSON.stringify(path)} + ".part" + i, { bytes: 9, key: "k" });
    }
    for (let i = 0; i < 10; i++) {
      gc();
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    console.log("goes on");`;
  const { stdout, stderr } = spawnSync(
    process.execPath,
    ["--expose-gc", "--conditions=@ll/source", "--no-warnings", "--input-type=module-typescript", "-e", script],
    { encoding: "utf8" },
  );
  expect([stdout, stderr]).toEqual(["goes on\n", ""]);
});

test("reads spans of a file", async () => {
  const path = makeFile();
  const source = await openFileSource(path);
  expect([source.name, source.path, source.byteLength]).toEqual([path, path, 1000]);
  const target = new Uint8Array(100);
  await source.read(900, target);
  expect(target).toEqual(bytes.subarray(900));
  await source.read(1000, new Uint8Array(0));
  await expect(source.read(901, target)).rejects.toThrow(RangeError);
  await expect(source.read(-1, target)).rejects.toThrow(RangeError);
  await source.assertUnchanged();
  await source.close();
  await source.close();
  await expect(source.read(0, target)).rejects.toMatchObject({ code: "E_IO", file: path });
});

test("fills only the target, also when that is part of a buffer", async () => {
  const source = await openFileSource(makeFile());
  const all = new Uint8Array(30).fill(7);
  await source.read(5, all.subarray(10, 20));
  expect([...all.subarray(0, 10), ...all.subarray(20)].every((byte) => byte === 7)).toBe(true);
  expect(all.subarray(10, 20)).toEqual(bytes.subarray(5, 15));
  await source.close();
});

test.each<[string, (path: string) => void]>([
  ["longer", (path) => appendFileSync(path, "x")],
  ["shorter", (path) => truncateSync(path, 999)],
  ["newer", (path) => utimesSync(path, new Date(), new Date(1_600_000_000_000))],
  ["gone", (path) => renameSync(path, `${path}.old`)],
  [
    "replaced by another file with the same bytes",
    (path) => {
      writeFileSync(`${path}.new`, bytes);
      renameSync(`${path}.new`, path);
    },
  ],
])("notices that the file is %s", async (_name, change) => {
  const path = makeFile();
  const source = await openFileSource(path);
  change(path);
  await expect(source.assertUnchanged()).rejects.toMatchObject({ code: "E_CHANGED", file: path });
  await source.close();
});

test("a file that ends early while it is read is E_CHANGED", async () => {
  const path = makeFile();
  const source = await openFileSource(path);
  truncateSync(path, 10);
  await expect(source.read(5, new Uint8Array(10))).rejects.toMatchObject({ code: "E_CHANGED", file: path });
  await source.close();
});

test("a FIFO is no file, and opening it does not wait for a writer", async () => {
  const path = join(temporaryFolder(), "fifo");
  execFileSync("mkfifo", [path]);
  await expect(openFileSource(path)).rejects.toMatchObject({
    code: "E_IO",
    message: `failed to open ${path}: not a regular file`,
  });
});

test("links lead to their file; a folder is no file", async () => {
  const path = makeFile();
  linkSync(path, `${path}.hard`);
  symlinkSync(path, `${path}.soft`);
  for (const link of [`${path}.hard`, `${path}.soft`]) {
    const source = await openFileSource(link);
    expect(source.byteLength).toBe(1000);
    await source.close();
  }
  mkdirSync(`${path}.folder`);
  await expect(openFileSource(`${path}.folder`)).rejects.toMatchObject({
    code: "E_IO",
    message: `failed to open ${path}.folder: Is a directory`,
  });
});

test("reads beyond 2^32 bytes", async () => {
  const path = join(temporaryFolder(), "sparse.bin");
  const handle = await open(path, "w");
  await handle.truncate(5 * 2 ** 30);
  await handle.write(Uint8Array.of(1, 2, 3), 0, 3, 2 ** 32 + 7);
  await handle.close();
  const source = await openFileSource(path);
  expect(source.byteLength).toBe(5 * 2 ** 30);
  const target = new Uint8Array(5);
  await source.read(2 ** 32 + 6, target);
  expect([...target]).toEqual([0, 1, 2, 3, 0]);
  await source.close();
});

test("reason has the words of the C library", () => {
  expect(reason(Object.assign(new Error("x"), { code: "ENOENT" }))).toBe("No such file or directory");
  expect(reason(Object.assign(new Error("odd"), { code: "EODD" }))).toBe("odd");
  expect(reason("text")).toBe("text");
  expect(reason(undefined)).toBe("undefined");
});
