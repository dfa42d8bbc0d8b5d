// Perplexity by chunks (Jelinek et al. 1977), as llama.cpp build 803 counts it: the text is cut into chunks of one context each,
// and every token in the second half of a chunk, but at most the 512th on, is foretold from all before it in the chunk.

import { Refusal, ReportedError } from "../../errors.ts";
import type { Run } from "../../inference/run-model.ts";
import { encodeText } from "../../long-text.ts";
import { fixed } from "../../printf.ts";
import { logProbability } from "./log-probability.ts";

/** Tokens at the start of a chunk that are not scored, in contexts over twice as long. */
const MAX_UNSCORED_TOKENS = 512;

/** @throws ReportedError for a text that fills no chunk. Prints `[1]4.2320,[2]6.5532,` and so on: the perplexity over all chunks so far; with `--quiet` the last one alone. */
export async function scoreChunks(run: Run): Promise<void> {
  const { params, io, timings, tokenizer } = run;
  const { contextTokens, maxChunks } = params;
  const tokens = await encodeText(tokenizer, params.prompt, { bos: tokenizer.addBos });
  const available = Math.floor(tokens.length / contextTokens);
  if (available === 0) {
    const least = `a chunk takes ${contextTokens} tokens and the text has ${tokens.length}`;
    io.err.write(`perplexity: error: ${least}\ngive a longer text behind -f, or a smaller context behind -c\n`);
    throw new ReportedError(new Refusal(least));
  }
  const nChunks = maxChunks < 0 ? available : Math.min(maxChunks, available);
  const batchTokens = Math.min(params.batchTokens, contextTokens);
  io.err.write(`perplexity: calculating perplexity over ${nChunks} chunks, batch_size=${batchTokens}\n`);
  timings.loaded();

  let surprise = 0; // sum of -log p, a double as in build 803
  let nScored = 0;
  for (let i = 0; i < nChunks; i++) {
    const started = performance.now();
    const chunk = tokens.subarray(i * contextTokens, (i + 1) * contextTokens);
    for await (const logProbability of foretell(run, chunk, batchTokens)) {
      surprise -= logProbability;
      nScored++;
    }
    if (i === 0) io.err.write(etaLine((performance.now() - started) / 1000, nChunks));
    const perplexity = fixed(Math.exp(surprise / nScored), 0, 4);
    if (!params.quiet) io.out.write(`[${i + 1}]${perplexity},`);
    else if (i === nChunks - 1) io.out.write(perplexity);
  }
  io.out.write("\n");
}

/** The log-probability of each scored token of a chunk. */
async function* foretell(
  { context, model, tokenizer }: Run,
  chunk: Int32Array, // (contextTokens)
  batchTokens: number,
): AsyncGenerator<number, void, void> {
  const { nVocab } = model.config;
  const firstScored = Math.min(MAX_UNSCORED_TOKENS, Math.floor(chunk.length / 2));
  const lastScored = chunk.length - 2; // the last token foretells nothing in the chunk
  const evaluated = chunk.slice();
  if (tokenizer.addBos) evaluated[0] = tokenizer.special.bos ?? 0;
  for (let start = 0; start < chunk.length; start += batchTokens) {
    const batch = evaluated.subarray(start, start + batchTokens);
    const end = start + batch.length;
    const isScored = end > firstScored && start <= lastScored;
    const logits = await context.evaluate(batch, start, { logits: isScored ? "all" : "last" }); // (batch, nVocab) or (nVocab)
    for (let j = Math.max(start, firstScored); j < end && j <= lastScored; j++) {
      const row = logits.subarray((j - start) * nVocab, (j - start + 1) * nVocab); // (nVocab)
      yield logProbability(row, chunk[j + 1] as number);
    }
  }
}

/** `perplexity: 1.23 seconds per pass - ETA 1 hours 2.05 minutes` */
function etaLine(seconds: number, nChunks: number): string {
  const total = Math.trunc(seconds * nChunks);
  const hours = total >= 3600 ? `${Math.floor(total / 3600)} hours ` : "";
  return `perplexity: ${fixed(seconds, 0, 2)} seconds per pass - ETA ${hours}${fixed((total % 3600) / 60, 0, 2)} minutes\n`;
}
