// Build 803's chain with the samplers that llama.cpp got later, each where llama.cpp runs it.

import { type Build803Options, build803Chain } from "./build803-chain.ts";
import { checkInteger, checkNumber } from "./guards.ts";
import type { SamplerStage } from "./stages.ts";

/** Options by the names that llama.cpp's programs use; all that is not in `Build803Options` is off unless given. */
export interface SamplingOptions extends Build803Options {
  /** 0 or less is off. llama.cpp uses 0.05 unless told otherwise. */
  readonly minP?: number | undefined;
  /** 0 or less is off. */
  readonly xtcProbability?: number | undefined;
  /** Above 0.5 is off. */
  readonly xtcThreshold?: number | undefined;
  /** 0 is off. */
  readonly dryMultiplier?: number | undefined;
  /** Below 1 is off. */
  readonly dryBase?: number | undefined;
  readonly dryAllowedLength?: number | undefined;
  /** Tokens that DRY looks back; 0 is off, negative is the whole history. */
  readonly dryPenaltyLastN?: number | undefined;
  /** Sequences of ids, from `sequenceBreakers`; none if not given. */
  readonly drySequenceBreakers?: Iterable<ArrayLike<number>> | undefined;
  /** Runs right after the biases, while the candidates are all ids in order: classifier-free guidance. */
  readonly guidance?: SamplerStage | undefined;
  /** Runs last of all that changes logits: the stage of `createGrammarStage`. */
  readonly grammar?: SamplerStage | undefined;
}

/** What llama.cpp uses for options that are not given, but for `minP`, which is off here. */
export const SAMPLING_DEFAULTS = {
  minP: 0,
  xtcProbability: 0,
  xtcThreshold: 0.1,
  dryMultiplier: 0,
  dryBase: 1.75,
  dryAllowedLength: 2,
  dryPenaltyLastN: -1,
} as const;

/**
 * logit-bias, guidance, repetition and frequency-presence penalty, dry, grammar; then top-k, tail-free, typical, top-p, min-p,
 * xtc, temperature. DRY stands with the penalties because it is one; the grammar behind all of them, as in llama.cpp's last ggjt
 * revision; min-p and XTC behind the other filters and before the temperature, in llama.cpp's order, so that their thresholds
 * mean probabilities of the model. As with build 803's filters, a greedy or mirostat chain has no min-p and no XTC. Without
 * guidance and grammar, and with the other options left out, it chooses what `build803Chain` chooses.
 * @throws RangeError for options that cannot be meant.
 */
export function samplingChain(options: SamplingOptions = {}): SamplerStage[] {
  const chain = build803Chain(options);
  const minKeep = options.minKeep ?? 1;
  // checked here so that errors use the names the caller used
  const number = (name: NumberName): number => {
    const value = options[name] ?? SAMPLING_DEFAULTS[name];
    checkNumber(name, value, "a number");
    return value;
  };
  const integer = (name: IntegerName, low: number): number =>
    checkInteger(name, options[name] ?? SAMPLING_DEFAULTS[name], low, 2 ** 31 - 1);

  const dry: SamplerStage = {
    kind: "dry",
    multiplier: number("dryMultiplier"),
    base: number("dryBase"),
    allowedLength: integer("dryAllowedLength", 0),
    lastN: integer("dryPenaltyLastN", -(2 ** 31)),
    breakers: options.drySequenceBreakers,
  };
  const filters: SamplerStage[] = [
    { kind: "min-p", p: number("minP"), minKeep },
    { kind: "xtc", probability: number("xtcProbability"), threshold: number("xtcThreshold"), minKeep },
  ];
  insertBehind(chain, "top-p", filters);
  insertBehind(chain, "frequency-presence-penalty", [dry, ...present(options.grammar)]);
  insertBehind(chain, "logit-bias", present(options.guidance));
  return chain;
}

type NumberName = "minP" | "xtcProbability" | "xtcThreshold" | "dryMultiplier" | "dryBase";
type IntegerName = "dryAllowedLength" | "dryPenaltyLastN";

function present(stage: SamplerStage | undefined): SamplerStage[] {
  return stage === undefined ? [] : [stage];
}

/** Nothing happens in a chain without a stage of this kind. */
function insertBehind(chain: SamplerStage[], kind: SamplerStage["kind"], stages: readonly SamplerStage[]): void {
  const index = chain.findIndex((stage) => stage.kind === kind);
  if (index >= 0) chain.splice(index + 1, 0, ...stages);
}
