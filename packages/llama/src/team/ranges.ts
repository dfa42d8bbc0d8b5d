// Half-open ranges of rows or heads, and cutting a number of things into nearly equal ranges.

export interface Range {
  readonly start: number;
  /** One behind the last. */
  readonly end: number;
}

/** 0 … n in `nParts` consecutive ranges whose sizes differ by at most one unit; all bounds but n are multiples of `unit`. */
export function cutEvenly(n: number, nParts: number, unit: number): Range[] {
  const nUnits = Math.ceil(n / unit);
  const bound = (i: number): number => Math.min(n, Math.floor((i * nUnits) / nParts) * unit);
  return Array.from({ length: nParts }, (_, i) => ({ start: bound(i), end: bound(i + 1) }));
}

export function sizeOf({ start, end }: Range): number {
  return end - start;
}

export function scaled({ start, end }: Range, factor: number): Range {
  return { start: start * factor, end: end * factor };
}
