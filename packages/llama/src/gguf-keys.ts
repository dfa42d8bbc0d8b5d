// What becomes of the keys of a GGUF file that nothing reads. A key may be harmless; it may also change what the model computes, and a
// model that is computed otherwise than it was trained gives noise or, worse, nearly the right text.

import { ModelError } from "./errors.ts";

/** The value of a key; arrays only need a length. */
export type GgufPlainValue = number | bigint | boolean | string | { readonly length: number };

/** The metadata of a file; `metadataGetter` of @ll/gguf makes one. */
export interface MetadataGetter {
  (key: string): GgufPlainValue | undefined;
  keys(): Iterable<string>;
}

/** The keys of a family of models, without the prefix that is the name of its architecture. */
export interface FamilyKeys {
  /** Those that the family's config is made of. */
  readonly read: ReadonlySet<string>;
  /** Those that change nothing, whatever they say. */
  readonly harmless: ReadonlySet<string>;
}

export const LLAMA_KEYS: FamilyKeys = {
  read: /* @__PURE__ */ new Set([
    "attention.head_count",
    "attention.head_count_kv",
    "attention.key_length",
    "attention.layer_norm_rms_epsilon",
    "attention.value_length",
    "block_count",
    "context_length",
    "embedding_length",
    "feed_forward_length",
    "rope.dimension_count",
    "rope.freq_base",
    "rope.scale_linear",
    "rope.scaling.factor",
    "rope.scaling.type",
    "vocab_size",
  ]),
  harmless: /* @__PURE__ */ new Set([
    "attention.sliding_window", // files of Mistral 7B v0.1 have it: llama.cpp does not read it either
    "attention.sliding_window_pattern",
    "pooling_type",
    "rope.scaling.finetuned",
    "tensor_data_layout",
    "use_parallel_residual",
  ]),
};

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

/** Keys under the prefix that the family does not read, in the order of the file. */
export function unreadKeys(keys: Iterable<string>, prefix: string, family: FamilyKeys = LLAMA_KEYS): string[] {
  const start = `${prefix}.`;
  return Array.from(keys).filter((key) => key.startsWith(start) && !family.read.has(key.slice(start.length)));
}

/**
 * A sentence for each unread key that may matter.
 * @throws ModelError `E_UNSUPPORTED` for a key that changes the arithmetic, unless its value is one at which it does not
 */
export function checkUnreadKeys(get: MetadataGetter, prefix: string, family: FamilyKeys, file?: string): string[] {
  const warnings: string[] = [];
  for (const key of unreadKeys(get.keys(), prefix, family)) {
    const name = key.slice(prefix.length + 1);
    if (family.harmless.has(name)) continue;
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
