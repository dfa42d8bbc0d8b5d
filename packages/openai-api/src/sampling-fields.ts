// Fields of requests that say how ids are drawn, and the options of @ll/chat that they become.

import type { AnswerSampling, GenerateOptions } from "@ll/chat";
import { BUILD_803_DEFAULTS, DRY_SEQUENCE_BREAKERS, SAMPLING_DEFAULTS, sequenceBreakers } from "@ll/sampling";
import * as v from "valibot";
import { invalidValue } from "./api-error.ts";
import type { RequestContext } from "./context.ts";
import { stringOrList } from "./request-body.ts";
import { object } from "./validate.ts";

const MAX_STOPS = 16;
const MAX_STOP_CHARS = 256;
const MAX_BIASES = 1024;

const INT32 = 2 ** 31 - 1;

function between(low: number, high: number) {
  return v.optional(v.pipe(v.number(), v.minValue(low), v.maxValue(high)));
}

export function integerBetween(low: number, high: number) {
  return v.optional(v.pipe(v.number(), v.integer(), v.minValue(low), v.maxValue(high)));
}

const positive = v.optional(v.pipe(v.number(), v.finite(), v.gtValue(0)));

/** Names of `samplingChain` in the notation of the API. */
const SAMPLING = {
  temperature: between(0, 2),
  top_p: between(0, 1),
  frequency_penalty: between(-2, 2),
  presence_penalty: between(-2, 2),
  top_k: integerBetween(-INT32, INT32),
  min_p: between(0, 1),
  typical_p: between(0, 1),
  tfs_z: between(0, 1),
  repeat_penalty: positive,
  repeat_last_n: integerBetween(-1, INT32),
  dry_multiplier: between(0, 1000),
  dry_base: between(0, 1000),
  dry_allowed_length: integerBetween(0, INT32),
  dry_penalty_last_n: integerBetween(-1, INT32),
  xtc_probability: between(0, 1),
  xtc_threshold: between(0, 1),
  mirostat: v.optional(v.picklist([0, 1, 2])),
  mirostat_tau: positive,
  mirostat_eta: positive,
  ignore_eos: v.optional(v.boolean()),
  grammar: v.optional(v.pipe(v.string(), v.nonEmpty())),
};

export const GENERATION_FIELDS = {
  ...SAMPLING,
  model: v.optional(v.string()),
  seed: v.optional(v.pipe(v.number(), v.integer(), v.minValue(-(2 ** 63)), v.maxValue(2 ** 64))),
  stop: v.optional(v.unknown()),
  logit_bias: v.optional(v.pipe(object, v.record(v.string(), v.number()))),
  dry_sequence_breakers: v.optional(v.array(v.string())),
  stream: v.optional(v.boolean()),
  stream_options: v.optional(v.object({ include_usage: v.nullish(v.boolean()) })),
  return_progress: v.optional(v.boolean()),
  cache_prompt: v.optional(v.boolean()),
};

/** What an answer takes by itself, by the names of a request. @param given where it is not the usual */
export function samplingFields(given: AnswerSampling): Record<string, number> {
  const known = Object.entries(given).filter(([, value]) => value !== undefined);
  const usual = Object.entries({ ...BUILD_803_DEFAULTS, ...SAMPLING_DEFAULTS });
  const values = new Map<string, unknown>([...usual, ...known]);
  return Object.fromEntries(
    [...Object.keys(SAMPLING), "seed"].flatMap((name) => {
      const value = values.get(camelCase(name));
      return typeof value === "number" ? [[name, value] as const] : [];
    }),
  );
}

/** The number of choices: with each, a sequence runs. */
export function choicesField({ maxChoices }: RequestContext) {
  return integerBetween(1, maxChoices);
}

export type GenerationFields = v.InferOutput<ReturnType<typeof generationSchema>>;

function generationSchema() {
  return v.object(GENERATION_FIELDS);
}

/** @throws ApiError */
export function generateOptions(
  fields: GenerationFields,
  { model: { tokenizer }, seed }: RequestContext,
): GenerateOptions & { readonly seed: number } {
  const sampling = Object.entries(fields).flatMap(([name, value]) =>
    value !== undefined && Object.hasOwn(SAMPLING, name) ? [[camelCase(name), value] as const] : [],
  );
  const { stop, logit_bias: biases, dry_sequence_breakers: breakers = DRY_SEQUENCE_BREAKERS } = fields;
  return {
    ...Object.fromEntries(sampling),
    seed: seedOf(fields.seed ?? seed),
    ...(stop !== undefined && { stop: stopOf(stop) }),
    ...(biases !== undefined && { logitBias: biasesOf(biases, tokenizer.nVocab) }),
    ...(fields.dry_multiplier && { drySequenceBreakers: sequenceBreakers(breakers, tokenizer) }),
    ...(fields.cache_prompt === false && { reuse: false }),
  };
}

function camelCase(name: string): string {
  return name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

/** 64-bit integers modulo 2^32; drawn if there is none, so that it can be told. */
function seedOf(seed: number | undefined): number {
  const modulus = 2 ** 32;
  if (seed === undefined) return Math.floor(Math.random() * modulus);
  return ((seed % modulus) + modulus) % modulus;
}

function stopOf(value: unknown): readonly string[] {
  const stop = stringOrList(value, "stop");
  if (stop.length > MAX_STOPS) throw invalidValue("stop", `expected at most ${MAX_STOPS} texts, got ${stop.length}`);
  for (const [i, text] of stop.entries()) {
    const isGood = text.length > 0 && text.length <= MAX_STOP_CHARS && text.isWellFormed();
    if (!isGood) {
      throw invalidValue(
        stop.length > 1 ? `stop[${i}]` : "stop",
        `expected 1 to ${MAX_STOP_CHARS} characters of Unicode`,
      );
    }
  }
  return stop;
}

/** −100 and below forbids. */
function biasesOf(biases: Readonly<Record<string, number>>, nVocab: number): [id: number, bias: number][] {
  const entries = Object.entries(biases);
  if (entries.length > MAX_BIASES) {
    throw invalidValue("logit_bias", `expected at most ${MAX_BIASES} ids, got ${entries.length}`);
  }
  return entries.map(([key, bias]) => {
    const id = Number(key);
    if (!/^\d+$/.test(key) || id >= nVocab) throw invalidValue("logit_bias", `expected ids below ${nVocab} as names`);
    if (bias > 100) throw invalidValue(`logit_bias.${key}`, "expected a number from -100 to 100");
    return [id, bias <= -100 ? Number.NEGATIVE_INFINITY : bias];
  });
}
