// Causal self-attention (Vaswani et al., arXiv:1706.03762) over the cache.

import type { AttendOp, AttendOptions } from "@ll/architectures";
import { lanes } from "../arithmetic/lanes.ts";
import { isOfBuild803 } from "../kv-type.ts";
import type { KvCache } from "../scalar/kv-cache.ts";
import { type OpKind, type PlacedValue, rowOf, type ScalarRun } from "./op.ts";

export const attend: OpKind<AttendOp> = {
  async scalar({ q, k, v, out, cache: layer, headDim, headsPerKvHead, scale, window, softCap, sinks }, run) {
    const { pace } = run;
    const nHeads = q.width / headDim;
    const shape = {
      headDim,
      headsPerKvHead,
      scale,
      window,
      softCap,
      sinks: sinks === undefined ? undefined : run.numbers(sinks),
    };
    const [queries, attended] = [run.rows(q), run.rows(out)];
    for (const { first, n, position, cache, mixUpQueries } of run.parts) {
      if (k !== undefined && v !== undefined) {
        const [keys, values] = [run.rows(k), run.rows(v)];
        for (let i = 0; i < n; i++) {
          cache.store(layer, position + i, rowOf(keys, first + i, k.width), rowOf(values, first + i, v.width));
        }
      }
      // each position looks at itself and those before it
      for (let i = 0; i < n; i++) {
        const at = mixUpQueries ? { first: first * nHeads + i, step: n } : { first: (first + i) * nHeads, step: 1 };
        const result = rowOf(attended, first + i, out.width);
        attendTo(result, { queries, ...at }, cache, layer, position + i, shape, run);
        if (pace.spend(2 * Math.min(window ?? Infinity, position + i + 1) * q.width)) await pace.turn();
      }
    }
  },
  bind({ q, k, v, out, cache: layer, scale, window, softCap, sinks }, { value, weight }) {
    const [queries, attended] = [value(q), value(out)];
    const kept = k === undefined || v === undefined ? undefined : { keys: value(k), values: value(v) };
    if (queries.width === 0) return [];
    const scores = { scale, window, softCap, sinks: sinks && weight(sinks).address };
    return [
      function* ({ parts }, caches) {
        for (const [part, { first, n, position }] of parts.entries()) {
          const cache = caches[part]!;
          const at = ({ address, width }: PlacedValue): number => address + 4 * first * width;
          if (part > 0) yield "piece";
          if (kept !== undefined) cache.store(layer, position, at(kept.keys), at(kept.values), n);
          yield* cache.attend(layer, position, n, at(queries), at(attended), scores);
        }
      },
    ];
  },
};

/** Where the query vectors of one position lie: head h has the `first + h · step`-th vector of `queries`. */
interface QueryRows {
  readonly queries: Float32Array; // (vectors, headDim), rotated
  readonly first: number;
  readonly step: number;
}

/** What heads have in common. */
interface HeadShape extends AttendOptions {
  readonly headDim: number;
  readonly headsPerKvHead: number;
  /** On products of queries and keys. */
  readonly scale: number;
  readonly sinks?: Float32Array | undefined; // (nHeads)
}

/**
 * out = for each query head, the values of the positions up to `position`, weighted by softmax(query · key · scale).
 * Query heads that share a key and value head are neighbours (grouped-query attention, arXiv:2305.13245).
 */
export function attendTo(
  out: Float32Array, // (nHeads, headDim)
  rows: QueryRows,
  cache: KvCache,
  layer: number,
  position: number,
  { headDim, headsPerKvHead, window = position + 1, sinks, ...scores }: HeadShape,
  { arithmetic }: Pick<ScalarRun, "arithmetic">,
): void {
  const seen = { ...scores, first: Math.max(0, position + 1 - window), end: position + 1 };
  const { attend } = isOfBuild803(cache.kvType) ? arithmetic : lanes;
  for (let head = 0; head < out.length / headDim; head++) {
    const query = rowOf(rows.queries, rows.first + head * rows.step, headDim); // (headDim)
    const cached = cache.head(layer, Math.floor(head / headsPerKvHead));
    attend(rowOf(out, head, headDim), query, cached, { ...seen, sink: sinks?.[head] });
  }
}
