// What is measured: how long a model takes for a prompt, and for one token after another.

import type { Context } from "@ll/llama";

export interface Measurement {
  readonly test: "prompt" | "decode";
  /** Tokens evaluated in each repetition. */
  readonly tokens: number;
  /** Of each repetition. */
  readonly elapsedMs: readonly number[];
}

export interface MeasureOptions {
  readonly promptSizes: readonly number[];
  readonly decodeTokens: readonly number[];
  readonly repetitions: number;
  /** Most tokens of one evaluation. */
  readonly batchTokens: number;
  /** Milliseconds from any origin. */
  readonly now: () => number;
  /** Called before each repetition. */
  readonly onStep: () => void;
}

/** One warm-up, then every test in turn. A size of 0 is no test. */
export async function measure(context: Context, options: MeasureOptions): Promise<Measurement[]> {
  const { promptSizes, decodeTokens, batchTokens } = options;
  const largest = Math.max(1, ...promptSizes, ...decodeTokens);
  const tokens = Int32Array.from({ length: largest }, (_, i) => someId(i, context.config.nVocab)); // (largest)
  await context.evaluate(tokens.subarray(0, Math.min(largest, batchTokens)), 0);
  await context.evaluate(tokens.subarray(0, 1), 0);

  const results: Measurement[] = [];
  for (const n of promptSizes.filter((size) => size > 0)) {
    results.push(await repeat("prompt", n, () => evaluate(context, tokens.subarray(0, n), batchTokens), options));
  }
  for (const n of decodeTokens.filter((size) => size > 0)) {
    results.push(await repeat("decode", n, () => evaluate(context, tokens.subarray(0, n), 1), options));
  }
  return results;
}

/** BOS, then ids from all over the vocabulary, the same in every run: how long a token takes does not depend on which it is. */
function someId(index: number, nVocab: number): number {
  return index === 0 ? Math.min(1, nVocab - 1) : (index * 7919) % nVocab;
}

async function evaluate(context: Context, tokens: Int32Array, batchTokens: number): Promise<void> {
  for (let first = 0; first < tokens.length; first += batchTokens) {
    await context.evaluate(tokens.subarray(first, first + batchTokens), first);
  }
}

async function repeat(
  test: Measurement["test"],
  tokens: number,
  work: () => Promise<void>,
  { repetitions, now, onStep }: MeasureOptions,
): Promise<Measurement> {
  const elapsedMs: number[] = [];
  for (let i = 0; i < repetitions; i++) {
    onStep();
    const startMs = now();
    await work();
    elapsedMs.push(now() - startMs);
  }
  return { test, tokens, elapsedMs };
}

/** Tokens per second: the mean of the repetitions and their standard deviation (0 for a single one). */
export function tokensPerSecond({ tokens, elapsedMs }: Measurement): {
  readonly mean: number;
  readonly deviation: number;
} {
  const rates = elapsedMs.map((ms) => (1000 * tokens) / ms);
  const mean = rates.reduce((sum, rate) => sum + rate, 0) / rates.length;
  const squares = rates.reduce((sum, rate) => sum + (rate - mean) ** 2, 0);
  return { mean, deviation: rates.length === 1 ? 0 : Math.sqrt(squares / (rates.length - 1)) };
}
