// Which tensors a file must have, before it is written.

import type { Architecture, KeyReader } from "./architecture.ts";
import type { Weight } from "./graph.ts";
import { GraphBuilder } from "./graph-builder.ts";
import type { HfValue } from "./hf.ts";

/** A file that is about to be written. */
export interface PlannedModel {
  /** Keys without the family's prefix. */
  readonly values: ReadonlyMap<string, HfValue>;
  /** Names of its tensors. */
  readonly names: ReadonlySet<string>;
  readonly nVocab: number;
  /** Throws: the value of a key is none that the family can compute with. */
  refuse(key: string, expected: string): never;
}

/** The weights that the family's forward pass wants, and whether a tensor is none that it may do without. */
export function plannedWeights(
  { readHyper, build, isUnused }: Architecture,
  planned: PlannedModel,
): { weights: readonly Weight[]; isUnused(name: string): boolean } {
  const hyper = readHyper(keyReader(planned));
  const builder = new GraphBuilder({ has: (role) => planned.names.has(role) });
  build(builder, hyper);
  return { weights: builder.graph.weights, isUnused: (name) => isUnused?.(name, hyper) === true };
}

function keyReader({ values, nVocab, refuse }: PlannedModel): KeyReader {
  const plain = (key: string): number | boolean | string | undefined => {
    const value = values.get(key);
    return value === undefined || value.type === "array" ? undefined : value.value;
  };
  const read = <T>(key: string, type: string, fallback: T | undefined): T => {
    const value = plain(key);
    const found = value === undefined && !values.has(key) ? fallback : value;
    return typeof found === type ? (found as T) : refuse(key, `a ${type}`);
  };
  return {
    count: (key, fallback) => read(key, "number", fallback),
    float: (key, fallback) => Math.fround(read(key, "number", fallback)),
    flag: (key, fallback) => read(key, "boolean", fallback),
    text: (key, fallback) => read(key, "string", fallback),
    choice(key, choices, fallback) {
      const text = read<string>(key, "string", fallback);
      return choices.find((choice) => choice === text) ?? refuse(key, choices.join(" or "));
    },
    perLayer(key, nLayers, fallback) {
      const value = values.get(key);
      if (value?.type !== "array") return new Array<number>(nLayers).fill(read(key, "number", fallback));
      const items = Array.from(value.items, Number);
      return items.length >= nLayers ? items : refuse(key, `${nLayers} numbers`);
    },
    isArray: (key) => values.get(key)?.type === "array",
    has: (key) => values.has(key),
    nVocab: () => nVocab,
    expect(key, expected) {
      const value = plain(key);
      if (values.has(key) && value !== expected) refuse(key, String(expected));
    },
    refuse,
  };
}
