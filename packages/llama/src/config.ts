// The numbers that shape a LLaMA model, checked before anything is sized by them.

import { feedForwardSize, type Hyper } from "@ll/architectures";
import { kindOf } from "@ll/bytes";
import { ARITHMETIC_NAMES, type ArithmeticName } from "@ll/quant";
import { ModelError } from "./errors.ts";

/** Hyper-parameters of one model. The f32 ones are held as the doubles that equal them. A family may keep more beside them. */
export interface ModelConfig extends Hyper {
  /** The family, one of `ARCHITECTURES` of @ll/architectures: "llama". */
  readonly architecture: string;
  /** θ of the RoPE paper (Su et al., arXiv:2104.09864). */
  readonly ropeFreqBase: number;
  /** Factor on every position. */
  readonly ropeFreqScale: number;
  /** nFf was rounded up to a multiple of it. Computes nothing here; session files carry it. */
  readonly nMult: number;
  /** Rotated channels per head as the file states them. Computes nothing here; session files carry it. */
  readonly nRot: number;
  /** Label of the file's main tensor type. Computes nothing here; session files carry it. */
  readonly ftype: number;
  /**
   * How numbers are rounded unless engines are told otherwise: `build803` for ggml, ggmf and ggjt files, which are of its time;
   * `lanes` for GGUF files.
   */
  readonly arithmetic: ArithmeticName;
}

/** The seven numbers in the head of a ggml, ggmf or ggjt file, in its order. */
export interface GgmlHyperParams {
  readonly nVocab: number;
  readonly nEmbd: number;
  readonly nMult: number;
  readonly nHead: number;
  readonly nLayer: number;
  readonly nRot: number;
  readonly ftype: number;
}

/** What a ggml file does not say; the defaults are what llama.cpp build 803 takes for granted. */
export interface ConfigOverrides {
  /** Default: nHead, no sharing. */
  readonly nKvHeads?: number;
  /** Default 1e-6. */
  readonly rmsNormEps?: number;
  /** Default 10000. */
  readonly ropeFreqBase?: number;
  /** Default 1. */
  readonly ropeFreqScale?: number;
}

/** RMS-norm epsilon, RoPE base and RoPE scale that are compiled into llama.cpp build 803. */
export const BUILD_803: { readonly rmsNormEps: number; readonly ropeFreqBase: number; readonly ropeFreqScale: number } =
  { rmsNormEps: Math.fround(1e-6), ropeFreqBase: 10000, ropeFreqScale: 1 };

/**
 * The config of a model that comes from a ggml file.
 * @throws ModelError `E_HPARAM`
 */
export function configFromGgml(file: GgmlHyperParams, overrides: ConfigOverrides = {}): ModelConfig {
  const nKvHeads = overrides.nKvHeads ?? file.nHead;
  assertCount("n_mult", file.nMult);
  const sizes = { nEmbd: file.nEmbd, nHeads: file.nHead, nKvHeads, nLayers: file.nLayer };
  return assertConfig({
    ...sizes,
    architecture: "llama",
    nVocab: file.nVocab,
    headDim: file.nEmbd / file.nHead,
    nFf: feedForwardSize(sizes, file.nMult),
    rmsNormEps: Math.fround(overrides.rmsNormEps ?? BUILD_803.rmsNormEps),
    ropeFreqBase: Math.fround(overrides.ropeFreqBase ?? BUILD_803.ropeFreqBase),
    ropeFreqScale: Math.fround(overrides.ropeFreqScale ?? BUILD_803.ropeFreqScale),
    nMult: file.nMult,
    nRot: file.nRot,
    ftype: file.ftype,
    arithmetic: "build803",
  });
}

/**
 * Returns `config` if it can describe a model.
 * @throws ModelError `E_HPARAM`
 */
export function assertConfig(config: ModelConfig): ModelConfig {
  if (typeof config !== "object" || config === null || "then" in config) {
    const advice = "configFromGgml(file.hyperParams), or configFromGguf(metadataGetter(file.metadata)) for a GGUF file";
    throw new TypeError(`"config" expected what ${advice} gives, got ${kindOf(config)}`);
  }
  for (const field of ["nVocab", "nEmbd", "nHeads", "nKvHeads", "nLayers", "nFf"] as const) {
    assertCount(field, config[field]);
  }
  // only where heads were to share the channels of the stream
  if (!Number.isInteger(config.headDim)) fail("nHeads", `a divisor of nEmbd = ${config.nEmbd}`, config.nHeads);
  assertCount("headDim", config.headDim);
  if (config.headDim % 2 !== 0) fail("headDim", "an even number of channels per head", config.headDim);
  if (config.nHeads % config.nKvHeads !== 0)
    fail("nKvHeads", `a divisor of nHeads = ${config.nHeads}`, config.nKvHeads);
  for (const field of ["rmsNormEps", "ropeFreqBase", "ropeFreqScale"] as const) {
    const value = config[field];
    if (!(value > 0 && value < Number.POSITIVE_INFINITY)) fail(field, "a positive number", value);
  }
  return config;
}

/** The arithmetic that was asked for, or the config's. @throws TypeError for another name */
export function arithmeticOf(
  config: ModelConfig,
  asked: ArithmeticName | undefined = config.arithmetic,
): ArithmeticName {
  if (ARITHMETIC_NAMES.includes(asked)) return asked;
  throw new TypeError(`"arithmetic" expected ${ARITHMETIC_NAMES.join(" or ")}, got ${String(asked)}`);
}

/** Counts are 32-bit in every format; anything above 2^31 is a damaged file. */
function assertCount(field: string, value: number): void {
  if (!Number.isInteger(value) || value < 1 || value > 0x7fffffff) fail(field, "an integer from 1 to 2^31 - 1", value);
}

function fail(field: string, expected: string, got: number): never {
  throw new ModelError({
    code: "E_HPARAM",
    field,
    expected,
    got,
    message: `not a LLaMA model: ${field} is ${got}, expected ${expected}`,
  });
}
