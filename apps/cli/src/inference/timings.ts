// The timing block at the end: load, sample, prompt, evaluation and total time.

import type { DraftCounts } from "@ll/llama";
import { fixed, integer } from "../printf.ts";

/** Milliseconds, and of what. */
export interface TimingFigures {
  readonly loadMs: number;
  readonly sampleMs: number;
  readonly samples: number;
  readonly promptMs: number;
  readonly promptTokens: number;
  readonly evalMs: number;
  readonly evalTokens: number;
  /** Without loading. */
  readonly totalMs: number;
  /** If anything could be drafted. */
  readonly draftedTokens?: number;
  readonly acceptedTokens?: number;
}

export interface Timings {
  readonly lines: () => string[];
  /** The same in numbers. */
  readonly figures: () => TimingFigures;
  /** From the start of loading to the end of the first evaluation. */
  loaded(): void;
  /** Adds an evaluation: one token counts as generation, more as prompt. */
  evaluated(tokens: number, elapsedMs: number): void;
  /** Adds an evaluation of one token and of a draft behind it; those of the draft that were drawn are generated, too. */
  checked(elapsedMs: number): void;
  /** A live view of what becomes of drafts. */
  drafts: DraftCounts | undefined;
  sampled(elapsedMs: number): void;
}

export function startTimings(): Timings {
  const started = performance.now();
  let ready = started;
  const sample = { ms: 0, n: 0 };
  const prompt = { ms: 0, n: 0 };
  const single = { ms: 0, n: 0 };

  const row = (label: string, { ms, n }: { ms: number; n: number }, unit: string): string => {
    const count = Math.max(1, n);
    const perToken = fixed(ms / count, 8, 2);
    const perSecond = fixed((1000 / ms) * count, 8, 2);
    return (
      `llama_print_timings: ${label} time = ${fixed(ms, 8, 2)} ms / ${integer(count, 5)} ${unit}` +
      `   (${perToken} ms per token, ${perSecond} tokens per second)`
    );
  };

  const generated = (): { ms: number; n: number } => ({
    ms: single.ms,
    n: single.n + (timings.drafts?.nAccepted ?? 0),
  });
  const draftLines = (): string[] => {
    if (timings.drafts === undefined) return [];
    const { nDrafted, nAccepted } = timings.drafts;
    const share = fixed((100 * nAccepted) / Math.max(1, nDrafted), 1, 1);
    return [
      `llama_print_timings:     draft tokens = ${integer(nDrafted, 5)}, of which ${nAccepted} accepted (${share} %)`,
    ];
  };

  const timings: Timings = {
    drafts: undefined,
    loaded() {
      ready = performance.now();
    },
    evaluated(tokens, elapsedMs) {
      const bucket = tokens === 1 ? single : prompt;
      bucket.ms += elapsedMs;
      bucket.n += tokens;
    },
    checked(elapsedMs) {
      single.ms += elapsedMs;
      single.n += 1;
    },
    sampled(elapsedMs) {
      sample.ms += elapsedMs;
      sample.n += 1;
    },
    figures: () => ({
      loadMs: ready - started,
      sampleMs: sample.ms,
      samples: sample.n,
      promptMs: prompt.ms,
      promptTokens: prompt.n,
      evalMs: single.ms,
      evalTokens: generated().n,
      totalMs: performance.now() - ready,
      ...(timings.drafts && {
        draftedTokens: timings.drafts.nDrafted,
        acceptedTokens: timings.drafts.nAccepted,
      }),
    }),
    lines: () => [
      "",
      `llama_print_timings:        load time = ${fixed(ready - started, 8, 2)} ms`,
      row("     sample", sample, "runs  "),
      row("prompt eval", prompt, "tokens"),
      row("       eval", generated(), "runs  "),
      ...draftLines(),
      `llama_print_timings:       total time = ${fixed(performance.now() - ready, 8, 2)} ms`,
    ],
  };
  return timings;
}
