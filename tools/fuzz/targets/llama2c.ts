// Model and tokenizer files of llama2.c.

import { memorySource } from "@ll/bytes";
import { openLlama2c, readLlama2cTokenizer } from "@ll/checkpoint";
import { each } from "./each.ts";
import { readTensors } from "./read-tensors.ts";

/** dim, hidden_dim, n_layers, n_heads, n_kv_heads, vocab_size, seq_len, then zeros. */
function model(nVocab: number, nFloats: number): Uint8Array {
  const words = Int32Array.of(8, 16, 1, 2, 2, nVocab, 4);
  const out = new Uint8Array(28 + 4 * nFloats);
  out.set(new Uint8Array(words.buffer));
  return out;
}

const shared = 10 * 8 + 8 + 4 * 64 + 8 + 3 * 128 + 8 + 4 * 4;
const tokenizer = Uint8Array.of(2, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 65, 66, 0, 0, 128, 63, 1, 0, 0, 0, 67);

export const seeds: readonly Uint8Array[] = [model(10, shared), model(-10, shared + 80), tokenizer];

export function fuzz(data: Uint8Array): Promise<void> {
  const source = memorySource(data);
  return each(
    async () => {
      const checkpoint = await openLlama2c(source);
      if (checkpoint !== undefined) await readTensors(checkpoint.tensors.values());
    },
    () => readLlama2cTokenizer(source),
  );
}
