// Which way of adding products is the faster one on this processor. No runtime tells what instructions there are.

import { type KernelProducts, LOWEST_POINTER } from "./kernels.ts";
import { now, webAssembly } from "./web-assembly.ts";

/** Sums of one run: some 5 to 15 microseconds. */
const N_SUMS = 2000;

/** Pairs of runs. */
const N_ROUNDS = 11;

/** How much of the chain's time pairs may take to be used instead. */
const MOST_OF_CHAIN = 0.95;

/** Milliseconds of a run of the inner loop, of asm/products.ts, in one way or the other. */
export function productTimer(module: object): (products: KernelProducts) => number {
  const api = webAssembly()!;
  const { exports } = new api.Instance(module, { env: { memory: new api.Memory({ initial: 1 }) } });
  exports["initialize"]!(LOWEST_POINTER, 0);
  return (products) => {
    const start = now();
    exports["add_products"]!(products === "pairs" ? 1 : 0, N_SUMS);
    return now() - start;
  };
}

/**
 * Times both ways one after the other, so that whatever else the machine does meets both; most rounds decide. Where they are as fast as
 * each other, or the clock is too coarse to tell, it is the chain.
 */
export function fasterProducts(msOf: (products: KernelProducts) => number): KernelProducts {
  let nFaster = 0;
  for (let round = 0; round < N_ROUNDS; round++) if (MOST_OF_CHAIN * msOf("chain") > msOf("pairs")) nFaster++;
  return nFaster > N_ROUNDS / 2 ? "pairs" : "chain";
}
