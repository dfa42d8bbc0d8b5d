// Records the operations of a forward pass. It checks widths while it records, and has the shards meet where an operation needs
// all columns of a value that is cut.

import type {
  Activation,
  Axis,
  Graph,
  KvCacheShape,
  Op,
  Product,
  RopePairing,
  RopeSettings,
  StateShape,
  Value,
  Weight,
} from "./graph.ts";
import type {
  AttendSpec,
  DeltaNetSpec,
  FactorsSpec,
  Layer,
  LogitsSpec,
  ProductSpec,
  RouteSpec,
  TensorForm,
  TensorLookup,
} from "./graph-specs.ts";

type RowsOfToken = Pick<Value, "rows" | "perToken">;

/** Rows of a matrix are kept in groups of eight. */
const ROW_GROUP = 8;

export class GraphBuilder {
  readonly #lookup: TensorLookup;
  readonly #ops: Op[] = [];
  readonly #axes: Axis[] = [];
  readonly #values: Value[] = [];
  readonly #weights = new Map<string, Weight>();
  readonly #caches: KvCacheShape[] = [];
  readonly #states: StateShape[] = [];
  readonly #angles = new Map<string, Value>();
  /** Takes turns: what passes through one area may still be read while the next thing is written to the other. */
  #slot: 0 | 1 = 1;

  constructor(lookup: TensorLookup) {
    this.#lookup = lookup;
  }

  /** What was recorded so far. */
  get graph(): Graph {
    return {
      ops: this.#ops,
      axes: this.#axes,
      values: this.#values,
      weights: [...this.#weights.values()],
      caches: this.#caches,
      states: this.#states,
    };
  }

  has(role: string): boolean {
    return this.#lookup.has(role);
  }

  /** `n` units of which every shard owns a range; the same axis for the same arguments. */
  axis(name: string, n: number, grain = 1): Axis {
    const known = this.#axes.find((axis) => axis.name === name && axis.n === n && axis.grain === grain);
    if (known !== undefined) return known;
    const axis = { id: this.#axes.length, name, n, grain };
    this.#axes.push(axis);
    return axis;
  }

  /** An axis of single rows. */
  rows(name: string, n: number): Axis {
    return this.axis(name, n, ROW_GROUP);
  }

  /** One after the other: a file may lie about their number, which shows at the first tensor that is not there. */
  *layers(n: number): Generator<Layer> {
    for (let index = 0; index < n; index++) yield Object.assign((name: string) => `blk.${index}.${name}`, { index });
  }

  /** (n, width): the tokens' rows of a matrix. */
  embed(name: string, nVocab: number, width: number): Value {
    const tokens = this.axis("tokens", nVocab);
    const weight = this.#weight(`${name}.weight`, "rows", [nVocab, width], tokens);
    const out = this.#value(name, width);
    return this.#record({ kind: "embed", reads: [], writes: [out], weight, out, slot: this.#nextSlot() }, out);
  }

  /** (n, nRot): the angles of the tokens' positions, recorded once for the same settings. */
  angles(rope: RopeSettings, { name, long }: FactorsSpec = {}): Value {
    const key = JSON.stringify([rope, name, long]);
    let out = this.#angles.get(key);
    if (out === undefined) {
      const numbers = (of: string): Weight => this.#weight(`${of}.weight`, "numbers", [rope.nRot / 2]);
      const factors = name === undefined ? undefined : numbers(name);
      const longFactors = long === undefined ? undefined : { weight: numbers(long.name), above: long.above };
      out = this.#value("angles", rope.nRot);
      this.#angles.set(key, out);
      this.#record({ kind: "angles", reads: [], writes: [out], rope, factors, longFactors, out }, out);
    }
    return out;
  }

  /**
   * (n, width of x): rows divided by their root mean square, times a weight.
   * @param name of its tensor, without `.weight`, or all of it if it ends in `.scale`
   */
  norm(x: Value, name: string, eps: number): Value {
    const out = this.#value(name, x.width, undefined, x);
    return this.#norm(this.whole(x), name, x.width, eps, out);
  }

  /** The same for each head of `x`, in place; all heads share the weight, or there is none. */
  headNorm(x: Value, name: string | undefined, headDim: number, eps: number): Value {
    this.#assertDivides(headDim, x, name ?? "norm");
    return this.#norm(x, name, headDim, eps, x);
  }

  /** (n, rows of each matrix): products of `x` with matrices, times `NAME.scale`, one number, where the file has it. */
  project<const Specs extends readonly ProductSpec[]>(
    x: Value,
    ...specs: Specs
  ): { readonly [Index in keyof Specs]: Value } {
    const whole = this.whole(x);
    const products = specs.map((spec) => this.#product(x, spec, x));
    const outs = products.map(({ out }) => out);
    this.#ops.push({ kind: "project", reads: [whole], writes: outs, x: whole, products });
    return outs as { [Index in keyof Specs]: Value };
  }

  /**
   * (n, 2 · nUsed): which experts each token goes to, and with what weights. `experts` and `mix` take it. An expert that is always there but
   * weighed by the sigmoid of one logit is a choice of one among one.
   * @param x (n, experts), the router's logits
   */
  route(x: Value, { bias, ...routing }: RouteSpec): Value {
    if (!(Number.isInteger(routing.nUsed) && routing.nUsed >= 1 && routing.nUsed <= x.width)) {
      throw new RangeError(`cannot choose ${routing.nUsed} of ${x.width} experts`);
    }
    const whole = this.whole(x);
    const numbers = bias === undefined ? undefined : this.#weight(`${bias}.bias`, "numbers", [x.width]);
    const out = this.#value("route", 2 * routing.nUsed, undefined, x);
    return this.#record(
      { kind: "route", reads: [whole], writes: [out], x: whole, bias: numbers, out, ...routing },
      out,
    );
  }

  /**
   * (n · nUsed, rows of each matrix): products with the matrices of a token's experts, a row for each. Tensors have a dimension more,
   * `NAME.scale` and `NAME.bias` too.
   * @param x (n, width), which all experts of the token get, or (n · nUsed, width), each its own
   */
  experts<const Specs extends readonly ProductSpec[]>(
    x: Value,
    route: Value,
    nExperts: number,
    ...specs: Specs
  ): { readonly [Index in keyof Specs]: Value } {
    const perToken = route.width / 2;
    if (x.rows !== route.rows || (x.perToken !== 1 && x.perToken !== perToken)) {
      throw new RangeError(`${x.name}: ${x.perToken} rows for ${perToken} experts`);
    }
    const whole = this.whole(x);
    const products = specs.map((spec) => this.#product(x, spec, { rows: x.rows, perToken }, nExperts));
    const outs = products.map(({ out }) => out);
    this.#ops.push({ kind: "experts", reads: [whole, route], writes: outs, x: whole, route, products });
    return outs as { [Index in keyof Specs]: Value };
  }

  /** (n, width of x): the rows of a token's experts, each times its weight, added up. */
  mix(x: Value, route: Value): Value {
    if (x.rows !== route.rows || x.perToken !== route.width / 2) {
      throw new RangeError(`${x.name}: ${x.perToken} rows for ${route.width / 2} experts`);
    }
    const out = this.#value(x.name, x.width, x.axis, route);
    return this.#record({ kind: "mix", reads: [x, route], writes: [out], x, route, out }, out);
  }

  /** Rotates the heads of `x`, in place. */
  rope(x: Value, angles: Value, headDim: number, pairing: RopePairing): Value {
    this.#assertDivides(headDim, x, "rope");
    if (angles.width > headDim) throw new RangeError(`cannot rotate ${angles.width} channels of ${headDim}`);
    return this.#record({ kind: "rope", reads: [x, angles], writes: [x], x, angles, headDim, pairing }, x);
  }

  /** (n, width of q): attention over this and earlier positions, whose keys and values are kept. */
  attend({ q, k, v, cache = this.#caches.length, headDim, sinks: sinksName, ...scores }: AttendSpec): Value {
    const { axis } = q;
    if (axis === undefined || (k ?? q).axis !== axis || (v ?? q).axis !== axis) {
      throw new RangeError("queries, keys and values must be cut along one axis");
    }
    const width = axis.n * headDim; // of keys, and of values
    if ((k?.width ?? width) !== width || v?.width !== k?.width || q.width % width !== 0) {
      throw new RangeError(`no heads of ${headDim}: widths ${q.width}, ${k?.width}, ${v?.width}`);
    }
    const shape = { axis, headDim, headsPerKvHead: q.width / width };
    if (k !== undefined) this.#caches.push(shape);
    const kept = this.#caches[cache];
    if (kept?.axis !== axis || kept.headDim !== headDim || kept.headsPerKvHead !== shape.headsPerKvHead) {
      throw new RangeError(`no keys and values of heads of ${headDim} in cache ${cache}`);
    }
    const { window = 1, softCap = 1 } = scores;
    if (!(window >= 1 && Number.isInteger(window) && softCap > 0)) {
      throw new RangeError(`no attention with a window of ${window} and a cap of ${softCap}`);
    }
    const sinks =
      sinksName === undefined ? undefined : this.#weight(`${sinksName}.weight`, "numbers", [q.width / headDim], axis);
    const out = this.#value("attended", q.width, axis);
    const op = {
      kind: "attend",
      reads: [q, ...(k === undefined ? [] : [k]), ...(v === undefined ? [] : [v])],
      writes: [out],
      q,
      k,
      v,
      out,
      cache,
      headDim,
      headsPerKvHead: shape.headsPerKvHead,
      sinks,
      ...scores,
    } as const;
    return this.#record(op, out);
  }

  /**
   * (n, width of x): each channel convolved with its `nTaps` numbers, over this and earlier tokens; `rows` says which of the rows of the
   * tensor those of x's channels are.
   */
  convolve(
    x: Value,
    name: string,
    nTaps: number,
    options: { silu?: boolean; rows?: ProductSpec["fused"] } = {},
  ): Value {
    const { silu = false, rows } = options;
    const weight = this.#weight(`${name}.weight`, "numbers", [x.width, nTaps], x.axis, { fused: rows });
    const state = this.#state(x, nTaps - 1);
    const out = this.#value(name, x.width, x.axis);
    return this.#record({ kind: "convolve", reads: [x], writes: [out], x, weight, silu, out, state }, out);
  }

  /** Heads of length 1, in place. */
  l2Norm(x: Value, headDim: number, eps: number): Value {
    this.#assertDivides(headDim, x, "l2Norm");
    return this.#record({ kind: "l2Norm", reads: [x], writes: [x], x, headDim, eps }, x);
  }

  /** (n, width of v): what a gated delta net answers to queries, after it has learnt each token's key and value. */
  deltaNet({ q, k, v, alpha, beta, headDim, timeStep, rate, rows }: DeltaNetSpec): Value {
    const { axis, width } = q;
    if (axis === undefined || [k, v].some((x) => x.axis !== axis || x.width !== width) || width !== axis.n * headDim) {
      throw new RangeError(`no delta net with heads of ${headDim}: widths ${width}, ${k.width}, ${v.width}`);
    }
    if ([alpha, beta].some((x) => x.axis !== axis || x.width !== axis.n)) {
      throw new RangeError(`no delta net of ${axis.n} heads with ${alpha.width} and ${beta.width} gates`);
    }
    const numbers = (role: string): Weight => this.#weight(role, "numbers", [axis.n], axis, { fused: rows });
    const weights = { timeStep: numbers(timeStep), rate: numbers(rate) };
    const state = this.#state(v, headDim);
    const out = this.#value(v.name, width, axis);
    const reads = [q, k, v, alpha, beta];
    const writes = [out, alpha, beta];
    return this.#record(
      { kind: "deltaNet", reads, writes, q, k, v, alpha, beta, ...weights, headDim, out, state },
      out,
    );
  }

  /** activation(gate) · up, in place of `gate`. */
  gate(activation: Activation, gate: Value, up: Value): Value {
    this.#assertAlike(gate, up);
    return this.#record({ kind: "gate", reads: [gate, up], writes: [gate], activation, gate, up }, gate);
  }

  /** x · by, in place. @param by a number, or the name of a tensor of one number, without `.weight` */
  scale(x: Value, by: number | string): Value {
    const factor = typeof by === "number" ? by : this.#weight(`${by}.weight`, "numbers", [1]);
    return this.#record({ kind: "scale", reads: [x], writes: [x], x, by: factor }, x);
  }

  /** into + from, in place of `into`. */
  add(into: Value, from: Value): Value {
    const other = into.axis === undefined ? this.whole(from) : from;
    this.#assertAlike(into, other);
    return this.#record({ kind: "add", reads: [into, other], writes: [into], into, from: other }, into);
  }

  /** (n, pieces of each group of columns): the `size` columns of each `group` from `first` on. */
  slice(x: Value, group: number, first: number, size: number): Value {
    this.#assertDivides(group, x, "slice");
    if (!(first >= 0 && size > 0 && first + size <= group)) {
      throw new RangeError(`${x.name}: no columns ${first} to ${first + size} in groups of ${group}`);
    }
    const out = this.#value(x.name, (x.width / group) * size, x.axis, x);
    return this.#record({ kind: "slice", reads: [x], writes: [out], x, group, first, size, out }, out);
  }

  /** All columns of `x` in every shard. */
  whole(x: Value): Value {
    if (x.axis === undefined) return x;
    return this.sideBySide(x);
  }

  /** All columns of values that are cut, those of one behind those of the other, in every shard. */
  sideBySide(...xs: readonly [Value, ...Value[]]): Value {
    const [{ name, rows, perToken }] = xs;
    if (xs.some((x) => x.axis === undefined || x.rows !== rows || x.perToken !== perToken)) {
      throw new RangeError(`${name}: only cut values with as many rows can stand side by side`);
    }
    const width = xs.reduce((sum, x) => sum + x.width, 0);
    const out = this.#value(name, width, undefined, { rows, perToken });
    return this.#record({ kind: "gather", reads: xs, writes: [out], xs, out, slot: this.#nextSlot() }, out);
  }

  /** `x` cut along an axis: every shard has its own columns. */
  cut(x: Value, axis: Axis): Value {
    if (x.axis !== undefined) throw new RangeError(`${x.name} is cut already`);
    const out = this.#value(x.name, x.width, axis, x);
    return this.#record({ kind: "cut", reads: [x], writes: [out], x, out }, out);
  }

  /** The rows whose logits are wanted; nothing behind this happens for the others. */
  select(x: Value): Value {
    const out = this.#value(x.name, x.width, x.axis, { rows: "wanted", perToken: x.perToken });
    return this.#record({ kind: "select", reads: [x], writes: [out], x, out }, out);
  }

  /** The end: logits of the vocabulary. @param x of selected rows */
  logits(x: Value, name: string, nVocab: number, { bias, ...options }: LogitsSpec = {}): void {
    const rows = this.rows("vocabulary", nVocab);
    const weight = this.#weight(`${name}.weight`, "matrix", [nVocab, x.width], rows);
    const scale = this.#optionalScale(name);
    const isBiased = bias === "optional" && this.has(`${name}.bias`);
    const numbers = isBiased ? this.#weight(`${name}.bias`, "numbers", [nVocab], rows) : undefined;
    const whole = this.whole(x);
    this.#ops.push({ kind: "logits", reads: [whole], writes: [], x: whole, weight, scale, bias: numbers, ...options });
  }

  /** The index of a new state: `nRows` numbers for each column of `x`. */
  #state({ name, width, axis, rows, perToken }: Value, nRows: number): number {
    if (axis === undefined || rows !== "all" || perToken !== 1)
      throw new RangeError(`${name}: state belongs to a value of all tokens that is cut`);
    return this.#states.push({ axis, unitLength: (nRows * width) / axis.n }) - 1;
  }

  #norm(x: Value, name: string | undefined, group: number, eps: number, out: Value): Value {
    const role = name === undefined || name.endsWith(".scale") ? name : `${name}.weight`;
    const weight = role === undefined ? undefined : this.#weight(role, "numbers", [group]);
    return this.#record({ kind: "norm", reads: [x], writes: [out], x, weight, group, eps, out }, out);
  }

  #product(
    x: Value,
    { name, rows, axis, bias, fused, isVector, isUnscaled = false }: ProductSpec,
    like: RowsOfToken,
    nExperts?: number,
  ): Product {
    const isBiased = bias === "required" || (bias === "optional" && this.has(`${name}.bias`));
    return {
      weight: this.#weight(`${name}.weight`, "matrix", [rows, x.width], axis, { fused, nExperts, isVector }),
      scale: isUnscaled ? undefined : this.#optionalScale(name, nExperts),
      bias: isBiased ? this.#weight(`${name}.bias`, "numbers", [rows], axis, { fused, nExperts }) : undefined,
      out: this.#value(name, rows, axis, like),
    };
  }

  #optionalScale(name: string, n = 1): Weight | undefined {
    return this.has(`${name}.scale`) ? this.#weight(`${name}.scale`, "numbers", [n]) : undefined;
  }

  #record(op: Op, out: Value): Value {
    this.#ops.push(op);
    return out;
  }

  #value(name: string, width: number, axis?: Axis, like?: RowsOfToken): Value {
    if (axis !== undefined && width % axis.n !== 0) {
      throw new RangeError(`${name}: ${width} columns cannot be cut in ${axis.n} ${axis.name}`);
    }
    const { rows, perToken } = like ?? { rows: "all", perToken: 1 };
    const value = { id: this.#values.length, name, width, axis, rows, perToken };
    this.#values.push(value);
    return value;
  }

  /** The same weight for the same use of a tensor. */
  #weight(
    role: string,
    form: Weight["form"],
    shape: readonly number[],
    axis?: Axis,
    { fused, nExperts, isVector = false }: TensorForm = {},
  ): Weight {
    const { first: firstRow = 0, of: nRows = shape[0] as number } = fused ?? {};
    const key = `${role} ${form} ${firstRow}`;
    const known = this.#weights.get(key);
    if (known !== undefined) return known;
    const experts = nExperts === undefined ? [] : [nExperts];
    const tensorShape = isVector ? shape.slice(1) : [...experts, nRows, ...shape.slice(1)];
    const weight = { id: this.#weights.size, role, form, shape, tensorShape, firstRow, nExperts, axis };
    this.#lookup.onWeight?.(weight);
    this.#weights.set(key, weight);
    return weight;
  }

  #nextSlot(): 0 | 1 {
    this.#slot = this.#slot === 0 ? 1 : 0;
    return this.#slot;
  }

  #assertDivides(headDim: number, x: Value, what: string): void {
    const unit = x.axis === undefined ? x.width : x.width / x.axis.n;
    if (unit % headDim !== 0) throw new RangeError(`${what}: ${unit} columns are no heads of ${headDim}`);
  }

  #assertAlike(a: Value, b: Value): void {
    if (a.width !== b.width || a.axis !== b.axis || a.rows !== b.rows || a.perToken !== b.perToken) {
      throw new RangeError(`${a.name} and ${b.name} differ: ${a.width} and ${b.width} columns`);
    }
  }
}
