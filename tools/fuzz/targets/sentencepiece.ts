// tokenizer.model of SentencePiece: a protobuf message.

import { createTokenizer, readSentencePieceModel } from "@ll/tokenizer";
import {
  basePieces,
  bytesField,
  modelBytes,
  normalizerField,
  TYPE,
  trainerField,
  varintField,
} from "../../../packages/tokenizer/test/support/model-bytes.ts";

const words = ["\u2581", "a", "b", "ab", "\u2581ab", "\u00e4", "__proto__"].map((text, i) => ({
  text,
  score: -i,
  type: TYPE.normal,
}));
const base = basePieces();

export const seeds: readonly Uint8Array[] = [
  modelBytes([...base, ...words]),
  modelBytes(base, [trainerField(varintField(40, 0), varintField(41, 1)), normalizerField(varintField(3, 1))]),
  modelBytes(
    [...base, ...words],
    [trainerField(), normalizerField(bytesField(2, [...new Uint8Array(16)])), bytesField(100, "unknown")],
  ),
  // too few pieces to be right, and short enough to be damaged often
  modelBytes(words),
];
export const dictionary: readonly string[] = ["<0x0A>", "<unk>", "\u2581", "identity", "\x0a\x05\x0a\x03", "\x18\x06"];

export function fuzz(data: Uint8Array): unknown {
  return createTokenizer(readSentencePieceModel(data, "tokenizer.model")).encode("a b\u00e4");
}
