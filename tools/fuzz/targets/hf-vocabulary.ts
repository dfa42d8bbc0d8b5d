// The files of a Hugging Face directory that say how texts become ids. A line with `--` stands between them.

import { ARCHITECTURES } from "@ll/architectures";
import { hfVocabulary } from "@ll/tokenizer";
import { each } from "./each.ts";
import { ALLOWANCE_BYTES } from "./small-engine.ts";
import { seeds as jsonSeeds } from "./tokenizer-json.ts";

const decoder = new TextDecoder();
const encoder = new TextEncoder();
const CONFIG = {
  tokenizer_class: "PreTrainedTokenizerFast",
  bos_token: "<|end|>",
  eos_token: { content: "<|end|>", special: true },
  pad_token: null,
  add_bos_token: true,
  add_prefix_space: false,
  added_tokens_decoder: { "5": { content: "<|end|>", special: true }, "6": { content: "<x>" } },
  chat_template: [
    { name: "default", template: "{{ messages }}" },
    { name: "tool_use", template: "{{ tools }}" },
  ],
};
const others = [JSON.stringify(CONFIG), '{"<y>":6}', '{"chat_template":"{{ bos_token }}"}'];

export const seeds: readonly Uint8Array[] = jsonSeeds.map((seed) =>
  encoder.encode([decoder.decode(seed), ...others].join("\n--\n")),
);
export const dictionary: readonly string[] = [
  ...["bos_token", "eos_token", "added_tokens_decoder", "chat_template", "content", "special", "__proto__"].map(
    (name) => `"${name}":`,
  ),
  ...["null", "-1", "1.5", "1e999", "[]", "{}", "\\ud800", "\n--\n", '"default"'],
];
export const allowanceBytes: number = ALLOWANCE_BYTES;

const RULES = [...new Set(ARCHITECTURES.flatMap(({ hf }) => (hf === undefined ? [] : [hf.tokenizer])))];

export async function fuzz(data: Uint8Array): Promise<void> {
  const parts = decoder
    .decode(data)
    .split("\n--\n")
    .map((text) => encoder.encode(text));
  const [first, tokenizerConfig, addedTokens, templateJson] = parts;
  const facts = { vocabSize: undefined, ids: new Map([["bos", 3]]), ends: [5, 900] };
  const texts = { tokenizerConfig, addedTokens, templateJson };
  await each(
    ...RULES.flatMap((rules) => [
      () => hfVocabulary({ tokenizerJson: first, ...texts }, rules, facts),
      () => hfVocabulary({ tekkenJson: first, ...texts }, rules, { ...facts, vocabSize: 300 }),
    ]),
  );
}
