// A model that says what it is told to: for tests of what is around it.

import { readFileSync } from "node:fs";
import type { Context, TokenSampler } from "@ll/llama";
import { createTokenizer, readSentencePieceModel, type Tokenizer } from "@ll/tokenizer";
import { fixture } from "../../../../tools/test-data.ts";

/** Id that ends an answer. */
export const EOS = 2;

export const tokenizer: Tokenizer = createTokenizer(
  readSentencePieceModel(readFileSync(fixture("tiny/hf/tokenizer.model"))),
);

export interface ScriptedModel {
  readonly context: Context;
  readonly sampler: TokenSampler;
  /** Ids at each position of the cache. */
  readonly cache: number[];
  /** How many tokens each evaluation took, and from which position on: `5@0`. */
  readonly evaluations: string[];
  /** Adds an answer: the ids of each text, or ids. */
  answer(...parts: (string | number)[]): void;
  /** Called before every evaluation. */
  onEvaluate: (() => void) | undefined;
}

export function scriptedModel(contextTokens = 512): ScriptedModel {
  const script: number[] = [];
  const cache: number[] = [];
  const evaluations: string[] = [];
  const model: ScriptedModel = {
    cache,
    evaluations,
    onEvaluate: undefined,
    context: {
      contextTokens,
      memory: { kind: "positions" },
      config: { nVocab: tokenizer.nVocab },
      async evaluate(tokens: readonly number[], nPast: number, options?: { signal?: AbortSignal }) {
        model.onEvaluate?.();
        options?.signal?.throwIfAborted();
        if (nPast > cache.length) throw new Error(`position ${nPast} after ${cache.length}`);
        cache.splice(nPast, cache.length, ...tokens);
        evaluations.push(`${tokens.length}@${nPast}`);
        return new Float32Array(tokenizer.nVocab);
      },
    } as unknown as Context,
    sampler: {
      sample() {
        const id = script.shift();
        if (id === undefined) throw new Error("the script is over");
        return id;
      },
    },
    answer(...parts) {
      for (const part of parts) script.push(...(typeof part === "number" ? [part] : tokenizer.encode(part)));
    },
  };
  return model;
}
