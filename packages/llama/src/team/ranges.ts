// Half-open ranges of rows or heads, and cutting a number of things into nearly equal ranges.

export interface Range {
  readonly start: number;
  /** One behind the last. */
  readonly end: number;
}

/** What one shard owns. A range may be empty: a team may have more threads than the model has key heads. */
export interface ShardShare {
  /** Key and value heads, with their caches and their rows of wk and wv. */
  readonly kvHeads: Range;
  /** Query heads that share those, with their rows of wq. */
  readonly heads: Range;
  /** Channels of the residual stream: rows of wo and w2. */
  readonly channels: Range;
  /** Channels inside the feed-forward block: rows of w1 and w3. */
  readonly ffChannels: Range;
  /** Rows of the output matrix. */
  readonly vocabRows: Range;
  /** Rows of the embedding matrix, unpacked by whoever owns them when their token comes. */
  readonly embeddingRows: Range;
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
