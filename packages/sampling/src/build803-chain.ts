// The chain of build 803 of llama.cpp's `main` (8 July 2023): its order, its option names, its defaults.

import { checkInteger, checkNumber } from "./guards.ts";
import type { SamplerStage } from "./stages.ts";

/** Options by the names of `main`; what is not given has the default of `BUILD_803_DEFAULTS`. */
export interface Build803Options {
  /** Keep the k most likely; 0 or less is off. */
  readonly topK?: number | undefined;
  /** Nucleus mass; 1 or more is off. */
  readonly topP?: number | undefined;
  /** Tail-free z; 1 or more is off. */
  readonly tfsZ?: number | undefined;
  /** Typical mass; 1 or more is off. */
  readonly typicalP?: number | undefined;
  /** 0 or less is greedy, and takes precedence over mirostat. */
  readonly temperature?: number | undefined;
  /** 1 is off. */
  readonly repeatPenalty?: number | undefined;
  /** Tokens that the penalties look back; 0 is off, negative is the whole history. */
  readonly repeatLastN?: number | undefined;
  /** 0 is off. */
  readonly frequencyPenalty?: number | undefined;
  /** 0 is off. */
  readonly presencePenalty?: number | undefined;
  /** 0 off; 1 and 2 replace top-k, tail-free, typical and top-p. */
  readonly mirostat?: 0 | 1 | 2 | undefined;
  readonly mirostatEta?: number | undefined;
  readonly mirostatTau?: number | undefined;
  /** Keep at least so many candidates in every filter. */
  readonly minKeep?: number | undefined;
  /** Added to the logits of these ids. */
  readonly logitBias?: Iterable<readonly [id: number, bias: number]> | undefined;
  /** Forbid the end of the text; wins over `logitBias`. */
  readonly ignoreEos?: boolean | undefined;
  /** False exempts the newline from the penalties. */
  readonly penalizeNewline?: boolean | undefined;
  /** Id of the end of the text. */
  readonly eosId?: number | undefined;
  /** Id of the newline. */
  readonly newlineId?: number | undefined;
  /**
   * Build 803 to the letter: `penalizeNewline: false` has no effect (it restores the newline's logit in the wrong array),
   * and biases are also written into the caller's logits, which a session file saved later shows.
   */
  readonly compat?: boolean | undefined;
}

/** What `main` uses for options that are not given; the ids are those of the LLaMA vocabulary. */
export const BUILD_803_DEFAULTS = {
  topK: 40,
  topP: 0.95,
  tfsZ: 1,
  typicalP: 1,
  temperature: 0.8,
  repeatPenalty: 1.1,
  repeatLastN: 64,
  frequencyPenalty: 0,
  presencePenalty: 0,
  mirostat: 0,
  mirostatEta: 0.1,
  mirostatTau: 5,
  minKeep: 1,
  ignoreEos: false,
  penalizeNewline: true,
  eosId: 2,
  newlineId: 13,
  compat: false,
} as const;

/**
 * The stages that `main` would run with these options. The result is plain data: print it, reorder it, add to it.
 * @throws RangeError for options that cannot be meant.
 */
export function build803Chain(options: Build803Options = {}): SamplerStage[] {
  const settings = withDefaults(options);
  const { repeatLastN: lastN, minKeep } = settings;
  const biases = new Map(options.logitBias);
  if (settings.ignoreEos) biases.set(settings.eosId, Number.NEGATIVE_INFINITY);
  const exempt = settings.penalizeNewline || settings.compat ? [] : [settings.newlineId];

  const penalties: SamplerStage[] = [
    { kind: "logit-bias", biases, writeBack: settings.compat },
    { kind: "repetition-penalty", penalty: settings.repeatPenalty, lastN, exempt },
    {
      kind: "frequency-presence-penalty",
      frequency: settings.frequencyPenalty,
      presence: settings.presencePenalty,
      lastN,
      exempt,
    },
  ];
  // the comparison is that of a program whose temperature is a binary32
  if (Math.fround(settings.temperature) <= 0) return [...penalties, { kind: "greedy" }];

  const temperature: SamplerStage = { kind: "temperature", temperature: settings.temperature };
  if (settings.mirostat !== 0) {
    const kind = settings.mirostat === 1 ? "mirostat1" : "mirostat2";
    return [...penalties, temperature, { kind, tau: settings.mirostatTau, eta: settings.mirostatEta }];
  }
  return [
    ...penalties,
    { kind: "top-k", k: settings.topK, minKeep },
    { kind: "tail-free", z: settings.tfsZ, minKeep },
    { kind: "typical", p: settings.typicalP, minKeep },
    { kind: "top-p", p: settings.topP, minKeep },
    temperature,
  ];
}

/** Options with nothing left out, checked here so that errors use the names the caller used. */
function withDefaults(options: Build803Options): Settings {
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  const settings: Settings = { ...BUILD_803_DEFAULTS, ...Object.fromEntries(given) };
  for (const name of INTEGERS) checkInteger(name, settings[name], -(2 ** 31), 2 ** 31 - 1);
  for (const name of NUMBERS) checkNumber(name, settings[name], "a number");
  checkInteger("mirostat", settings.mirostat, 0, 2);
  return settings;
}

type Settings = { readonly [Name in keyof typeof BUILD_803_DEFAULTS]: NonNullable<Build803Options[Name]> };

const INTEGERS = ["topK", "repeatLastN", "minKeep", "eosId", "newlineId"] as const;
const NUMBERS = [
  "topP",
  "tfsZ",
  "typicalP",
  "temperature",
  "repeatPenalty",
  "frequencyPenalty",
  "presencePenalty",
  "mirostatEta",
  "mirostatTau",
] as const;
