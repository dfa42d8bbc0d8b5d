// A vocabulary of bytes and some special tokens, as GGUF files have them.

import { createGgufTokenizer, type Tokenizer } from "@ll/tokenizer";
import { textsOf } from "../../../tokenizer/test/support/texts.ts";

/** Bytes as byte-level vocabularies spell them. */
function spelledBytes(): string[] {
  const isPlain = (byte: number): boolean => (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte !== 0xad);
  let nOthers = 0;
  return Array.from({ length: 256 }, (_, byte) => String.fromCharCode(isPlain(byte) ? byte : 0x100 + nOthers++));
}

/** Control tokens, the first two of which are BOS and EOS; "☃" is one of a single character. */
const CONTROLS = ["<s>", "</s>", "<|im_start|>", "<|im_end|>", "<|user|>", "☃"];

export function smallVocabulary({ addBos = false }: { readonly addBos?: boolean } = {}): Tokenizer {
  const bytes = spelledBytes();
  return createGgufTokenizer({
    model: "gpt2",
    pre: "llama-bpe",
    name: undefined,
    tokens: textsOf([...bytes, ...CONTROLS, "<think>"]),
    types: [...bytes.map(() => 1), ...CONTROLS.map(() => 3), 4],
    scores: undefined,
    merges: textsOf([]),
    ids: { bos: bytes.length, eos: bytes.length + 1 },
    addBos,
    addSpacePrefix: undefined,
  });
}
