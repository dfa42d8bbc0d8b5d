// Ids, texts and settings of real vocabularies, recorded from llama.cpp and from the publishers' own tokenizers.

import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { describeWithTestData, testData } from "../../../tools/test-data.ts";
import { ggufVocabulary } from "../src/gguf-tokenizer.ts";
import { createJsonTokenizer, type Tokenizer } from "../src/index.ts";
import { TYPE } from "../src/pieces.ts";
import { openVocabulary, type TokenFacts } from "../src/vocabulary-tokenizer.ts";
import { readGgufTokenizer } from "./support/gguf-vocabulary.ts";

interface Case {
  readonly text?: string;
  readonly hex?: string;
  readonly repeat?: readonly [string, number];
  readonly plain: readonly number[];
  readonly special?: readonly number[];
  readonly model?: readonly number[];
  readonly modelNeedsJson?: boolean;
}

interface Golden {
  readonly vocab: string;
  readonly tokenizerJson?: string | null;
  readonly modelReference: string | null;
  readonly settings: Readonly<Record<string, number>> & { readonly eog: readonly number[] };
  readonly attributes: readonly (readonly [number, number, number])[];
  readonly cases: readonly Case[];
  readonly decode: readonly { ids: readonly number[]; shown: string; hidden?: string; detokenize?: string }[];
}

const NAMES = [
  "llama3",
  "qwen3",
  "gptoss",
  "deepseek3",
  "gemma3",
  "tekken",
  "gpt2",
  "starcoder2",
  "deepseek-coder",
  "deepseek-llm",
  "phi3",
];

function readGolden(name: string): Golden {
  return JSON.parse(readFileSync(testData(`golden/bpe-${name}.json`), "utf8"));
}

function inputOf({ text, hex, repeat }: Case): string | Uint8Array {
  if (hex !== undefined) return Uint8Array.from(Buffer.from(hex, "hex"));
  return repeat === undefined ? (text as string) : repeat[0].repeat(repeat[1]);
}

/** Ids as text: lists of a million compare badly. */
const list = (ids: ArrayLike<number>): string => Array.from(ids).join(" ");

describeWithTestData("recorded vocabularies", () => {
  describe.each(NAMES)("%s", (name) => {
    const golden = readGolden(name);
    const opened = (ids: "publisher" | "llama.cpp") =>
      readGgufTokenizer(testData(golden.vocab)).then((file) => {
        const vocabulary = ggufVocabulary(file, ids);
        return { vocabulary, ...openVocabulary(vocabulary, { ids }) };
      });
    const withSpace = { space: true };

    test("ids of llama.cpp", async () => {
      const { tokenizer } = await opened("llama.cpp");
      const wrong: unknown[] = [];
      for (const item of golden.cases) {
        for (const special of [false, true]) {
          const expected = list(special ? (item.special ?? item.plain) : item.plain);
          const got = list(tokenizer.encode(inputOf(item), { ...withSpace, special }));
          if (got !== expected)
            wrong.push({ item: JSON.stringify(item).slice(0, 300), special, got: got.slice(0, 200) });
        }
      }
      expect(wrong).toEqual([]);
    });

    test.skipIf(golden.modelReference === null)("ids of the publisher", async () => {
      const { tokenizer } = await opened("publisher");
      const wrong: unknown[] = [];
      for (const item of golden.cases) {
        if (item.hex !== undefined || item.modelNeedsJson === true) continue;
        const expected = list(item.model ?? item.special ?? item.plain);
        const got = list(tokenizer.encode(inputOf(item), { ...withSpace, special: true }));
        if (got !== expected) wrong.push({ item: JSON.stringify(item).slice(0, 300), got: got.slice(0, 200) });
      }
      expect(wrong).toEqual([]);
    });

    const json = name === "tekken" ? "vocab/tekken.json.gz" : golden.tokenizerJson;
    test.skipIf(golden.modelReference === null || json == null)("ids of the publisher, from JSON", () => {
      const bytes = new Uint8Array(gunzipSync(readFileSync(testData(json ?? ""))));
      const tokenizer = createJsonTokenizer(bytes);
      const wrong: unknown[] = [];
      for (const item of golden.cases) {
        if (item.hex !== undefined) continue;
        const expected = list(item.model ?? item.special ?? item.plain);
        const got = list(tokenizer.encode(inputOf(item), { ...withSpace, special: true }));
        if (got !== expected) wrong.push({ item: JSON.stringify(item).slice(0, 300), got: got.slice(0, 200) });
      }
      expect(wrong).toEqual([]);
    });

    test("texts of ids", async () => {
      const { tokenizer } = await opened("llama.cpp");
      const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
      const joined = (ids: readonly number[], special: boolean): string =>
        ids.map((id) => hex(tokenizer.tokenBytes(id, { special }))).join("");
      for (const { ids, shown, hidden = shown, detokenize = shown } of golden.decode) {
        const got = { ids, shown: joined(ids, true), hidden: joined(ids, false) };
        expect(got).toEqual({ ids, shown, hidden });
        const clean = tokenizer.decode(ids, { special: true, clean: true });
        expect({ ids, clean }).toEqual({ ids, clean: Buffer.from(detokenize, "hex").toString() });
      }
    });

    test("settings", async () => {
      const { vocabulary, tokenizer, facts } = await opened("llama.cpp");
      const { eot: _anyOfSeveral, nl, n, add_eos: _notUsed, ...settings } = golden.settings;
      expect(settingsOf(vocabulary, tokenizer, facts)).toEqual(settings);
      // llama.cpp takes Gemma's <0x0A> for it, which no text becomes: there is a token "\n"
      expect([tokenizer.nVocab, tokenizer.special.newline]).toEqual([n, name === "gemma3" ? 107 : nl]);
      const { types } = facts;
      const recorded = new Map<number, number>();
      for (const [first, last, bits] of golden.attributes) {
        for (let id = first; id <= last; id++) recorded.set(id, bits);
      }
      const wrong: unknown[] = [];
      for (const [id, type] of types.entries()) {
        const bits = recorded.get(id);
        const expected = bits === undefined ? [TYPE.normal, TYPE.byte] : [typeOfBits(bits)];
        if (!expected.some((candidate) => candidate === type)) wrong.push({ id, type, bits });
      }
      expect(wrong).toEqual([]);
    });
  });

  const PRE: {
    vocab: string;
    strings: readonly string[];
    pre: Record<string, readonly (readonly number[])[]>;
    flags: Record<string, Record<string, number>>;
  } = JSON.parse(readFileSync(testData("golden/bpe-pretokenizers.json"), "utf8"));

  test.each(Object.keys(PRE.pre))("pre-tokenizer %s", async (pre) => {
    const file = await readGgufTokenizer(testData(PRE.vocab));
    const vocabulary = ggufVocabulary({ ...file, pre, addBos: undefined }, "llama.cpp");
    const { tokenizer } = openVocabulary(vocabulary, { ids: "llama.cpp" });
    const { addBos, cleanSpaces, ignoreMerges } = vocabulary;
    expect({ add_bos: Number(addBos), clean_spaces: Number(cleanSpaces), ignore_merges: Number(ignoreMerges) }).toEqual(
      PRE.flags[pre],
    );
    const wrong: unknown[] = [];
    for (const [i, ids] of (PRE.pre[pre] ?? []).entries()) {
      const text = PRE.strings[i] as string;
      const expected = list(ids);
      const got = list(tokenizer.encode(text));
      if (got !== expected) wrong.push({ text, expected, got });
    }
    expect(wrong).toEqual([]);
  });
});

function settingsOf(
  vocabulary: ReturnType<typeof ggufVocabulary>,
  tokenizer: Tokenizer,
  { ids, ends }: TokenFacts,
): Record<string, unknown> {
  const id = (name: keyof typeof ids): number => ids[name] ?? -1;
  return {
    bos: id("bos"),
    eos: id("eos"),
    eom: id("eom"),
    unk: id("unknown"),
    pad: id("padding"),
    add_bos: Number(tokenizer.addBos),
    add_space_prefix: Number(tokenizer.addSpacePrefix),
    clean_spaces: Number(vocabulary.cleanSpaces),
    ignore_merges: Number(vocabulary.ignoreMerges),
    fim_pre: id("fim_pre"),
    fim_suf: id("fim_suf"),
    fim_mid: id("fim_mid"),
    fim_pad: id("fim_pad"),
    fim_rep: id("fim_rep"),
    fim_sep: id("fim_sep"),
    eog: [...ends].sort((a, b) => a - b),
  };
}

/** The type whose rules apply to a token with llama.cpp's attributes. */
function typeOfBits(bits: number): number {
  if ((bits & 8) !== 0) return TYPE.control;
  if ((bits & 1) !== 0) return TYPE.unknown;
  if ((bits & 16) !== 0) return TYPE["user-defined"];
  if ((bits & 2) !== 0) return TYPE.unused;
  return (bits & 32) !== 0 ? TYPE.byte : TYPE.normal;
}
