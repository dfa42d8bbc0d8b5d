// Products of one input with several matrices.

import type { ProjectOp } from "@ll/architectures";
import { nRowsOf, type OpKind } from "./op.ts";
import { multiplied, Products, packedBytes } from "./products.ts";

export const project: OpKind<ProjectOp> = {
  async scalar({ x, products }, run) {
    for (const product of products) await multiplied(run.rows(product.out), product, run.rows(x), run.nRows(x), run);
  },
  matrixInput: ({ x, products }) => ({ x, weights: weightsOf(products) }),
  scratchBytes: ({ products }, sizes) => packedBytes(weightsOf(products), sizes),
  bind({ x, products }, shard) {
    const { scratch, value } = shard;
    const own = products.filter(({ out }) => value(out).width > 0);
    if (own.length === 0) return [];
    const input = value(x).address;
    const outs = own.map(({ out }) => value(out).address);
    const step = new Products(shard, scratch, own);
    return [
      function* (slice) {
        const n = nRowsOf(x, slice);
        step.pack(input, n);
        for (const [j, out] of outs.entries()) yield* step.multiply(j, out, n);
      },
    ];
  },
};

function weightsOf(products: ProjectOp["products"]) {
  return products.map(({ weight }) => weight);
}
