// What becomes of the keys of a GGUF file that nothing reads.

import { type Architecture, neutralValues, unreadOf } from "@ll/architectures";
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

/** Warnings beyond which the others are only counted: a hostile file may have thousands of keys. */
const MAX_WARNINGS = 16;

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
    const neutral = neutralValues(name);
    if (neutral === undefined) {
      warnings.push(`'${key}' is not read: if it changes what this model computes, its text will be wrong`);
      continue;
    }
    assertNeutral(key, get(key), neutral, file);
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
