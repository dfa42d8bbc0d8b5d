import { describe, expect, test } from "vitest";
import { seeds } from "../../../tools/fuzz/targets/tokenizer-json.ts";
import { createHfTokenizer } from "../src/index.ts";

const [BYTE_LEVEL, , TEKKEN] = seeds.map((seed) => JSON.parse(new TextDecoder().decode(seed)));
const bytesOf = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));
const withConfig = (config: unknown, json: unknown = BYTE_LEVEL) =>
  createHfTokenizer({ tokenizerJson: bytesOf(json), tokenizerConfig: bytesOf(config) });
const END = 5;

describe("a directory", () => {
  test("without tokenizer_config.json is its tokenizer.json", () => {
    const tokenizer = createHfTokenizer({ tokenizerJson: bytesOf(BYTE_LEVEL) });
    expect([...tokenizer.encode("ab", { prompt: true, eos: true })]).toEqual([END, 2]);
  });

  test("says in tokenizer_config.json what stands around texts", () => {
    const ids = (config: unknown, json?: unknown) => [
      ...withConfig(config, json).encode("ab", { prompt: true, eos: true }),
    ];
    expect(ids({ add_bos_token: false })).toEqual([2]);
    expect(ids({ add_eos_token: true, eos_token: "<|end|>" })).toEqual([END, 2, END]);
    expect(
      ids({ add_bos_token: true, bos_token: { content: "<|end|>" } }, { ...BYTE_LEVEL, post_processor: null }),
    ).toEqual([END, 2]);
    // a token that the vocabulary does not have is none
    expect(ids({ add_bos_token: true, bos_token: "<none>" }, { ...BYTE_LEVEL, post_processor: null })).toEqual([2]);
    expect(withConfig({ eos_token: "<|end|>" }).special.eos).toBe(END);
  });

  test("with a tekken.json alone", () => {
    expect(createHfTokenizer({ tekkenJson: bytesOf(TEKKEN) }).nVocab).toBeGreaterThan(0);
  });

  test("without any tokenizer is refused", () => {
    expect(() => createHfTokenizer({})).toThrow(expect.objectContaining({ code: "E_MISSING", field: "file" }));
  });
});
