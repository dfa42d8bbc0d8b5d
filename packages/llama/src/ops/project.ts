// Products of one input with several matrices.

import type { ProjectOp } from "@ll/architectures";
import { matmul } from "../scalar/matmul.ts";
import { multiply, Products, packedBytes } from "../team/matrix-products.ts";
import { addInto } from "./add.ts";
import { nRowsOf, type OpKind, rowOf } from "./op.ts";
import { scaleBy } from "./scale.ts";

export const project: OpKind<ProjectOp> = {
  async scalar({ x, products }, run) {
    const n = run.nRows(x);
    for (const { weight, scale, bias, out } of products) {
      const rows = run.rows(out);
      await matmul(rows, run.tensor(weight), weight.firstRow, out.width, run.rows(x), n, run);
      if (scale !== undefined) scaleBy(rows, run.numbers(scale)[0]!);
      if (bias === undefined) continue;
      for (let i = 0; i < n; i++) addInto(rowOf(rows, i, out.width), run.numbers(bias), out.width);
    }
  },
  matrixInput: ({ x, products }) => ({ x, weights: products.map(({ weight }) => weight) }),
  scratchBytes: ({ products }, sizes) =>
    packedBytes(
      products.map(({ weight }) => weight),
      sizes,
    ),
  bind({ x, products }, { kernels, llama, memory, sliceTokens, scratch, value, weight }) {
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
    const scales = own.map(({ scale }) => (scale === undefined ? undefined : weight(scale).address));
    const biases = own.map(({ bias }) => (bias === undefined ? undefined : weight(bias).address));
    return [
      function* (slice) {
        const n = nRowsOf(x, slice);
        step.pack(input, n);
        for (const [j, product] of step.products.entries()) {
          const { address, width } = outs[j]!;
          yield* multiply(product, address, n);
          const scale = scales[j];
          if (scale !== undefined) llama.scale(address, n * width, memory.floats(scale, 1)[0]!);
          const bias = biases[j];
          if (bias === undefined) continue;
          for (let i = 0; i < n; i++) llama.addInto(address + 4 * i * width, bias, width);
        }
      },
    ];
  },
};
