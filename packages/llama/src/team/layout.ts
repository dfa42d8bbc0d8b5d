// Where everything lies in the memory of one shard: working memory, then the weights in the order in which an evaluation
// reads them. Caches come behind, when contexts are created.

import type { Graph, Op, Value, Weight } from "@ll/architectures";
import { lastUses } from "@ll/architectures";
import { GROUP_ROWS, rowBytes } from "@ll/quant";
import type { KvTypes } from "../kv-type.ts";
import { opKind } from "../ops/index.ts";
import type { PlacedValue, PlacedWeight, ScratchSizes } from "../ops/op.ts";
import { expertRows, type FoundTensors } from "../weights.ts";
import { aligned, ownPart, type ShardShare, sizeOf } from "./ranges.ts";

/** Sizes that depend on the kernels. */
export interface KernelSizes extends Pick<ScratchSizes, "weightBytes" | "activationBytes"> {
  /** Constants and working memory of the matrix kernels. */
  readonly scratchBytes: number;
  /** Constants and tables of the other kernels. */
  readonly llamaScratchBytes: number;
  /** Bytes of a context; in f16 unless said otherwise. */
  cacheBytes(graph: Graph, share: ShardShare, contextTokens: number, sliceTokens: number, kvType?: KvTypes): number;
}

export interface Span {
  readonly address: number;
  readonly bytes: number;
}

export interface ShardLayout {
  /** For the matrix kernels themselves. */
  readonly kernelScratch: number;
  /** For the other kernels themselves. */
  readonly llamaScratch: number;
  /** Where rows from a file come while weights are loaded; working memory overlaps it. */
  readonly staging: Span;
  /** By the value's number. */
  readonly values: readonly PlacedValue[];
  /** Working memory of each operation for itself. */
  readonly scratch: readonly Span[]; // (operations)
  /** By the weight's number. */
  readonly weights: readonly PlacedWeight[];
  /** Numbers of the weights in the order of the source, so that shards which load at the same time read the same parts of it. */
  readonly loadOrder: readonly number[];
  /** Bytes of everything but caches. */
  readonly bytes: number;
}

/** Nothing lies below: kernels fold small offsets into addresses. */
const FIRST_ADDRESS = 1024;

/** Most bytes read from a file at a time: enough for a disk, few enough to be still in the cache when they are repacked. */
const STAGING_BYTES = 1024 * 1024;

export function layoutOf(
  graph: Graph,
  tensors: FoundTensors["tensors"],
  sizes: KernelSizes,
  share: ShardShare,
  sliceTokens: number,
): ShardLayout {
  const typeOf = ({ role }: Weight): string => tensors.get(role)!.tensor.type;
  const kernelScratch = FIRST_ADDRESS;
  const llamaScratch = aligned(kernelScratch + sizes.scratchBytes);
  const workStart = aligned(llamaScratch + sizes.llamaScratchBytes);
  const { activationBytes, weightBytes } = sizes;
  const isRepacked = (weight: Weight): boolean => matrixOf(graph, weight) !== undefined;
  const work = placeWork(
    graph.ops,
    share,
    { sliceTokens, typeOf, isRepacked, activationBytes, weightBytes },
    workStart,
  );
  const staging = { address: workStart, bytes: stagingBytes(graph.weights, typeOf) };

  let end = Math.max(work.end, staging.address + staging.bytes);
  const weights: PlacedWeight[] = [];
  const loaded = graph.weights.filter((weight) => !isRepacked(weight));
  for (const weight of loaded) {
    const { id, role, form, shape, axis, firstRow, nExperts = 1 } = weight;
    const { name } = tensors.get(role)!;
    const type = typeOf(weight);
    const rows = ownPart(shape[0]!, axis, share);
    const columns = shape[1] ?? 1;
    const nRows = sizeOf(rows);
    const bytes = form === "matrix" ? weightBytes(type, nRows, columns) : nRows * rowBytes(type, columns);
    const address = aligned(end);
    const expertBytes = aligned(bytes);
    end = address + (nExperts - 1) * expertBytes + bytes;
    const experts = { nExperts, expertBytes, expertRows: expertRows(weight) };
    weights[id] = { name, type, form, rows, tensorRow: firstRow + rows.start, columns, address, bytes, ...experts };
  }
  for (const weight of graph.weights) weights[weight.id] ??= weights[matrixOf(graph, weight)!.id]!;
  const place = new Map([...tensors.keys()].map((role, i) => [role, i]));
  const loadOrder = loaded
    .sort((a, b) => place.get(a.role)! - place.get(b.role)! || a.firstRow - b.firstRow)
    .map(({ id }) => id);
  return { kernelScratch, llamaScratch, staging, ...work, weights, loadOrder, bytes: end };
}

/** The matrix whose rows these are, which are looked up: an embedding that is the output matrix, too, is in memory once. */
export function matrixOf({ weights }: Graph, { form, role }: Weight): Weight | undefined {
  return form === "rows" ? weights.find((other) => other.role === role && other.form === "matrix") : undefined;
}

/** Values and working memory of operations, each where nothing else lies that is needed at the same time. */
function placeWork(
  ops: readonly Op[],
  share: ShardShare,
  sizes: ScratchSizes,
  start: number,
): { readonly values: PlacedValue[]; readonly scratch: Span[]; readonly end: number } {
  const last = lastUses(ops);
  let placed: { readonly span: Span; readonly last: number }[] = []; // what is needed now, by address
  let end = start;
  const place = (bytes: number, lastOp: number): Span => {
    let address = start;
    let i = 0;
    for (; i < placed.length && placed[i]!.span.address - address < bytes; i++) {
      const { span } = placed[i]!;
      address = aligned(span.address + span.bytes);
    }
    const span = { address, bytes };
    placed.splice(i, 0, { span, last: lastOp });
    end = Math.max(end, address + bytes);
    return span;
  };

  const values: PlacedValue[] = [];
  const scratch: Span[] = [];
  for (const [i, op] of ops.entries()) {
    placed = placed.filter((one) => one.last >= i);
    for (const value of op.writes) values[value.id] ??= placeValue(value);
    scratch.push(place(opKind(op).scratchBytes?.(op, sizes) ?? 0, i));
  }
  return { values, scratch, end };

  function placeValue(value: Value): PlacedValue {
    const columns = ownPart(value.width, value.axis, share);
    const width = sizeOf(columns);
    const { address } = place(4 * sizes.sliceTokens * value.perToken * width, last.get(value)!);
    return { address, columns, width };
  }
}

/** Enough for a group of rows of any matrix: whole groups are repacked at a time. */
function stagingBytes(weights: readonly Weight[], typeOf: (weight: Weight) => string): number {
  let groupBytes = 0;
  let mostBytes = 0;
  for (const weight of weights) {
    if (weight.form === "numbers") continue;
    const [rows, columns] = weight.shape as readonly [number, number];
    const bytes = rowBytes(typeOf(weight), columns);
    groupBytes = Math.max(groupBytes, GROUP_ROWS * bytes);
    mostBytes = Math.max(mostBytes, rows * bytes);
  }
  return Math.max(groupBytes, Math.min(STAGING_BYTES, mostBytes));
}
