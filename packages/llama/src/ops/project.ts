// Products of one input with several matrices.

import type { ProjectOp } from "@ll/architectures";
import { matmul } from "../scalar/matmul.ts";
import { multiply, Products, packedBytes } from "../team/matrix-products.ts";
import { addInto } from "./add.ts";
import { nRowsOf, type OpKind, rowOf } from "./op.ts";

export const project: OpKind<ProjectOp> = {
  async scalar({ x, products }, run) {
    const n = run.nRows(x);
    for (const { weight, bias, out } of products) {
      const rows = run.rows(out);
      await matmul(rows, run.tensor(weight), weight.firstRow, out.width, run.rows(x), n, run);
      if (bias === undefined) continue;
      for (let i = 0; i < n; i++) addInto(rowOf(rows, i, out.width), run.numbers(bias), out.width);
    }
  },
  scratchBytes: ({ products }, sizes) =>
    packedBytes(
      products.map(({ weight }) => weight),
      sizes,
    ),
  bind({ x, products }, { kernels, llama, sliceTokens, scratch, value, weight }) {
    const own = products.filter(({ out }) => value(out).width > 0);
    if (own.length === 0) return [];
    const input = value(x).address;
    const step = new Products(
      kernels,
      scratch,
      sliceTokens,
      own.map((product) => weight(product.weight)),
    );
    const outs = own.map(({ out }) => value(out));
    const biases = own.map(({ bias }) => (bias === undefined ? undefined : weight(bias).address));
    return [
      function* (slice) {
        const n = nRowsOf(x, slice);
        step.pack(input, n);
        for (const [j, product] of step.products.entries()) {
          const { address, width } = outs[j]!;
          yield* multiply(product, address, n);
          const bias = biases[j];
          if (bias === undefined) continue;
          for (let i = 0; i < n; i++) llama.addInto(address + 4 * i * width, bias, width);
        }
      },
    ];
  },
};
