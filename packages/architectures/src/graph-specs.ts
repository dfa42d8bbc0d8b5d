// What a family says of an operation that it has recorded: the arguments of `GraphBuilder`.

import type { AttendOptions, Axis, LogitOptions, Routing, Value, Weight } from "./graph.ts";

/** What is known of a model's tensors while its operations are recorded. */
export interface TensorLookup {
  /** Whether there is a tensor of this role, such as `blk.3.attn_q.bias`: families ask for those that not every model has. */
  has(role: string): boolean;
  /** Hears of every weight that will be needed; whoever checks tensors throws here. */
  onWeight?(weight: Weight): void;
}

/** Makes the name of a layer's tensor: `layer("attn_q")` is `blk.3.attn_q`, and `layer.index` 3. */
export interface Layer {
  (name: string): string;
  readonly index: number;
}

/** Tensors whose numbers divide angles. */
export interface FactorsSpec {
  /** Without `.weight`. */
  readonly name?: string | undefined;
  /** The one in its place in contexts with room for more than `above` positions. */
  readonly long?: { readonly name: string; readonly above: number } | undefined;
}

/** A matrix that meets an input. */
export interface ProductSpec {
  /** Name of its tensor, without `.weight`. */
  readonly name: string;
  readonly rows: number;
  /** Every shard computes its own of the rows. */
  readonly axis: Axis;
  /** Whether `NAME.bias` is added: never by default. */
  readonly bias?: "required" | "optional";
  /** The tensor has more rows: these `rows` of its `of`, from `first` on. */
  readonly fused?: { readonly first: number; readonly of: number };
  /** The tensor has one dimension: it is the only row. */
  readonly isVector?: boolean;
  /** `NAME.scale` is something else. */
  readonly isUnscaled?: boolean;
}

export interface AttendSpec extends AttendOptions {
  readonly q: Value;
  /** Without keys and values: those that `cache` says are looked at. */
  readonly k?: Value;
  readonly v?: Value;
  /** Of the attention before that keeps them, counted from 0. */
  readonly cache?: number;
  readonly headDim: number;
  /** On the product of query and key. */
  readonly scale: number;
  /** Name of the tensor of sinks, without `.weight`. */
  readonly sinks?: string | undefined;
}

export interface RouteSpec extends Routing {
  /** Name of the tensor that is added to the scores for the choice, without `.bias`. */
  readonly bias?: string | undefined;
}

export interface LogitsSpec extends LogitOptions {
  /** Whether `NAME.bias` is added: never by default. */
  readonly bias?: "optional" | undefined;
}

/** What a tensor is, beside the shape of a weight. */
export interface TensorForm {
  readonly fused?: ProductSpec["fused"] | undefined;
  readonly nExperts?: number | undefined;
  readonly isVector?: boolean | undefined;
}

export interface DeltaNetSpec {
  readonly q: Value;
  readonly k: Value;
  readonly v: Value;
  readonly alpha: Value;
  readonly beta: Value;
  readonly headDim: number;
  /** Whole names of tensors with a number for each head. */
  readonly timeStep: string;
  readonly rate: string;
  /** Which numbers of these tensors are those of the heads. */
  readonly rows?: ProductSpec["fused"];
}
