// The sampling chain that the options ask for.

import {
  createSampler,
  DRY_SEQUENCE_BREAKERS,
  type Sampler,
  type SamplerStage,
  samplingChain,
  sequenceBreakers,
} from "@ll/sampling";
import type { Tokenizer } from "@ll/tokenizer";
import { UsageError } from "../../errors.ts";
import type { RunParams } from "../../inference/params.ts";

export interface ChainParts {
  readonly seed: number;
  readonly nVocab: number;
  readonly tokenizer: Tokenizer;
  readonly guidance: SamplerStage | undefined;
  readonly grammar: SamplerStage | undefined;
}

/** @throws UsageError for values that no chain can be made of. */
export function openSampler(params: RunParams, { seed, nVocab, tokenizer, guidance, grammar }: ChainParts): Sampler {
  const { mirostat, dryMultiplier, dryBreakers = DRY_SEQUENCE_BREAKERS } = params;
  if (mirostat !== 0 && mirostat !== 1 && mirostat !== 2) {
    throw new UsageError("error: invalid parameter for argument: --mirostat", `expected 0, 1 or 2, got ${mirostat}`);
  }
  // spelling the breakers looks at every token: only if DRY is on
  const drySequenceBreakers = dryMultiplier === 0 ? [] : sequenceBreakers(dryBreakers, tokenizer);
  try {
    const { eos = -1, newline = -1 } = tokenizer.special;
    const ids = { logitBias: biasesOf(params, tokenizer), eosId: eos, newlineId: newline };
    const stages = samplingChain({ ...params, ...ids, mirostat, drySequenceBreakers, guidance, grammar });
    return createSampler({ stages, seed, nVocab });
  } catch (error) {
    if (error instanceof RangeError) throw new UsageError(`error: invalid parameter: ${error.message}`);
    throw error;
  }
}

/** The biases by id. Nothing is biased that the model has not. */
export function biasesOf({ logitBias }: RunParams, { special: { ends } }: Tokenizer): Map<number, number> {
  const biases = new Map<number, number>();
  for (const [id, bias] of logitBias) {
    if (id !== "eos") biases.set(id, bias);
    else for (const end of ends) biases.set(end, bias);
  }
  return biases;
}
