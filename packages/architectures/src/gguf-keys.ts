// The keys of a GGUF file as a family reads them: numbers that are numbers, counts that count, and what becomes of keys that it does not read.

import type { KeyReader } from "./architecture.ts";
import { neutralValues, unreadOf } from "./unread-keys.ts";

/** The value of a key. Arrays only need a length; those with a number for each layer, their items, too. */
export type GgufPlainValue =
  | number
  | bigint
  | boolean
  | string
  | { readonly length: number; readonly items?: readonly (number | bigint | boolean)[] | undefined };

/** The metadata of a file; `metadataGetter` of @ll/gguf makes one. */
export interface MetadataGetter {
  (key: string): GgufPlainValue | undefined;
  keys(): Iterable<string>;
}

/**
 * Refuses a file for the value of a key; must throw. `E_HPARAM`: it is no model of this kind; `E_UNSUPPORTED`: it is one that is computed
 * otherwise.
 */
export type RefuseKey = (
  code: "E_HPARAM" | "E_UNSUPPORTED",
  key: string,
  expected: string | number | boolean,
  got: string,
) => never;

/** Layers beyond which no number is kept for each: no file has as many. */
const MAX_LAYERS = 65536;

/** Warnings beyond which the others are only counted: a hostile file may have thousands of keys. */
const MAX_WARNINGS = 16;

/** Values that must be of the kind that they are taken for. */
export class GgufKeys implements KeyReader {
  /** Without the prefix. */
  readonly #asked: Set<string> = new Set(["context_length"]);
  readonly #get: MetadataGetter;
  readonly #prefix: string;
  readonly #overrides: ReadonlyMap<string, number>;
  readonly #refuse: RefuseKey;

  /** @param prefix of the family @param overrides numbers by the keys, without the prefix, in place of which they are taken */
  constructor(get: MetadataGetter, prefix: string, overrides: ReadonlyMap<string, number>, refuse: RefuseKey) {
    this.#get = get;
    this.#prefix = prefix;
    this.#overrides = overrides;
    this.#refuse = refuse;
  }

  count(key: string, fallback?: number): number {
    return this.#count(key, this.#required(key, this.#number(key) ?? fallback, "a number"));
  }

  float(key: string, fallback?: number): number {
    const value = Math.fround(this.#required(key, this.#number(key) ?? fallback, "a number"));
    return Number.isFinite(value) ? value : this.#refuse("E_HPARAM", this.#full(key), "a finite number", String(value));
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
    return this.#refuse("E_UNSUPPORTED", this.#full(key), choices.join(", "), value);
  }

  perLayer(key: string, nLayers: number, fallback?: number): readonly number[] {
    if (nLayers > MAX_LAYERS)
      this.#refuse("E_HPARAM", this.#full("block_count"), `at most ${MAX_LAYERS}`, String(nLayers));
    const value = this.#get(this.#ask(key));
    if (typeof value !== "object") return new Array<number>(nLayers).fill(this.count(key, fallback));
    const { length, items } = value;
    // there may be more, for layers that are not evaluated
    if (items === undefined || length < nLayers) {
      this.#refuse("E_HPARAM", this.#full(key), `${nLayers} numbers`, `an array of ${length}`);
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
    return this.#refuse("E_HPARAM", "tokenizer.ggml.tokens", "an array", kindOf(tokens));
  }

  expect(key: string, expected: number | string | boolean): void {
    if (this.has(key)) this.assertEquals(this.#full(key), expected);
  }

  refuse(key: string, expected: string): never {
    return this.#refuse("E_HPARAM", this.#full(key), expected, String(this.#get(this.#full(key))));
  }

  /** Of a key with its prefix. */
  optionalNumber(key: string): number | undefined {
    const value = plain(this.#get(key));
    if (value === undefined || typeof value === "number") return value;
    // models whose layers differ have an array with a number for each
    if (typeof value === "object") return this.#refuse("E_UNSUPPORTED", key, "one number for all layers", "an array");
    return this.#refuse("E_HPARAM", key, "a number", typeof value);
  }

  /** Of a key with its prefix. Refuses the file for any other value, which other models have. */
  assertEquals(key: string, expected: number | string | boolean): void {
    const value = plain(this.#get(key));
    if (value !== expected) this.#refuse("E_UNSUPPORTED", key, expected, shown(value));
  }

  #full(key: string): string {
    return `${this.#prefix}.${key}`;
  }

  /** The key with its prefix, from now on one that was read. */
  #ask(key: string): string {
    this.#asked.add(key);
    return this.#full(key);
  }

  #number(key: string): number | undefined {
    const full = this.#ask(key);
    return this.#overrides.get(key) ?? this.optionalNumber(full);
  }

  #count(key: string, value: number): number {
    if (Number.isInteger(value) && value >= 0 && value <= 0x7fffffff) return value;
    return this.#refuse("E_HPARAM", this.#full(key), "an integer from 0 to 2^31 - 1", String(value));
  }

  #ofType<T>(key: string, type: string, expected: string): T | undefined {
    const full = this.#ask(key);
    const value = this.#get(full);
    if (value === undefined || typeof value === type) return value as T | undefined;
    return this.#refuse("E_HPARAM", full, expected, kindOf(value));
  }

  #required<T>(key: string, value: T | undefined, expected: string): T {
    return value ?? this.#refuse("E_HPARAM", this.#full(key), expected, "nothing");
  }

  /**
   * A sentence for each key under the prefix that was not asked for until now and may matter. Refuses the file for one that changes the
   * arithmetic, unless its value is one at which it does not.
   */
  warnings(harmlessKeys: readonly string[]): string[] {
    const warnings: string[] = [];
    for (const key of unreadOf(this.#get.keys(), this.#prefix, this.#asked)) {
      const name = key.slice(this.#prefix.length + 1);
      if (harmlessKeys.includes(name)) continue;
      const neutral = neutralValues(name);
      if (neutral !== undefined) this.#expectNeutral(key, neutral);
      else warnings.push(`'${key}' is not read: if it changes what this model computes, its text will be wrong`);
    }
    const nMore = warnings.length - MAX_WARNINGS;
    return nMore > 0 ? [...warnings.slice(0, MAX_WARNINGS), `${nMore} more keys are not read`] : warnings;
  }

  #expectNeutral(key: string, others: readonly unknown[]): void {
    const value = plain(this.#get(key));
    // what is neutral when it is true is not when it is false
    if (value === 0 || (value === false && !others.includes(true)) || others.includes(value)) return;
    const expected = [others.includes(true) ? "true" : "0", ...others.filter((other) => other !== true)].join(" or ");
    this.#refuse("E_UNSUPPORTED", key, expected, shown(value));
  }
}

function plain(value: GgufPlainValue | undefined): GgufPlainValue | undefined {
  return typeof value === "bigint" ? Number(value) : value;
}

function shown(value: GgufPlainValue | undefined): string {
  return typeof value === "object" ? "an array" : String(value ?? "nothing");
}

function kindOf(value: GgufPlainValue | undefined): string {
  return typeof value === "object" ? "an array" : typeof value;
}
