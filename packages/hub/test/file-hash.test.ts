// The hash of a file that still comes, on this thread and on one of its own.

import { createHash, randomFillSync } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openPartFile, type PartFile } from "@ll/bytes/node";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { hashFile } from "../src/file-hash.ts";

const CHUNK = 64 * 1024;
const BYTES = 3 * CHUNK + 1000;
const contents = randomFillSync(new Uint8Array(BYTES));
const hash = { kind: "git-sha1", hex: "" } as const;

let folder: string;
let part: PartFile;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "ll-hash-"));
  part = await openPartFile(join(folder, "file"), { bytes: BYTES, key: "k", chunkBytes: CHUNK });
});

afterEach(async () => {
  await part.close();
  await rm(folder, { recursive: true });
});

async function write(chunk: number): Promise<void> {
  await part.write(chunk * CHUNK, [contents.subarray(chunk * CHUNK, (chunk + 1) * CHUNK)]);
  await part.finish(chunk);
}

describe.each([
  ["here", BYTES + 1],
  ["beside", BYTES],
])("%s", (_, largeBytes) => {
  test("is that of the whole, in whatever order its parts come", async () => {
    for (const known of [undefined, hash]) {
      const sum = hashFile(part, { bytes: BYTES, hash: known }, { largeBytes });
      for (const chunk of [2, 0, 3, 1]) {
        await write(chunk);
        await sum.advance();
      }
      const expected = known === undefined ? createHash("sha256") : createHash("sha1").update(`blob ${BYTES}\0`);
      await sum.advance(); // as others do that have seen the last part come
      expect(await sum.end()).toBe(expected.update(contents).digest("hex"));
      await sum.close();
    }
  });

  test("a signal ends it", async () => {
    for (const chunk of [0, 1, 2, 3]) await write(chunk);
    const controller = new AbortController();
    const sum = hashFile(part, { bytes: BYTES, hash }, { largeBytes, signal: controller.signal });
    controller.abort(new Error("enough"));
    await expect(sum.end()).rejects.toThrow("enough");
    await sum.close();
  });
});

test("what cannot be read is said, with the name of the file", async () => {
  const lost = { ...part, partPath: join(folder, "elsewhere") };
  const sum = hashFile(lost, { bytes: BYTES, hash }, { largeBytes: 0 });
  const error = await sum.end().catch((cause: unknown) => cause);
  expect(error).toMatchObject({ name: "IoError", code: "E_IO", file: join(folder, "file") });
  expect((error as Error).message).toMatch(/cannot check .*file: ENOENT/);
  await sum.close();
});
