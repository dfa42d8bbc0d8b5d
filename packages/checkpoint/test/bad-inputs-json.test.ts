// Bad-input corpus of generation_config.json (GC) and of the index of safetensors files as JSON (SI): rows marked + must open.

import { memorySource } from "@ll/bytes";
import { describe, expect, test } from "vitest";
import { countingBudget, expectWithinPromise } from "../../../tools/parser-cost.ts";
import { type HfModel, openHfModel } from "../src/hf-model.ts";
import { isCheckpointError } from "../src/index.ts";
import { readJsonObject } from "../src/json-tree.ts";
import { readShardIndex, type ShardIndex } from "../src/shard-index.ts";

const bytesOf = (text: string | Uint8Array): Uint8Array =>
  typeof text === "string" ? new TextEncoder().encode(text) : text;

async function generation(text: string | Uint8Array): Promise<HfModel> {
  const budget = countingBudget();
  const source = memorySource(bytesOf(text), "generation_config.json");
  const own = readJsonObject(source, { budget }).finally(() => expectWithinPromise(budget, source.byteLength));
  const config = memorySource(bytesOf('{"architectures":["Qwen3ForCausalLM"],"eos_token_id":[8,9]}'), "config.json");
  return openHfModel({
    configFile: "config.json",
    generationConfig: await own,
    config: await readJsonObject(config),
    parts: [],
  });
}

async function index(text: string | Uint8Array): Promise<ShardIndex> {
  const budget = countingBudget();
  const source = memorySource(bytesOf(text), "model.safetensors.index.json");
  return readShardIndex(source, { budget }).finally(() => expectWithinPromise(budget, source.byteLength));
}

async function refusal(work: Promise<unknown>): Promise<string> {
  const error: unknown = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!isCheckpointError(error)) return String(error);
  expect(error.message.length).toBeLessThanOrEqual(512);
  expect([error.file, error.expected, error.got]).not.toContain(undefined);
  return error.code;
}

/** What both readers refuse. */
const NO_JSON: readonly (readonly [name: string, text: string | Uint8Array, code: string])[] = [
  ["GC01, SI01 nothing", "", "E_JSON"],
  ["GC01, SI01 a list", "[]", "E_JSON"],
  ["GC01, SI01 null", "null", "E_JSON"],
  ["GC01, SI01 half of it", '{"a":', "E_JSON"],
  ["GC02, SI02 two byte order marks", "\ufeff\ufeff{}", "E_JSON"],
  ["GC02, SI02 UTF-16", new Uint8Array(Buffer.from("{}", "utf16le")), "E_JSON"],
  ["GC02, SI02 a comment", "{} // none", "E_JSON"],
  ["GC02, SI02 NaN", '{"a":NaN}', "E_JSON"],
  ["GC02, SI02 bytes that are no UTF-8", Uint8Array.of(0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d), "E_UTF8"],
  ["GC03, SI03 a key twice", '{"a":1,"a":2}', "E_DUP"],
  ["GC03, SI03 a key twice, once escaped", '{"a":1,"\\u0061":2}', "E_DUP"],
  ["GC04, SI04 objects in objects", `{"a":${'{"a":'.repeat(100_000)}`, "E_LIMIT"],
  ["GC04, SI04 lists in lists", `{"a":${"[".repeat(100_000)}`, "E_LIMIT"],
];

describe("generation_config.json", () => {
  test.each(NO_JSON)("%s", async (_name, text, code) => {
    expect(await refusal(generation(text))).toBe(code);
  });

  test.each([
    ["GC05 __proto__ as a key", '{"__proto__":{"polluted":1}}'],
    ["GC05 a text as the end", '{"eos_token_id":"2"}'],
  ])("%s changes nothing", async (_name, text) => {
    const outcome = await generation(text).then(
      ({ ends }) => ends,
      (error: unknown) => (isCheckpointError(error) ? [8, 9] : error),
    );
    expect(outcome).toEqual([8, 9]);
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });

  test.each<[string, string, readonly number[]]>([
    ["GC06 + one end", '{"eos_token_id":7}', [7]],
    ["GC06 + ends, and what is none among them", '{"eos_token_id":[-1,1.5,"2",null,7,1e99,3]}', [7, 3]],
    ["GC06 + no end that is one: those of config.json", '{"eos_token_id":[-1,{}]}', [8, 9]],
    ["GC06 + null", '{"eos_token_id":null}', [8, 9]],
  ])("%s", async (_name, text, ends) => {
    expect((await generation(text)).ends).toEqual(ends);
  });

  test.each(['"x"', "-1", "1.5", "1e999", "9007199254740993", "{}", "[1]", "true"])(
    "GC06 top_k of %s is refused when it is asked for",
    async (value) => {
      const { generation: own } = await generation(`{"top_k":${value}}`);
      expect(() => own.count("top_k")).toThrow(/"top_k" expected a whole number/);
    },
  );
});

describe("the index of safetensors files", () => {
  test.each(NO_JSON)("%s", async (_name, text, code) => {
    expect(await refusal(index(text))).toBe(code);
  });

  test.each([
    ["SI05 no map", "{}", "E_SHARD"],
    ["SI05 an empty map", '{"weight_map":{}}', "E_SHARD"],
    ["SI05 a list in place of the map", '{"weight_map":[]}', "E_FIELD"],
    ["SI05 a number in place of a file", '{"weight_map":{"a":7}}', "E_FIELD"],
    ["SI05 null in place of a file", '{"weight_map":{"a":null}}', "E_PATH"],
    ["SI05 a tensor twice", '{"weight_map":{"a":"x","a":"y"}}', "E_DUP"],
    ["SI05 an empty name", '{"weight_map":{"a":""}}', "E_PATH"],
  ])("%s", async (_name, text, code) => {
    expect(await refusal(index(text))).toBe(code);
  });

  test("SI05 + names of JavaScript are names, and metadata may be anything", async () => {
    const text = '{"metadata":{"total_size":"lots","x":[1]},"weight_map":{"constructor":"x","toString":"x"}}';
    const read = await index(text);
    expect([read.files, read.totalBytes, read.weightMap.get("constructor")]).toEqual([["x"], undefined, "x"]);
  });
});
