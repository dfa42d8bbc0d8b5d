// How many positions a context has if nobody says.

import type { TensorSource } from "@ll/bytes";
import { type KvTypes, type LoadModelOptions, type ModelConfig, modelMemory } from "@ll/llama";

const MOST_CONTEXT_TOKENS = 4096;
const LEAST_CONTEXT_TOKENS = 256;

/** All that contexts may take: WebAssembly memories of a process beyond it are refused by most systems. */
const MOST_CONTEXT_BYTES = 2 ** 31;

export interface ContextWish extends Pick<LoadModelOptions, "threads" | "kernels" | "arithmetic"> {
  /** Positions that the model was trained for. */
  readonly trainedContextTokens: number;
  readonly kvType?: KvTypes | undefined;
  /** Contexts that are there at the same time. */
  readonly parallel: number;
  /** A model that makes guesses, and has a context beside each of these. */
  readonly draft?: { readonly source: TensorSource; readonly config: ModelConfig } | undefined;
}

/** The model's positions, at most 4096, and no more than memory holds: `warning` says if that is fewer. */
export async function fittingContext(
  source: TensorSource,
  config: ModelConfig,
  { trainedContextTokens, kvType, parallel, draft, arithmetic, ...engine }: ContextWish,
): Promise<{ readonly contextTokens: number; readonly warning?: string }> {
  const wanted = Math.min(trainedContextTokens, MOST_CONTEXT_TOKENS);
  for (let n = wanted; ; n = Math.floor(n / 2)) {
    const options = { ...engine, contextTokens: n, kvType };
    const { context } = await modelMemory(source, config, { ...options, arithmetic });
    const beside = draft && (await modelMemory(draft.source, draft.config, options)).context;
    if ((context + (beside ?? 0)) * parallel <= MOST_CONTEXT_BYTES || n <= LEAST_CONTEXT_TOKENS) {
      const warning = `the context has ${n} positions of ${wanted}, which is what memory holds`;
      return n === wanted ? { contextTokens: n } : { contextTokens: n, warning };
    }
  }
}
