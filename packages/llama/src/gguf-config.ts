// The config of a model that comes from a GGUF file. This package does not read such files: it asks for values by their keys.
// Keys and defaults: the GGUF specification (docs/gguf.md of ggml) and llama.cpp.

import type { KeyReader } from "@ll/architectures";
import { assertConfig, type ConfigOverrides, type ModelConfig } from "./config.ts";
import { ModelError } from "./errors.ts";
import { checkUnreadKeys, type GgufPlainValue, type MetadataGetter } from "./gguf-keys.ts";
import { architectureOf } from "./model-graph.ts";

export interface GgufConfig extends ModelConfig {
  /** Positions that the model was trained for; undefined if the file does not say. */
  readonly trainedContextTokens: number | undefined;
  /** A sentence for each key of the model that is not read and may matter; keys that surely do are refused. */
  readonly warnings: readonly string[];
}

/** Version of the block layouts of all quantised types; those of ggjt v3 and of @ll/quant. */
const QUANTIZATION_VERSION = 2;

/** Layers beyond which no number is kept for each: no file has as many. */
const MAX_LAYERS = 65536;

/** @ll/convert keeps a ggjt file's n_mult under this key, so that the way back gives the same file. */
const N_MULT_KEY = "ll.ggjt.n_mult";

/** Keys in place of which overrides are taken. */
const OVERRIDDEN: readonly (readonly [key: string, override: keyof ConfigOverrides])[] = [
  ["attention.head_count_kv", "nKvHeads"],
  ["attention.layer_norm_rms_epsilon", "rmsNormEps"],
  ["rope.freq_base", "ropeFreqBase"],
];

/**
 * @param overrides go before what the file says
 * @param file shown in errors
 * @throws ModelError `E_UNSUPPORTED` for a model of a family that is not there, or whose arithmetic is another; `E_HPARAM` for numbers that
 * are missing or make no model
 */
export function configFromGguf(get: MetadataGetter, overrides: ConfigOverrides = {}, file?: string): GgufConfig {
  const name = get("general.architecture");
  const architecture = architectureOf(typeof name === "string" ? name : "nothing", file);
  const keys = new GgufKeys(get, architecture.name, overrides, file);
  if (get("general.quantization_version") !== undefined) {
    keys.assertEquals("general.quantization_version", QUANTIZATION_VERSION);
  }
  const hyper = architecture.readHyper(keys);
  const warnings = checkUnreadKeys(get, architecture, keys.asked, file);
  const config = assertConfig({
    ropeFreqBase: 10000, // of those that have one for all layers
    ...hyper,
    ropeFreqScale: Math.fround(overrides.ropeFreqScale ?? (hyper as Partial<ModelConfig>).ropeFreqScale ?? 1),
    architecture: architecture.name,
    nMult: keys.optionalNumber(N_MULT_KEY) ?? hyper.nFf,
    nRot: hyper.headDim,
    ftype: keys.optionalNumber("general.file_type") ?? 0,
    arithmetic: "lanes",
  });
  return { ...config, trainedContextTokens: keys.optionalNumber(`${architecture.name}.context_length`), warnings };
}

/** Values that must be of the kind that they are taken for. */
class GgufKeys implements KeyReader {
  /** Without the prefix. */
  readonly asked: Set<string> = new Set(["context_length"]);
  readonly #get: MetadataGetter;
  readonly #prefix: string;
  readonly #overrides: ReadonlyMap<string, number>;
  readonly #file: string | undefined;

  constructor(get: MetadataGetter, prefix: string, overrides: ConfigOverrides, file: string | undefined) {
    this.#get = get;
    this.#prefix = prefix;
    this.#overrides = new Map(
      OVERRIDDEN.flatMap(([key, name]) => (overrides[name] === undefined ? [] : [[key, overrides[name]] as const])),
    );
    this.#file = file;
  }

  count(key: string, fallback?: number): number {
    return this.#count(key, this.#required(key, this.#number(key) ?? fallback, "a number"));
  }

  float(key: string, fallback?: number): number {
    const value = Math.fround(this.#required(key, this.#number(key) ?? fallback, "a number"));
    return Number.isFinite(value) ? value : this.#fail("E_HPARAM", this.#full(key), "a finite number", String(value));
  }

  flag(key: string, fallback?: boolean): boolean {
    return this.#required(key, this.#ofType<boolean>(key, "boolean", "true or false") ?? fallback, "true or false");
  }

  text(key: string, fallback?: string): string {
    return this.#required(key, this.#ofType<string>(key, "string", "a text") ?? fallback, "a text");
  }

  choice<T extends string>(key: string, choices: readonly T[], fallback: T): T {
    const value = this.text(key, fallback);
    if (choices.includes(value as T)) return value as T;
    return this.#fail("E_UNSUPPORTED", this.#full(key), choices.join(", "), value);
  }

  perLayer(key: string, nLayers: number, fallback?: number): readonly number[] {
    if (nLayers > MAX_LAYERS)
      this.#fail("E_HPARAM", this.#full("block_count"), `at most ${MAX_LAYERS}`, String(nLayers));
    const value = this.#get(this.#ask(key));
    if (typeof value !== "object") return new Array<number>(nLayers).fill(this.count(key, fallback));
    const { length, items } = value;
    // there may be more, for layers that are not evaluated
    if (items === undefined || length < nLayers) {
      this.#fail("E_HPARAM", this.#full(key), `${nLayers} numbers`, `an array of ${length}`);
    }
    return Array.from(items.slice(0, nLayers), (item) => this.#count(key, Number(item)));
  }

  isArray(key: string): boolean {
    return typeof this.#get(this.#ask(key)) === "object";
  }

  has(key: string): boolean {
    return this.#get(this.#ask(key)) !== undefined;
  }

  nVocab(): number {
    const nVocab = this.#number("vocab_size");
    if (nVocab !== undefined) return nVocab;
    const tokens = this.#get("tokenizer.ggml.tokens");
    if (typeof tokens === "object") return tokens.length;
    return this.#fail("E_HPARAM", "tokenizer.ggml.tokens", "an array", kindOf(tokens));
  }

  expect(key: string, expected: number | string | boolean): void {
    if (this.has(key)) this.assertEquals(this.#full(key), expected);
  }

  refuse(key: string, expected: string): never {
    return this.#fail("E_HPARAM", this.#full(key), expected, String(this.#get(this.#full(key))));
  }

  /** Of a key with its prefix. */
  optionalNumber(key: string): number | undefined {
    const value = this.#get(key);
    if (value === undefined || typeof value === "number") return value;
    if (typeof value === "bigint") return Number(value);
    // models whose layers differ have an array with a number for each
    if (typeof value === "object") return this.#fail("E_UNSUPPORTED", key, "one number for all layers", "an array");
    return this.#fail("E_HPARAM", key, "a number", typeof value);
  }

  /** @throws ModelError `E_UNSUPPORTED`: the value is one that other models have */
  assertEquals(key: string, expected: number | string | boolean): void {
    const got = this.#get(key);
    const value = typeof got === "bigint" ? Number(got) : got;
    if (value === expected) return;
    this.#fail("E_UNSUPPORTED", key, expected, typeof value === "object" ? "an array" : String(value ?? "nothing"));
  }

  #full(key: string): string {
    return `${this.#prefix}.${key}`;
  }

  /** The key with its prefix, from now on one that was read. */
  #ask(key: string): string {
    this.asked.add(key);
    return this.#full(key);
  }

  #number(key: string): number | undefined {
    const full = this.#ask(key);
    return this.#overrides.get(key) ?? this.optionalNumber(full);
  }

  #count(key: string, value: number): number {
    if (Number.isInteger(value) && value >= 0 && value <= 0x7fffffff) return value;
    return this.#fail("E_HPARAM", this.#full(key), "an integer from 0 to 2^31 - 1", String(value));
  }

  #ofType<T>(key: string, type: string, expected: string): T | undefined {
    const full = this.#ask(key);
    const value = this.#get(full);
    if (value === undefined || typeof value === type) return value as T | undefined;
    return this.#fail("E_HPARAM", full, expected, kindOf(value));
  }

  #required<T>(key: string, value: T | undefined, expected: string): T {
    return value ?? this.#fail("E_HPARAM", this.#full(key), expected, "nothing");
  }

  #fail(code: string, field: string, expected: string | number | boolean, got: string): never {
    const what = code === "E_HPARAM" ? "not a model of this kind" : "this kind of model is not supported";
    const message = `${what}: ${field} is ${got}, expected ${expected}`;
    throw new ModelError({ code, file: this.#file, field, expected: expected as string | number, got, message });
  }
}

function kindOf(value: GgufPlainValue | undefined): string {
  return typeof value === "object" ? "an array" : typeof value;
}
