// Hugging Face directories of all families to GGUF: what llama.cpp's converter of August 2026 makes of them was recorded.

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { memorySource } from "@ll/bytes";
import { decodeText, GgufArray, type GgufFile, GgufText, type GgufValue, openGguf } from "@ll/gguf";
import { beforeAll, describe, expect, test } from "vitest";
import { describeWithTestData, testData } from "../../../../tools/test-data.ts";
import { runHere, temporaryDirectory } from "../programs.ts";

interface RecordedTensor {
  readonly name: string;
  readonly type: string;
  /** Fastest dimension first. */
  readonly shape: readonly number[];
  readonly sha256: string;
  /** Numbers that come of powf and expf, which may differ in the last place. */
  readonly values?: readonly number[];
}

interface RecordedFile {
  readonly fileType: number;
  /** Or "as f16". */
  readonly tensors: readonly RecordedTensor[] | string;
}

interface Recorded {
  readonly metadata: Readonly<Record<string, readonly [type: string, value: unknown]>>;
  readonly alternatives?: Readonly<Record<string, readonly [type: string, value: unknown]>>;
  readonly outtypes: Readonly<Record<string, RecordedFile>>;
}

const MODELS = [
  ...["gemma2", "gemma3", "gemma4", "gpt-oss", "granite", "granite-moe", "lfm2", "llama3", "mistral", "mistral3"],
  ...["mixtral", "olmo2", "olmo3", "phi3", "qwen2", "qwen3", "qwen3-moe", "qwen35", "smollm2", "smollm3"],
];
const OUT_TYPES = ["f32", "f16", "bf16", "q8_0", "auto"] as const;

/** Keys that are of no use to any reader, and are not written. */
const OPTIONAL = /^general\.(?:license|base_model|tags|languages)/;

/** What is written otherwise on purpose: ends that are in a list, and are no control tokens that readers know, would be lost. */
const OTHERWISE = new Map<string, readonly (readonly [string, [string, number]])[]>([
  ["gemma3", [["tokenizer.ggml.eos_token_id", ["u32", 1]]]],
  [
    "phi3",
    [
      ["tokenizer.ggml.eot_token_id", ["u32", 288]],
      ["tokenizer.ggml.eom_token_id", ["u32", 287]],
    ],
  ],
]);

async function plainValue(value: GgufValue): Promise<readonly [string, unknown]> {
  if (value instanceof GgufText) return ["string", decodeText(value.bytes)];
  if (!(value instanceof GgufArray)) return [value.type, value.value];
  const { itemType } = value;
  const items = Array.from((await value.read(itemType as "string")) as ArrayLike<unknown>, (item) =>
    item instanceof Uint8Array ? new TextDecoder().decode(item) : item,
  );
  const plain = itemType === "f32" ? items.map((item) => shortest(item as number)) : items;
  const type = `array ${itemType}`;
  if (plain.length <= 16) return [type, plain];
  return [type, { n: plain.length, sha256: sha256(JSON.stringify(plain)) }];
}

/** The number with the fewest digits that is the same in binary32. */
function shortest(value: number): number {
  for (let digits = 1; digits <= 9; digits++) {
    const number = Number(value.toPrecision(digits));
    if (Math.fround(number) === value) return number;
  }
  return value;
}

function sha256(data: string | Uint8Array): string {
  return createHash("sha256").update(data).digest("hex");
}

async function bytesOf(file: GgufFile, name: string): Promise<Uint8Array> {
  const tensor = file.tensor(name);
  const bytes = new Uint8Array(tensor?.byteLength ?? 0);
  await tensor?.read(0, bytes);
  return bytes;
}

async function convert(model: string, ...argv: string[]): Promise<GgufFile> {
  const out = join(await temporaryDirectory(), "model.gguf");
  const { code, stderr } = await runHere("ll-convert", [model, "--outfile", out, ...argv]);
  expect(code, stderr).toBe(0);
  return openGguf(memorySource(await readFile(out)));
}

describeWithTestData("as llama.cpp's converter", () => {
  let golden: Readonly<Record<string, Recorded>> = {};
  beforeAll(() => {
    golden = JSON.parse(readFileSync(testData("golden/convert-hf.json"), "utf8")).models;
  });

  describe.each(MODELS)("%s", (model) => {
    test.each(OUT_TYPES)("%s", async (outType) => {
      const { metadata, alternatives = {}, outtypes } = golden[model] as Recorded;
      const file = await convert(testData(`models/hf/${model}`), ...(outType === "auto" ? [] : ["--outtype", outType]));
      const { fileType, tensors: own } = outtypes[outType] as RecordedFile;
      const recorded = (typeof own === "string" ? outtypes[own.slice("as ".length)]?.tensors : own) as RecordedTensor[];

      const keys = new Map<string, readonly [string, unknown]>();
      for (const [key, value] of file.metadata) keys.set(key, await plainValue(value));
      expect(keys.get("general.file_type")).toEqual(["u32", fileType]);
      keys.delete("general.file_type");
      for (const [key, [type, value]] of keys) if (type === "f32") keys.set(key, [type, shortest(value as number)]);
      const wanted = new Map(
        Object.entries(metadata)
          .filter(([key]) => !OPTIONAL.test(key))
          .map(([key, [type, value]]) => [
            key,
            [type, type === "f32" ? shortest(Math.fround(value as number)) : value],
          ]),
      );
      for (const [key, value] of OTHERWISE.get(model) ?? []) wanted.set(key, value);
      for (const key of Object.keys(alternatives)) if (!keys.has(key)) wanted.delete(key);
      expect(Object.fromEntries(keys)).toEqual(Object.fromEntries(wanted));

      const tensors = await Promise.all(
        recorded.map(async ({ name, values }) => {
          const tensor = file.tensor(name);
          const bytes = await bytesOf(file, name);
          if (values !== undefined) expectClose(new Float32Array(bytes.buffer), values);
          const facts = { name, type: tensor?.type.toUpperCase(), shape: [...(tensor?.shape ?? [])].reverse() };
          return { ...facts, sha256: sha256(bytes) };
        }),
      );
      const known = recorded.map(({ values, sha256, ...facts }, i) => ({
        ...facts,
        sha256: values === undefined ? sha256 : tensors[i]?.sha256,
      }));
      expect(tensors).toEqual(known);
      expect([...file.names()].sort()).toEqual(recorded.map(({ name }) => name).sort());
    });
  });
});

/** Within one unit in the last place; recorded numbers have six digits. */
function expectClose(values: Float32Array, expected: readonly number[]): void {
  expect(values.length).toBe(expected.length);
  for (const [i, value] of values.entries()) {
    const other = expected[i] as number;
    expect(Math.abs(value - other)).toBeLessThanOrEqual(Math.abs(other) * 1e-5);
  }
}
