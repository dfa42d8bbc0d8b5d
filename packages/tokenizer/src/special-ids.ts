// Which ids begin and end texts, and which tokens are cut out of them: what the file says, and what llama.cpp makes of texts that it
// knows. Source: llama.cpp's src/llama-vocab.cpp.

import { TYPE } from "./pieces.ts";

/** Names of ids in files: `tokenizer.ggml.bos_token_id` is `bos`. */
export const ID_NAMES = [
  "bos",
  "eos",
  "eot",
  "eom",
  "unknown",
  "seperator", // sic
  "padding",
  "mask",
  "fim_pre",
  "fim_suf",
  "fim_mid",
  "fim_pad",
  "fim_rep",
  "fim_sep",
] as const;
export type IdName = (typeof ID_NAMES)[number];
export type SpecialIds = Partial<Record<IdName, number>>;

/** Texts that say what a token is for, the preferred one first. Read as bars: ｜ is U+FF5C, ▁ U+2581. */
const KNOWN_TEXTS: Partial<Record<IdName, readonly string[]>> = {
  eot: [
    "<|eot_id|>",
    "<|im_end|>",
    "<|end|>",
    "<end_of_turn>",
    "<|endoftext|>",
    "<|end_of_text|>",
    "<EOT>",
    "_<EOT>",
    "[EOT]",
    "<｜end▁of▁sentence｜>",
    "<end_of_utterance>",
  ],
  eom: ["<|eom_id|>"],
  fim_pre: [
    "<|fim_prefix|>",
    "<fim-prefix>",
    "<fim_prefix>",
    "<｜fim▁begin｜>",
    "<PRE>",
    "▁<PRE>",
    "<|code_prefix|>",
    "<|prefix|>",
  ],
  fim_suf: [
    "<|fim_suffix|>",
    "<fim-suffix>",
    "<fim_suffix>",
    "<｜fim▁hole｜>",
    "<SUF>",
    "▁<SUF>",
    "<|code_suffix|>",
    "<|suffix|>",
  ],
  fim_mid: [
    "<|fim_middle|>",
    "<fim-middle>",
    "<fim_middle>",
    "<｜fim▁end｜>",
    "<MID>",
    "▁<MID>",
    "<|code_middle|>",
    "<|middle|>",
  ],
  fim_pad: ["<|fim_pad|>", "<fim-pad>", "<fim_pad>", "<PAD>", "[PAD]"],
  fim_rep: ["<|fim_repo|>", "<|repo_name|>", "<fim-repo>", "<REPO>", "<reponame>"],
  fim_sep: ["<|file_sep|>"],
};

/** Tokens with these texts end what a model says. */
export const END_TEXTS: readonly string[] = [
  "<|eot_id|>",
  "<|im_end|>",
  "<|end|>",
  "<|return|>",
  "<|call|>",
  "<|flush|>",
  "<|calls|>",
  "<end_of_turn>",
  "<|endoftext|>",
  "</s>",
  "<|eom_id|>",
  "<EOT>",
  "_<EOT>",
  "[EOT]",
  "[EOS]",
  "<|end_of_text|>",
  "<end_of_utterance>",
  "<eos>",
  "<turn|>",
  "<|tool_response>",
  "<｜end▁of▁sentence｜>",
  "[e~[",
];

/** Parts of a message of gpt-oss, which are shown. */
const SHOWN_TEXTS: readonly string[] = ["<|channel|>", "<|message|>", "<|start|>", "<|constrain|>"];

export interface SpecialFacts {
  readonly ids: SpecialIds;
  readonly ends: ReadonlySet<number>;
}

/**
 * Completes the ids of a file and finds the ends. With `ids` "llama.cpp" every token with a known text counts, and `types` are changed
 * as there; else only control tokens do, for ordinary text may have the same spelling, and `types` stay as they are.
 * @param types by id, values of `TYPE`
 * @param find the id of a text
 */
export function completeIds(
  ids: "publisher" | "llama.cpp",
  given: SpecialIds,
  types: Uint8Array,
  find: (text: string) => number | undefined,
): SpecialFacts {
  const isLlamaCpp = ids === "llama.cpp";
  // a file without types marks nothing: then texts are all there is
  const isMarked = types.includes(TYPE.control);
  const known = (text: string): number | undefined => {
    const id = find(text);
    if (id === undefined || isLlamaCpp || !isMarked) return id;
    return types[id] === TYPE.control ? id : undefined;
  };
  const all: SpecialIds = { ...given };
  for (const [name, texts] of Object.entries(KNOWN_TEXTS) as [IdName, readonly string[]][]) {
    if (all[name] !== undefined) continue;
    const text = texts.find((candidate) => known(candidate) !== undefined);
    if (text === undefined) continue;
    const id = known(text) as number;
    all[name] = id;
    if (isLlamaCpp) types[id] = TYPE.control;
  }
  const ends = new Set<number>();
  for (const name of ["fim_pad", "fim_rep", "fim_sep"] as const) {
    const id = all[name];
    if (id !== undefined) ends.add(id);
  }
  for (const text of END_TEXTS) {
    const id = known(text);
    if (id === undefined) continue;
    ends.add(id);
    if (isLlamaCpp) types[id] = TYPE.control;
  }
  if (isLlamaCpp) {
    for (const text of SHOWN_TEXTS) {
      const id = find(text);
      if (id !== undefined) types[id] = TYPE["user-defined"];
    }
  }
  for (const name of ["eos", "eot", "eom"] as const) {
    const id = all[name];
    if (id !== undefined) ends.add(id);
  }
  const has = (text: string): boolean => {
    const id = find(text);
    return id !== undefined && ends.has(id);
  };
  // in gpt-oss's format it ends a message, not the turn
  if (
    has("<|end|>") &&
    ((has("<|return|>") && (has("<|call|>") || has("<|calls|>"))) || (has("<|flush|>") && has("<|calls|>")))
  ) {
    const id = find("<|end|>") as number;
    ends.delete(id);
    if (isLlamaCpp) types[id] = TYPE["user-defined"];
  }
  if (has("<|tool_response>") && has("</s>")) {
    const id = find("</s>") as number;
    ends.delete(id);
    if (isLlamaCpp) types[id] = TYPE.normal;
  }
  return { ids: all, ends };
}
