// What becomes of the keys of a GGUF file that nothing reads. A key may be harmless; it may also change what the model computes, and a
// model that is computed otherwise than it was trained gives noise or, worse, nearly the right text.

import { ARCHITECTURES, type Architecture, type KeyReader } from "@ll/architectures";
import { ModelError } from "./errors.ts";

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

/** Keys that change the arithmetic of some family, and the values besides 0 and false at which they do not. */
const ARITHMETIC: readonly (readonly [key: RegExp, neutral: readonly unknown[]])[] = [
  [/^attention\.causal$/, [true]],
  [/_scale$/, [1]],
  [/^rope\.scaling\.attn_factor$/, [1]],
  [/softcapping$/, []],
  [/clamp_kqv$/, []],
  [/max_alibi_bias$/, []],
  [/^expert_/, []],
  [/^ssm\./, []],
  [/^shortconv\./, []],
  [/^attention\./, []],
];

/** Warnings beyond which the others are only counted: a hostile file may have thousands of keys. */
const MAX_WARNINGS = 16;

/** Keys under the family's prefix that it does not read, in the order of the file. Of an unknown family there are none. */
export function unreadKeys(keys: Iterable<string>, architecture: string): string[] {
  const family = ARCHITECTURES.find(({ name }) => name === architecture);
  if (family === undefined) return [];
  const asked = new Set<string>(["context_length"]);
  family.readHyper(recordingReader(asked));
  return unreadOf(keys, architecture, asked);
}

function unreadOf(keys: Iterable<string>, prefix: string, asked: ReadonlySet<string>): string[] {
  const start = `${prefix}.`;
  return Array.from(keys).filter((key) => key.startsWith(start) && !asked.has(key.slice(start.length)));
}

/** Remembers what is asked for and answers anything that makes a model: heads have two channels. */
function recordingReader(asked: Set<string>): KeyReader {
  const answer = <T>(key: string, value: T): T => {
    asked.add(key);
    return value;
  };
  return {
    count: (key, fallback = 2) => answer(key, Math.max(2, fallback)),
    float: (key, fallback = 1) => answer(key, fallback),
    flag: (key, fallback = false) => answer(key, fallback),
    text: (key, fallback = "") => answer(key, fallback),
    choice: (key, _choices, fallback) => answer(key, fallback),
    perLayer: (key, nLayers, fallback = 1) => answer(key, new Array<number>(nLayers).fill(fallback)),
    isArray: (key) => answer(key, false),
    has: (key) => answer(key, false),
    nVocab: () => answer("vocab_size", 1),
    expect: (key) => void asked.add(key),
    refuse(key) {
      throw new Error(`${key} was refused`);
    },
  };
}

/**
 * A sentence for each key under the family's prefix that was not asked for and may matter.
 * @throws ModelError `E_UNSUPPORTED` for a key that changes the arithmetic, unless its value is one at which it does not
 */
export function checkUnreadKeys(
  get: MetadataGetter,
  { name: prefix, harmlessKeys }: Architecture,
  asked: ReadonlySet<string>,
  file?: string,
): string[] {
  const warnings: string[] = [];
  for (const key of unreadOf(get.keys(), prefix, asked)) {
    const name = key.slice(prefix.length + 1);
    if (harmlessKeys.includes(name)) continue;
    const rule = ARITHMETIC.find(([pattern]) => pattern.test(name));
    if (rule === undefined) {
      warnings.push(`'${key}' is not read: if it changes what this model computes, its text will be wrong`);
      continue;
    }
    assertNeutral(key, get(key), rule[1], file);
  }
  const nMore = warnings.length - MAX_WARNINGS;
  return nMore > 0 ? [...warnings.slice(0, MAX_WARNINGS), `${nMore} more keys are not read`] : warnings;
}

function assertNeutral(
  key: string,
  value: GgufPlainValue | undefined,
  others: readonly unknown[],
  file: string | undefined,
): void {
  const plain = typeof value === "bigint" ? Number(value) : value;
  // what is neutral when it is true is not when it is false
  if (plain === 0 || (plain === false && !others.includes(true)) || others.includes(plain)) return;
  const expected = [others.includes(true) ? "true" : "0", ...others.filter((other) => other !== true)].join(" or ");
  const got = typeof plain === "object" ? "an array" : String(plain);
  const message = `this kind of model is not supported: ${key} is ${got}, expected ${expected}`;
  throw new ModelError({ code: "E_UNSUPPORTED", file, field: key, expected, got, message });
}
