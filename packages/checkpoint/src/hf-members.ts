// config.json of any family, asked member by member.

import type { HfConfig } from "@ll/architectures";
import { printable } from "@ll/bytes";
import { CheckpointError } from "./errors.ts";
import { isJsonObject, type JsonObject, type JsonTree } from "./json-tree.ts";

/**
 * Fields that change what is computed and leave no trace in the tensors → the value that changes nothing, besides null. Undefined: null
 * alone, 0 and false.
 */
export const NEUTRAL_VALUES: ReadonlyMap<string, number | boolean | undefined> = new Map<
  string,
  number | boolean | undefined
>([
  ["embedding_multiplier", 1],
  ["residual_multiplier", 1],
  ["logits_scaling", 1],
  ["logit_scale", 1],
  ["attention_multiplier", undefined],
  ["query_pre_attn_scalar", undefined],
  ["attn_logit_softcapping", undefined],
  ["final_logit_softcapping", undefined],
  ["clip_qkv", undefined],
  ["is_causal", true],
]);

export function isNeutral(field: string, value: unknown): boolean {
  if (!NEUTRAL_VALUES.has(field) || value === null) return true;
  const neutral = NEUTRAL_VALUES.get(field);
  return value === (neutral ?? false) || value === (neutral ?? 0);
}

/** The largest value of a u32. */
const MAX_COUNT = 2 ** 32 - 1;

/**
 * Members of the first of several objects that has them. Null is as good as nothing.
 * @param file shown in errors
 * @param path of the object in the file, ending in a dot if it is not all of it
 */
export function hfMembers(file: string, layers: readonly JsonObject[], path = ""): HfConfig {
  const find = (name: string): JsonTree | undefined => {
    for (const layer of layers) {
      const value = layer.get(name);
      if (value !== undefined && value !== null) return value;
    }
    return undefined;
  };
  const fail = (code: string, name: string, expected: string, value: JsonTree | undefined): never => {
    const got = value === undefined ? "nothing" : shown(value);
    const field = `${path}${name}`;
    const message = value === undefined ? `"${field}" is missing` : `"${field}" expected ${expected}, got ${got}`;
    throw new CheckpointError({ code, file, offset: 0, field, expected, got, message: printable(message) });
  };
  const read = <T extends JsonTree>(name: string, expected: string, is: (value: JsonTree) => value is T): T => {
    const value = find(name);
    return value !== undefined && is(value) ? value : fail("E_FIELD", name, expected, value);
  };
  const list = <T extends JsonTree>(name: string, expected: string, is: (value: JsonTree) => value is T): T[] => {
    const value = find(name);
    return Array.isArray(value) && value.every(is) ? value : fail("E_FIELD", name, expected, value);
  };
  return {
    has: (name) => find(name) !== undefined,
    count: (name) => read(name, `a whole number from 0 to ${MAX_COUNT}`, isCount),
    float: (name) => read(name, "a number", isNumber),
    flag: (name) => find(name) !== undefined && read(name, "true or false", isFlag),
    text: (name) => read(name, "text", isText),
    numbers: (name) => list(name, "numbers", isNumber),
    texts: (name) => list(name, "texts", isText),
    object(name) {
      const value = find(name);
      if (value === undefined) return undefined;
      return isJsonObject(value)
        ? hfMembers(file, [value], `${path}${name}.`)
        : fail("E_FIELD", name, "an object", value);
    },
    refuse: (name, expected) => fail("E_UNSUPPORTED", name, expected, find(name)),
  };
}

/** @throws `E_UNSUPPORTED` for a field outside `known` that changes what is computed, at a value that does */
export function assertNeutralFields(config: HfConfig, layers: readonly JsonObject[], known: readonly string[]): void {
  for (const [name, neutral] of NEUTRAL_VALUES) {
    const value = layers.map((layer) => layer.get(name)).find((one) => one !== undefined && one !== null);
    if (known.includes(name) || value === undefined || isNeutral(name, value)) continue;
    config.refuse(name, `${neutral ?? "null"}: this family knows nothing of it`);
  }
}

const isNumber = (value: JsonTree): value is number => typeof value === "number" && Number.isFinite(value);
const isCount = (value: JsonTree): value is number =>
  Number.isInteger(value) && (value as number) >= 0 && (value as number) <= MAX_COUNT;
const isFlag = (value: JsonTree): value is boolean => typeof value === "boolean";
const isText = (value: JsonTree): value is string => typeof value === "string";

function shown(value: JsonTree): string {
  if (isJsonObject(value)) return "an object";
  if (typeof value === "object") return value === null ? "null" : `an array of ${value.length}`;
  return printable(JSON.stringify(value), 200);
}
