// GGUF files, and what a model and a tokenizer take from their metadata.

import { memorySource } from "@ll/bytes";
import { metadataGetter, openGguf } from "@ll/gguf";
import { configFromGguf } from "@ll/llama";
import { ggufTokenizer } from "@ll/model";
import {
  ARRAY,
  array,
  EVERY_PAIR,
  F32,
  f32,
  ggufBytes,
  I32,
  STRING,
  smallFile,
  text,
  U32,
  u32,
} from "../../../packages/gguf/test/support/gguf-bytes.ts";
import { basePieces } from "../../../packages/tokenizer/test/support/model-bytes.ts";
import { each } from "./each.ts";
import { readTensors } from "./read-tensors.ts";

const pieces = basePieces();
const whole = ggufBytes({
  pairs: [
    { key: "general.architecture", type: STRING, value: text("llama") },
    ...["block_count", "context_length", "embedding_length", "feed_forward_length", "attention.head_count"].map(
      (name) => ({ key: `llama.${name}`, type: U32, value: u32(8) }),
    ),
    { key: "llama.attention.layer_norm_rms_epsilon", type: F32, value: f32(1e-6) },
    { key: "tokenizer.ggml.model", type: STRING, value: text("llama") },
    {
      key: "tokenizer.ggml.tokens",
      type: ARRAY,
      value: array(
        STRING,
        pieces.map((piece) => text(String(piece.text))),
      ),
    },
    {
      key: "tokenizer.ggml.scores",
      type: ARRAY,
      value: array(
        F32,
        pieces.map(() => f32(0)),
      ),
    },
    {
      key: "tokenizer.ggml.token_type",
      type: ARRAY,
      value: array(
        I32,
        pieces.map((piece) => u32(piece.type ?? 1)),
      ),
    },
  ],
});

export const seeds: readonly Uint8Array[] = [smallFile(), smallFile({ pairs: EVERY_PAIR }), whole];
export const dictionary: readonly string[] = [
  "GGUF",
  "general.alignment",
  "general.architecture",
  "llama",
  "llama.rope.dimension_count",
  "llama.attention.head_count_kv",
  "tokenizer.ggml.tokens",
  "split.count",
  "__proto__",
];

export async function fuzz(data: Uint8Array): Promise<void> {
  const file = await openGguf(memorySource(data));
  for (const tensor of file.tensors) await readTensors([tensor]);
  await each(
    () => configFromGguf(metadataGetter(file.metadata), {}, file.name),
    () => ggufTokenizer(file),
  );
}
