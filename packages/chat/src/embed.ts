// Vectors of texts. Loaded when one is asked for.

import type { Model } from "@ll/llama";
import type { Pooling } from "@ll/model";
import type { Tokenizer } from "@ll/tokenizer";
import type { EmbedOptions } from "./chat-model.ts";
import type { Engine } from "./engine.ts";
import { disposed } from "./errors.ts";

export class Embedder {
  readonly #model: Model;
  readonly #tokenizer: Tokenizer;
  readonly #engine: Engine;
  #latest: Promise<unknown> = Promise.resolve();
  #isDisposed = false;

  constructor(model: Model, tokenizer: Tokenizer, engine: Engine) {
    this.#model = model;
    this.#tokenizer = tokenizer;
    this.#engine = engine;
  }

  /** @param text or ids as they are; @returns (nEmbd). @throws RangeError for an empty text; TypeError for a pooling that is none */
  async embed(
    text: string | Int32Array,
    { normalize = true, pooling, signal }: EmbedOptions & { readonly pooling: Pooling },
  ): Promise<Float32Array> {
    if (!/^(mean|cls|last)$/.test(pooling)) throw new TypeError(`"pooling" expected mean, cls or last`);
    const ids = [...(typeof text === "string" ? this.#tokenizer.encode(text, { prompt: true, eos: true }) : text)];
    if (ids.length === 0) throw new RangeError(`"text" expected a text, got an empty one`);
    const used = pooling === "cls" ? ids.slice(0, 1) : ids;
    const running = this.#latest.then(() => this.#vectors(used, pooling === "mean" ? used.length : 1, signal));
    this.#latest = running.catch(() => undefined); // one context at a time
    const vectors = await running;
    const sum = new Float64Array(vectors[0]?.length ?? 0); // (nEmbd)
    for (const vector of vectors) for (const [i, value] of vector.entries()) sum[i] = (sum[i] as number) + value;
    const norm = normalize ? Math.hypot(...sum) || 1 : vectors.length;
    return Float32Array.from(sum, (value) => value / norm);
  }

  /** Lets the vector that is being made become one, and those that wait fail. */
  async dispose(): Promise<void> {
    this.#isDisposed = true;
    await this.#latest;
  }

  /** The vectors from which the logits behind the last `nLast` tokens are taken, (nEmbd) each; in a context of its own. */
  async #vectors(prompt: readonly number[], nLast: number, signal: EmbedOptions["signal"]): Promise<Float32Array[]> {
    signal?.throwIfAborted();
    if (this.#isDisposed) throw disposed();
    const context = await this.#model.createContext({ contextTokens: Math.max(8, prompt.length) });
    const vectors: Float32Array[] = [];
    const aborting = signal === undefined ? {} : { signal };
    try {
      const first = prompt.length - nLast;
      if (first > 0) await context.evaluate(prompt.slice(0, first), 0, aborting);
      for (let at = first; at < prompt.length; at++) {
        await context.evaluate(prompt.slice(at, at + 1), at, aborting);
        vectors.push(await context.readEmbedding());
      }
    } finally {
      await context.dispose();
    }
    this.#engine.evaluated(prompt.length);
    return vectors;
  }
}
