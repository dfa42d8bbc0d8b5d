// Products of tokens with the matrices of their experts, and the sums of what these give.

import type { ExpertsOp, MixOp } from "@ll/architectures";
import { nRowsOf, type OpKind, rowOf, type ScratchSizes } from "./op.ts";
import { multiplied, Products, packedBytes } from "./products.ts";

export const experts: OpKind<ExpertsOp> = {
  async scalar({ x, route, products }, run) {
    const nUsed = route.width / 2;
    const chosen = run.rows(route); // (n, 2 · nUsed)
    for (let row = 0; row < nUsed * run.nRows(route); row++) {
      const token = Math.floor(row / nUsed);
      const expert = chosen[token * route.width + (row % nUsed)]!;
      const input = rowOf(run.rows(x), x.perToken === 1 ? token : row, x.width);
      for (const product of products) {
        await multiplied(rowOf(run.rows(product.out), row, product.out.width), product, input, 1, run, expert);
      }
    }
  },
  matrixInput: (op) => ({ x: op.x, weights: weightsOf(op), route: op.route }),
  scratchBytes(op, sizes) {
    return scratchOf(op, sizes).bytes + packedBytes(weightsOf(op), sizes);
  },
  bind(op, shard) {
    const { memory, scratch, value } = shard;
    const { x, route } = op;
    const products = op.products.filter(({ out }) => value(out).width > 0);
    if (products.length === 0) return [];
    const nUsed = route.width / 2;
    const [input, choice] = [value(x).address, value(route).address];
    const { results, bytes } = scratchOf(op, shard);
    const step = new Products(shard, scratch + bytes, products);
    const outs = products.map(({ out }) => value(out));
    return [
      function* (slice) {
        const rows = rowsByExpert(memory.floats(choice, nRowsOf(route, slice) * route.width), nUsed);
        let packed: number | undefined; // address of the one row that is packed now
        for (const [expert, group] of rows) {
          if (packed !== undefined) yield "piece";
          // the rows of an expert's tokens side by side, so that its weights are read once for all of them
          const n = group.length;
          const inputs = group.map((row) => input + 4 * x.width * (x.perToken === 1 ? Math.floor(row / nUsed) : row));
          if (n > 1) for (const [i, from] of inputs.entries()) memory.copy(scratch + 4 * i * x.width, from, x.width);
          const from = n > 1 ? scratch : inputs[0]!;
          if (n > 1 || packed !== from) step.pack(from, n);
          packed = from;
          for (const [j, { address, width }] of outs.entries()) {
            const placeOf = (row: number): number => address + 4 * row * width;
            const out = n > 1 ? scratch + results : placeOf(group[0]!);
            yield* step.multiply(j, out, n, expert);
            if (n > 1) for (const [i, row] of group.entries()) memory.copy(placeOf(row), out + 4 * i * width, width);
          }
        }
      },
    ];
  },
};

function weightsOf({ products }: ExpertsOp) {
  return products.map(({ weight }) => weight);
}

/** Rows of the tokens of one expert, which may be all, then what one of its matrices gives for them. */
function scratchOf({ x, products }: ExpertsOp, { sliceTokens }: Pick<ScratchSizes, "sliceTokens">) {
  const results = 4 * sliceTokens * x.width;
  return { results, bytes: results + 4 * sliceTokens * Math.max(...products.map(({ out }) => out.width)) };
}

/** Rows, counted over all tokens, by the number of their expert. */
function rowsByExpert(
  choice: Float32Array, // (n, 2 · nUsed)
  nUsed: number,
): Map<number, number[]> {
  const groups = new Map<number, number[]>();
  for (let row = 0; row < choice.length / 2; row++) {
    const expert = choice[Math.floor(row / nUsed) * 2 * nUsed + (row % nUsed)]!;
    const group = groups.get(expert);
    if (group === undefined) groups.set(expert, [row]);
    else group.push(row);
  }
  return groups;
}

export const mix: OpKind<MixOp> = {
  scalar({ x, route, out }, run) {
    const nUsed = route.width / 2;
    for (let i = 0; i < run.nRows(out); i++) {
      const weights = rowOf(run.rows(route), i, route.width).subarray(nUsed);
      mixRows(rowOf(run.rows(out), i, out.width), rowOf(run.rows(x), i, nUsed * x.width), weights);
    }
  },
  bind({ x, route, out }, { llama, value }) {
    const nUsed = route.width / 2;
    const [rows, weights, { address, width }] = [value(x).address, value(route).address + 4 * nUsed, value(out)];
    if (width === 0) return [];
    return [(slice) => llama.mix(address, rows, weights, nRowsOf(out, slice), nUsed, width, route.width)];
  },
};

/** out = Σ weight · row, in the order of the rows; the first product is not added to anything. */
export function mixRows(
  out: Float32Array, // (width)
  rows: Float32Array, // (nUsed, width)
  weights: Float32Array, // (nUsed)
): void {
  for (let c = 0; c < out.length; c++) {
    let sum = Math.fround(weights[0]! * rows[c]!);
    for (let t = 1; t < weights.length; t++) {
      sum = Math.fround(sum + Math.fround(weights[t]! * rows[t * out.length + c]!));
    }
    out[c] = sum;
  }
}
