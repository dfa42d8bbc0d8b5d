// Vectors of texts. Loaded when one is asked for.

import type { Pooling } from "@ll/model";
import type { Tokenizer } from "@ll/tokenizer";
import type { EmbedOptions } from "./chat-model.ts";
import type { Engine } from "./engine.ts";

/** @param text or ids as they are; @returns (nEmbd). @throws RangeError for an empty text */
export async function embedText(
  engine: Engine,
  tokenizer: Tokenizer,
  text: string | Int32Array,
  { normalize = true, pooling, signal }: EmbedOptions & { readonly pooling: Pooling },
): Promise<Float32Array> {
  const ids = [...(typeof text === "string" ? tokenizer.encode(text, { prompt: true, eos: true }) : text)];
  if (ids.length === 0) throw new RangeError(`"text" expected a text, got an empty one`);
  const used = pooling === "cls" ? ids.slice(0, 1) : ids;
  const vectors = await engine.embed(used, pooling === "mean" ? used.length : 1, signal);
  const sum = new Float64Array(vectors[0]?.length ?? 0); // (nEmbd)
  for (const vector of vectors) for (const [i, value] of vector.entries()) sum[i] = (sum[i] as number) + value;
  const norm = normalize ? Math.hypot(...sum) || 1 : vectors.length;
  return Float32Array.from(sum, (value) => value / norm);
}
