// Half-open ranges of rows or heads, and cutting a number of things into nearly equal ranges.

import type { Axis } from "@ll/architectures";

export interface Range {
  readonly start: number;
  /** One behind the last. */
  readonly end: number;
}

/** The units of each axis that one shard owns, by the axis' number. Ranges may be empty: there may be more threads than key heads. */
export type ShardShare = readonly Range[];

/** 0 … n in `nParts` consecutive ranges whose sizes differ by at most one unit; all bounds but n are multiples of `unit`. */
export function cutEvenly(n: number, nParts: number, unit: number): Range[] {
  const nUnits = Math.ceil(n / unit);
  const bound = (i: number): number => Math.min(n, Math.floor((i * nUnits) / nParts) * unit);
  return Array.from({ length: nParts }, (_, i) => ({ start: bound(i), end: bound(i + 1) }));
}

/** The shard's part of `n` rows or columns that are cut along `axis`; all of them if they are not. */
export function ownPart(n: number, axis: Axis | undefined, share: ShardShare): Range {
  return axis === undefined ? { start: 0, end: n } : scaled(share[axis.id]!, n / axis.n);
}

export function sizeOf({ start, end }: Range): number {
  return end - start;
}

function scaled({ start, end }: Range, factor: number): Range {
  return { start: start * factor, end: end * factor };
}

/** A cache line; what kernels want is less. */
const ALIGNMENT = 64;

/** Bytes, or an address, rounded up to where something may begin. */
export function aligned(bytes: number): number {
  return Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;
}
