// Errors put together: by type, by layer and by tensor.

import { createErrorSum, type ErrorStats, type ErrorSum } from "./error-stats.ts";
import type { MeasuredTensor } from "./measure.ts";

/** Version of the shape of `StatsReport`. */
const REPORT_VERSION = 1;

/** Errors of one tensor, one layer or the whole model, under one type. */
export interface StatsRow extends ErrorStats {
  /** Of the tensor; `layer 0`; `all`. */
  readonly name: string;
  readonly type: string;
}

export interface StatsReport {
  readonly version: number;
  readonly file: string;
  readonly types: readonly StatsRow[];
  readonly layers: readonly StatsRow[];
  readonly tensors: readonly StatsRow[];
}

/** Name of the group of what belongs to no layer: embeddings and output. */
const OTHERS = "others";

export function statsReport(file: string, types: readonly string[], measured: readonly MeasuredTensor[]): StatsReport {
  const names = [...new Set(measured.map(({ name }) => layerOf(name)))];
  return {
    version: REPORT_VERSION,
    file,
    types: types.map((type) => merged("all", type, measured)),
    layers: names.flatMap((name) => {
      const members = measured.filter((tensor) => layerOf(tensor.name) === name);
      return types
        .filter((type) => members.some(({ errors }) => errors.has(type)))
        .map((type) => merged(name, type, members));
    }),
    tensors: measured.flatMap(({ name, errors }) => Array.from(errors, ([type, sum]) => row(name, type, sum))),
  };
}

/** Largest error first, measured by the size of the weights. */
export function worstFirst(rows: readonly StatsRow[]): StatsRow[] {
  return [...rows].sort((a, b) => relativeError(b) - relativeError(a));
}

/** The error as a share of the weights; 0 for weights that are all zero. */
export function relativeError({ rmse, rms }: ErrorStats): number {
  return rms === 0 ? 0 : rmse / rms;
}

function layerOf(tensor: string): string {
  const number = /^(?:layers|blk)\.(\d+)\./.exec(tensor)?.[1]; // ggml files' name, GGUF's
  return number === undefined ? OTHERS : `layer ${number}`;
}

function merged(name: string, type: string, members: readonly MeasuredTensor[]): StatsRow {
  const all = createErrorSum();
  for (const { errors } of members) {
    const sum = errors.get(type);
    if (sum !== undefined) all.merge(sum);
  }
  return row(name, type, all);
}

function row(name: string, type: string, sum: ErrorSum): StatsRow {
  return { name, type, ...sum.stats() };
}
