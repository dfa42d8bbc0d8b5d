// Perplexity by chunks (Jelinek et al. 1977), as llama.cpp build 803 counts it: the text is cut into chunks of one context each,
// and every token in the second half of a chunk, but at most the 512th on, is foretold from all before it in the chunk.

import { expf, logf } from "@ll/sampling";
import { Refusal, ReportedError } from "../../errors.ts";
import type { Report, Run } from "../../inference/run-model.ts";
import { encodeText } from "../../long-text.ts";
import { fixed } from "../../printf.ts";

/** Tokens at the start of a chunk that are not scored, in contexts over twice as long. */
const MAX_UNSCORED_TOKENS = 512;

/** A window of the text, for `--json`. */
interface ChunkScore {
  readonly scored: number;
  /** Of this chunk alone. */
  readonly perplexity: number;
  /** Over all chunks so far: what is printed. */
  readonly soFar: number;
}

/** @throws ReportedError for a text that fills no chunk. Prints `[1]4.2320,[2]6.5532,` and so on: the perplexity over all chunks so far; with `--quiet` the last one alone. */
export async function scoreChunks(run: Run): Promise<Report> {
  const { params, io, timings, tokenizer } = run;
  const { contextTokens, maxChunks } = params;
  const tokens = await encodeText(tokenizer, params.prompt, { bos: tokenizer.addBos });
  const chunks = cutChunks(tokens, contextTokens, maxChunks);
  if (tokens.length < contextTokens) {
    const refusal = tooShort(tokens.length, contextTokens);
    io.err.write(`perplexity: error: ${refusal.message}\n${refusal.hint}\n`);
    throw new ReportedError(refusal);
  }
  const batchTokens = Math.min(params.batchTokens, contextTokens);
  io.err.write(`perplexity: calculating perplexity over ${chunks.length} chunks, batch_size=${batchTokens}\n`);
  timings.loaded();

  const score = createScore();
  for (const [i, chunk] of chunks.entries()) {
    const started = performance.now();
    const soFar = score.add(await foretell(run, chunk, batchTokens));
    if (i === 0) io.err.write(etaLine((performance.now() - started) / 1000, chunks.length));
    if (!params.quiet) io.out.write(chunkText(i, soFar));
    else if (i === chunks.length - 1) io.out.write(perplexityText(soFar));
  }
  io.out.write("\n");
  return score.report();
}

/** Chunks of one context each; none of a text that is shorter. */
export function cutChunks(tokens: Int32Array, contextTokens: number, maxChunks: number): Int32Array[] {
  const available = Math.floor(tokens.length / contextTokens);
  const nChunks = maxChunks < 0 ? available : Math.min(maxChunks, available);
  return Array.from({ length: nChunks }, (_, i) => tokens.subarray(i * contextTokens, (i + 1) * contextTokens));
}

export function tooShort(nTokens: number, contextTokens: number): Refusal {
  const least = `a chunk takes ${contextTokens} tokens and the text has ${nTokens}`;
  return new Refusal(least, "give a longer text behind -f, or a smaller context behind -c");
}

export function perplexityText(perplexity: number): string {
  return fixed(perplexity, 0, 4);
}

/** What standard output gets of a chunk. */
export function chunkText(index: number, soFar: number): string {
  return `[${index + 1}]${perplexityText(soFar)},`;
}

/** Adds up the chunks of a text, token by token in their order. */
export function createScore() {
  let surprise = 0; // sum of -log p, a double as in build 803
  let squares = 0; // sum of its squares, for the standard error
  let nScored = 0;
  const windows: ChunkScore[] = [];
  return {
    /** @returns the perplexity over all chunks so far */
    add(logProbabilities: ArrayLike<number>): number {
      const scored = logProbabilities.length;
      const before = surprise;
      for (let i = 0; i < scored; i++) {
        const one = logProbabilities[i] as number;
        surprise -= one;
        squares += one ** 2;
      }
      nScored += scored;
      const soFar = Math.exp(surprise / nScored);
      windows.push({ scored, perplexity: Math.exp((surprise - before) / scored), soFar });
      return soFar;
    },
    report(): Report {
      const value = Math.exp(surprise / nScored);
      return { value, error: value * standardError(surprise, squares, nScored), scored: nScored, windows };
    },
  };
}

/** Of the mean of n numbers, by their sum and the sum of their squares; NaN for a single one. */
function standardError(sum: number, squares: number, n: number): number {
  return Math.sqrt(Math.max(0, squares / n - (sum / n) ** 2) / (n - 1));
}

/** The log-probability of each scored token of a chunk: all that its score depends on. */
export async function foretell(
  { context, model, tokenizer }: Pick<Run, "context" | "model" | "tokenizer">,
  chunk: Int32Array, // (contextTokens)
  batchTokens: number,
  signal?: AbortSignal,
): Promise<Float32Array> {
  const { nVocab } = model.config;
  const firstScored = Math.min(MAX_UNSCORED_TOKENS, Math.floor(chunk.length / 2));
  const lastScored = chunk.length - 2; // the last token foretells nothing in the chunk
  const found = new Float32Array(Math.max(0, lastScored - firstScored + 1)); // they are rounded to binary32 already
  const evaluated = chunk.slice();
  if (tokenizer.addBos) evaluated[0] = tokenizer.special.bos ?? 0;
  for (let start = 0; start < chunk.length; start += batchTokens) {
    const batch = evaluated.subarray(start, start + batchTokens);
    const end = start + batch.length;
    const isScored = end > firstScored && start <= lastScored;
    const options = { logits: isScored ? "all" : "last", ...(signal && { signal }) } as const;
    const logits = await context.evaluate(batch, start, options); // (batch, nVocab) or (nVocab)
    for (let j = Math.max(start, firstScored); j < end && j <= lastScored; j++) {
      const row = logits.subarray((j - start) * nVocab, (j - start + 1) * nVocab); // (nVocab)
      found[j - firstScored] = logProbability(row, chunk[j + 1] as number);
    }
  }
  return found;
}

/** `perplexity: 1.23 seconds per pass - ETA 1 hours 2.05 minutes` */
function etaLine(seconds: number, nChunks: number): string {
  const total = Math.trunc(seconds * nChunks);
  const hours = total >= 3600 ? `${Math.floor(total / 3600)} hours ` : "";
  return `perplexity: ${fixed(seconds, 0, 2)} seconds per pass - ETA ${hours}${fixed((total % 3600) / 60, 0, 2)} minutes\n`;
}

/** log softmax(logits)[id]: exponentials in binary32, their sum in double, the quotient and its logarithm in binary32. */
export function logProbability(
  logits: Float32Array, // (nVocab)
  id: number,
): number {
  let largest = logits[0] as number;
  for (const logit of logits) if (logit > largest) largest = logit;
  let sum = 0;
  for (const logit of logits) sum += expf(Math.fround(logit - largest));
  return logf(Math.fround(expf(Math.fround((logits[id] as number) - largest)) / sum));
}
