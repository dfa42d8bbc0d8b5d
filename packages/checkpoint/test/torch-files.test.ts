// Files that torch itself made (fixtures/torch/make.py): every kind of tensor, pickle protocol and archive it writes today.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { SourceTensor } from "@ll/bytes";
import { describe, expect, it } from "vitest";
import { asType } from "../src/cast.ts";
import { openStoredTensors } from "../src/open-checkpoint.ts";
import { expectRejected } from "./support/expect-rejected.ts";
import { readAll } from "./support/files.ts";

const FOLDER = join(import.meta.dirname, "fixtures", "torch");

interface Expected {
  readonly type: string;
  readonly shape: readonly number[];
  readonly values: readonly number[];
}

const EXPECTED = JSON.parse(readFileSync(join(FOLDER, "expected.json"), "utf8")) as Record<
  string,
  Record<string, Expected>
>;

const TYPES = new Map([
  ["float32", "f32"],
  ["float16", "f16"],
  ["bfloat16", "bf16"],
  ["int64", "i64"],
  ["int32", "i32"],
  ["bool", "bool"],
]);

async function valuesOf(tensor: SourceTensor): Promise<number[]> {
  if (tensor.type === "bool") return [...(await readAll(tensor))];
  if (tensor.type === "i64") return Array.from(new BigInt64Array((await readAll(tensor)).buffer), Number);
  return [...new Float32Array((await readAll(asType(tensor, "f32"), 3)).buffer)];
}

describe("files made by torch", () => {
  const files = ["plain", "ordered", "module", "parameter", "attribute"].map((name) => [name, name] as const);
  const variants = ["protocol-3", "protocol-4", "no-checksums", "aligned-256"].map((name) => [name, "plain"] as const);

  it.each([...files, ...variants])("%s.pth", async (file, content) => {
    const stored = await openStoredTensors(join(FOLDER, `${file}.pth`), { single: true });
    const expected = EXPECTED[content]!;
    expect([...stored.storedTensors.keys()]).toEqual(Object.keys(expected));
    for (const [name, { type, shape, values }] of Object.entries(expected)) {
      const tensor = stored.storedTensors.get(name)!;
      expect(tensor).toMatchObject({ type: TYPES.get(type), shape });
      expect(await valuesOf(tensor), name).toEqual(values);
    }
    await stored.verify();
    await stored.close();
  });

  it.each([
    ["before-1.6", "E_UNSUPPORTED"],
    ["script", "E_UNSUPPORTED"],
    ["protocol-5", "E_PICKLE_PROTO"],
  ])("%s.pth is refused", async (file, code) => {
    await expectRejected(() => openStoredTensors(join(FOLDER, `${file}.pth`), { single: true }), code);
  });
});
