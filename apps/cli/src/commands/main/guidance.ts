// Classifier-free guidance: a second context that has read the negative prompt instead of the prompt and then everything else,
// so that the text can be led away from what it would say. In the order of events of llama.cpp's last ggjt revision.

import { type Context, ContextOverflowError, returnTo } from "@ll/llama";
import { applyGuidance, type SamplerStage } from "@ll/sampling";
import { Refusal } from "../../errors.ts";
import type { RunParams } from "../../inference/params.ts";

export interface Guidance {
  readonly negativeTokens: readonly number[];
  /** Positions by which the guidance context is ahead of the other one; 0 if it is behind. */
  readonly tokensAhead: number;
  /** To stand behind the biases. */
  readonly stage: SamplerStage;
  /**
   * Keeps the guidance context in step with the other one, which has just evaluated these tokens.
   * @throws Refusal if they do not fit behind the negative prompt
   */
  follow(step: { readonly evaluated: readonly number[]; readonly swapped: boolean }): Promise<void>;
}

export interface GuidanceSetup {
  readonly params: RunParams;
  readonly context: Context;
  readonly negativeTokens: readonly number[];
  /** Tokens of the prompt text, also where a session supplies others. */
  readonly nPrompt: number;
  readonly keepTokens: number;
}

export function createGuidance({ params, context, negativeTokens, nPrompt, keepTokens }: GuidanceSetup): Guidance {
  const { batchTokens, guidanceScale: scale } = params;
  const nNegative = negativeTokens.length;
  const offset = nNegative - nPrompt;
  let logits: Float32Array | undefined; // (nVocab)
  const placed: number[] = []; // tokens of the positions in use

  /**
   * Until it is past the negative prompt, that comes in place of the prompt. Two quirks follow and are kept: of a prompt in
   * several batches all but the first come behind the negative prompt, and after a context swap that keeps less than the negative
   * prompt, all of it comes again behind its own beginning.
   */
  function inItsPlace(evaluated: readonly number[]): readonly number[] {
    return placed.length < nNegative ? [...negativeTokens, ...evaluated.slice(nPrompt)] : evaluated;
  }

  return {
    negativeTokens,
    tokensAhead: Math.max(0, offset),
    stage: {
      kind: "custom",
      name: "guidance",
      apply(candidates) {
        if (logits === undefined) throw new Error("guidance before any evaluation");
        const base = candidates.logits.subarray(0, candidates.n); // in order of ids as long as nothing was sorted
        applyGuidance(base, logits, scale, base);
        candidates.sorted = false;
      },
    },
    async follow({ evaluated, swapped }) {
      if (swapped) placed.length = Math.min(placed.length, Math.max(1, keepTokens + offset));
      const tokens = inItsPlace(evaluated);
      await returnTo(context, placed, { batchTokens });
      for (let first = 0; first < tokens.length; first += batchTokens) {
        const batch = tokens.slice(first, first + batchTokens);
        logits = await context.evaluate(batch, placed.length).catch(refuseOverflow);
        placed.push(...batch);
      }
    },
  };
}

/** Nothing makes sure that the negative prompt fits a second time, after a swap: llama.cpp writes past its memory there. */
function refuseOverflow(error: unknown): never {
  if (!(error instanceof ContextOverflowError)) throw error;
  throw new Refusal(
    `the context is too small for the negative prompt: ${error.message}`,
    "use a larger --ctx-size or a shorter --cfg-negative-prompt",
  );
}
