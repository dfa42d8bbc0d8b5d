// GGUF model files, used as ll-main and ll-chat use them.

import { ALLOWANCE_BYTES, asProgram, ggufModel, useModel } from "./small-engine.ts";

export const seeds: readonly Uint8Array[] = [ggufModel(), ggufModel("q8_0"), ggufModel("f16"), ggufModel("f32")];
export const dictionary: readonly string[] = [
  "llama.attention.head_count_kv",
  "llama.vocab_size",
  "llama.rope.scaling.factor",
  "tokenizer.ggml.add_bos_token",
  "tokenizer.ggml.add_space_prefix",
  "tokenizer.ggml.bos_token_id",
  "\0\0\x80\x7f",
  "\xff\xff\xff\xff",
];
export const maxBytes: number = 96 * 1024;
export const allowanceBytes: number = ALLOWANCE_BYTES;

export function fuzz(data: Uint8Array): Promise<void> {
  return asProgram(() => useModel(data));
}
