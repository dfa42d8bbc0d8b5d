// GJ24 … GJ26: what only a real file system can do.

import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { open, rename } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isIoError } from "@ll/bytes";
import { openFileSource } from "@ll/bytes/node";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { checkLlamaTensors, openGgml } from "../src/index.ts";
import { concat, f32, MAGIC, pattern, smallModel, u32, utf8 } from "./ggml-bytes.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "ll-ggml-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

async function failureOf(work: Promise<unknown>): Promise<{ code: string; message: string; file: string | undefined }> {
  const error = await work.then(
    () => expect.unreachable("it was taken"),
    (reason: unknown) => reason,
  );
  if (!isIoError(error)) throw error;
  return error;
}

describe("GJ24 a path that is no readable file", () => {
  test.each<[string, (path: string) => void, string]>([
    ["directory", (path) => mkdirSync(path), "Is a directory"],
    ["FIFO", (path) => execFileSync("mkfifo", [path]), "not a regular file"],
    ["link to /dev/zero", (path) => symlinkSync("/dev/zero", path), "not a regular file"],
    ["symlink loop", (path) => symlinkSync(path, path), "Too many levels of symbolic links"],
    ["nothing", () => undefined, "No such file or directory"],
  ])("%s", async (name, make, reason) => {
    const path = join(folder, name.replaceAll(/\W/g, "-"));
    make(path);
    const error = await failureOf(openFileSource(path));
    expect(error).toMatchObject({ code: "E_IO", file: path, message: `failed to open ${path}: ${reason}` });
  });

  test("mode 000", () => {
    const path = join(folder, "secret.bin");
    writeFileSync(path, smallModel());
    chmodSync(path, 0o000);
    chmodSync(folder, 0o755);
    // root may read everything, so another user tries
    const script = `
      import { openFileSource } from "@ll/bytes/node";
      await openFileSource(process.argv[1]).then(() => console.log("taken"), (error) => console.log(error.code, error.message));`;
    const output = execFileSync(
      process.execPath,
      ["--conditions=@ll/source", "--input-type=module", "--eval", script, path],
      {
        cwd: join(import.meta.dirname, ".."),
        encoding: "utf8",
        ...(process.getuid?.() === 0 && { uid: 65_534, gid: 65_534 }),
      },
    );
    expect(output).toBe(`E_IO failed to open ${path}: Permission denied\n`);
  });
});

describe("GJ25 a file that changes while it is read", () => {
  test("truncated", async () => {
    const path = join(folder, "truncated.bin");
    writeFileSync(path, smallModel());
    const source = await openFileSource(path);
    const file = await openGgml(source);
    truncateSync(path, 1000);
    const tensor = file.tensors.at(-1)!;
    expect(await failureOf(tensor.read(0, new Uint8Array(8)))).toMatchObject({ code: "E_CHANGED", file: path });
    expect(await failureOf(source.assertUnchanged())).toMatchObject({ code: "E_CHANGED", file: path });
    await source.close();
  });

  test("truncated while it is opened", async () => {
    const path = join(folder, "shrinking.bin");
    writeFileSync(path, smallModel());
    const source = await openFileSource(path);
    truncateSync(path, 10);
    expect(await failureOf(openGgml(source))).toMatchObject({ code: "E_CHANGED", file: path });
    await source.close();
  });

  test("replaced", async () => {
    const path = join(folder, "replaced.bin");
    writeFileSync(path, smallModel());
    const source = await openFileSource(path);
    const file = await openGgml(source);
    await source.assertUnchanged();
    writeFileSync(`${path}.new`, smallModel());
    await rename(`${path}.new`, path);
    // the open file is still the old one, whole
    const data = new Uint8Array(32);
    await file.tensors[1]!.read(0, data);
    expect(data).toEqual(pattern(32, 1));
    expect(await failureOf(source.assertUnchanged())).toMatchObject({ code: "E_CHANGED", file: path });
    await source.close();
  });
});

describe("GJ26 a file beyond 2^32 bytes", () => {
  test("a tensor behind 13 GB gives the right bytes", async () => {
    const path = join(folder, "sparse.bin");
    const head = concat([u32(MAGIC.ggjt, 3, 1, 0, 0, 0, 0, 0, 0), u32(1), utf8("a"), f32(0)]);
    // 50,000 × 65,536 × 4 bytes = 13,107,200,000; the record begins at 45 and ends at 68, so the data begins at 96
    const first = concat([u32(2, 3, 0, 65_536, 50_000), utf8("big")]);
    const bigEnd = 96 + 4 * 65_536 * 50_000;
    const second = concat([u32(1, 5, 0, 8), utf8("small")]);
    const dataOffset = Math.ceil((bigEnd + second.length) / 32) * 32;
    const data = pattern(32, 9);
    const handle = await open(path, "w");
    await handle.truncate(dataOffset + data.length);
    await handle.write(concat([head, first]), 0, undefined, 0);
    await handle.write(second, 0, undefined, bigEnd);
    await handle.write(data, 0, undefined, dataOffset);
    await handle.close();

    const source = await openFileSource(path);
    const file = await openGgml(source, { strict: true });
    expect(dataOffset).toBeGreaterThan(2 ** 32);
    expect(file.tensor("big")).toMatchObject({ dataOffset: 96, byteLength: 13_107_200_000, shape: [50_000, 65_536] });
    expect(file.tensor("small")).toMatchObject({ dataOffset, byteLength: 32 });
    const found = new Uint8Array(32);
    await file.tensor("small")!.read(0, found);
    expect(found).toEqual(data);
    await file.tensor("big")!.read(13_107_200_000 - 32, found);
    expect(found).toEqual(new Uint8Array(32));
    expect(() => checkLlamaTensors(file)).toThrow("n_embd is 0");
    await source.close();
  });
});
