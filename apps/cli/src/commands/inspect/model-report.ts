// What ll-inspect reports: the facts of a file, and what follows from them. The same object is printed as JSON and as text.

import type { ModelFacts } from "./model-facts.ts";

/** Version of the shape of `ModelReport`. */
const REPORT_VERSION = 1;

/** Bytes of a key or value channel in the KV cache: binary16. */
const CACHE_ELEMENT_BYTES = 2;

/** Tensors of one type together, or all of them. */
export interface TypeSummary {
  readonly type: string;
  readonly tensors: number;
  readonly weights: number;
  readonly bytes: number;
}

/** Bytes that a model needs in memory at a context size. */
export interface MemoryNeed {
  readonly contextTokens: number;
  readonly weights: number;
  readonly kvCache: number;
  readonly total: number;
}

export interface ModelReport {
  readonly version: number;
  readonly file: string;
  readonly bytes: number;
  readonly format: string;
  /** A list, since the names come from the file. */
  readonly fields: readonly { readonly name: string; readonly value: string | number }[];
  readonly types: readonly TypeSummary[];
  readonly tensors: readonly {
    readonly name: string;
    readonly type: string;
    readonly shape: readonly number[];
    readonly bytes: number;
    readonly offset: number;
  }[];
  /** Names of the fields that the programs do not read. */
  readonly unread: readonly string[];
  /** Empty for a file without weights. */
  readonly memory: readonly MemoryNeed[];
  readonly warnings: readonly string[];
}

/** @param contextSizes in tokens, 0 for the model's own; one line of `memory` for each */
export function modelReport(facts: ModelFacts, contextSizes: readonly number[]): ModelReport {
  const types = typeSummaries(facts);
  const weights = types.reduce((sum, { bytes }) => sum + bytes, 0);
  const { cacheShape } = facts;
  return {
    version: REPORT_VERSION,
    file: facts.name,
    bytes: facts.byteLength,
    format: facts.format,
    fields: facts.fields.map(([name, value]) => ({ name, value })),
    unread: facts.unread,
    types,
    tensors: facts.tensors.map(({ name, type, shape, byteLength, dataOffset }) => ({
      name,
      type,
      shape,
      bytes: byteLength,
      offset: dataOffset,
    })),
    memory:
      cacheShape === undefined
        ? []
        : contextSizes.map((size) => {
            const contextTokens = size === 0 ? facts.trainedContext : size;
            const kvCache = 2 * cacheShape.nLayers * contextTokens * cacheShape.kvDim * CACHE_ELEMENT_BYTES;
            return { contextTokens, weights, kvCache, total: weights + kvCache };
          }),
    warnings: facts.warnings,
  };
}

/** Largest first. */
function typeSummaries({ tensors }: ModelFacts): TypeSummary[] {
  const summaries = new Map<string, TypeSummary>();
  for (const { type, shape, byteLength } of tensors) {
    const before = summaries.get(type) ?? { type, tensors: 0, weights: 0, bytes: 0 };
    summaries.set(type, {
      type,
      tensors: before.tensors + 1,
      weights: before.weights + shape.reduce((product, size) => product * size, 1),
      bytes: before.bytes + byteLength,
    });
  }
  return [...summaries.values()].sort((a, b) => b.bytes - a.bytes);
}
