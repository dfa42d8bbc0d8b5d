// What every program that runs a model says and settles before it loads one.

import { TRAINED_CONTEXT_TOKENS } from "@ll/model";
import { resolveSeed } from "@ll/sampling";
import type { Io } from "../command.ts";
import { general } from "../printf.ts";
import { wrapFor } from "../text-wrap.ts";
import { manifestVersion } from "../version.ts";
import type { RunParams } from "./params.ts";
import { randomPrompt } from "./prompt.ts";

const MIN_CONTEXT_TOKENS = 8;

/** Prints notices, warnings, build and seed. Returns the seed; settles the size of the context and a random prompt. */
export function startRun(params: RunParams, io: Io): number {
  const say = (line: string): void => io.err.write(`${wrapFor(io.err, io.env, line, 2)}\n`);
  const ownContext = params.contextTokens === 0 && !params.compat; // settled when the model's is known
  for (const notice of params.notices) say(notice);
  for (const warning of warnings(params, ownContext)) say(`main: warning: ${warning}`);
  if (!ownContext) params.contextTokens = Math.max(MIN_CONTEXT_TOKENS, params.contextTokens);
  say(`main: build = 803 (ll ${manifestVersion()})`);
  const seed = resolveSeed(params.seed);
  say(`main: seed  = ${seed}`);
  if (params.randomPrompt) params.prompt = randomPrompt(seed);
  return seed;
}

function warnings(
  { ropeFreqBase = 10000, ropeFreqScale = 1, contextTokens }: RunParams,
  ownContext: boolean,
): string[] {
  const lines: string[] = [];
  if (ropeFreqBase !== 10000) lines.push(`changing RoPE frequency base to ${general(ropeFreqBase)} (default 10000.0)`);
  if (ropeFreqScale !== 1) lines.push(`scaling RoPE frequency by ${general(ropeFreqScale)} (default 1.0)`);
  if (contextTokens > TRAINED_CONTEXT_TOKENS) {
    lines.push(
      `model might not support context sizes greater than ${TRAINED_CONTEXT_TOKENS} tokens ` +
        `(${contextTokens} specified);expect poor results`,
    );
  }
  if (contextTokens < MIN_CONTEXT_TOKENS && !ownContext) lines.push("minimum context size is 8, using minimum size.");
  return lines;
}
