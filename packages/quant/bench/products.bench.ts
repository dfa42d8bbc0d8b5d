// How fast both ways of adding products are, one core, in turn within one process: what else the machine does meets both alike. Prints
// for each type that has both, with 1 and with 32 vectors, nanoseconds per 32 products (the least of all runs) and how many times as
// fast pairs are: by the least times, and as the median of the runs.
//
//   node --conditions=@ll/source bench/products.bench.ts [tiers] [types] [rounds]        for example: relaxed,wide q4_0,q8_0 200

import { cpus } from "node:os";
import {
  bindKernels,
  type KernelProducts,
  type KernelTier,
  loadKernels,
  type MatrixKernels,
  rowBytes,
} from "../src/index.ts";
import { PAIR_TYPES } from "../src/kernels/wasm-layouts.ts";
import { fillRows } from "./fill-rows.ts";

const ROW_VALUES = 2048;
const ROWS = 64;
const MIB = 2 ** 20;
const AT = { rows: 1 * MIB, vectors: 3 * MIB, activations: 4 * MIB, out: 6 * MIB, weights: 7 * MIB };
const WAYS: readonly KernelProducts[] = ["chain", "pairs"];

const [tiers = "relaxed,wide", types = [...PAIR_TYPES].join(), rounds = "200"] = process.argv.slice(2);
const nRounds = Number(rounds);

console.log(
  `${cpus()[0]?.model.trim()}, Node ${process.versions.node}, ${ROW_VALUES} values per row, ${nRounds} rounds`,
);
for (const tier of tiers.split(",") as ("relaxed" | "wide")[]) {
  console.log(`${tier}: ${(await loadKernels(tier)).products} were faster at start`);
  for (const type of types.split(",")) {
    const results: string[] = [];
    for (const nVectors of [1, 32]) results.push(await compare(tier, type, nVectors));
    console.log(`${tier.padEnd(8)}${type.padEnd(7)} ${results.join("   ")}`);
  }
}

async function compare(tier: KernelTier & ("relaxed" | "wide"), type: string, nVectors: number): Promise<string> {
  const runs: (() => number)[] = [];
  for (const products of WAYS) {
    const memory = new WebAssembly.Memory({ initial: 16 * 16 });
    const kernels = bindKernels(await loadKernels(`${tier}-${products}`), memory);
    const matrix = kernels.matrix(type);
    fillRows(new Uint8Array(memory.buffer, AT.rows, ROWS * rowBytes(type, ROW_VALUES)), type);
    matrix.repack(AT.rows, AT.weights, ROWS, ROW_VALUES);
    const vectors = new Float32Array(memory.buffer, AT.vectors, nVectors * ROW_VALUES); // (nVectors, ROW_VALUES)
    for (let i = 0; i < vectors.length; i++) vectors[i] = Math.sin(i * i);
    matrix.packActivations(AT.vectors, AT.activations, nVectors, ROW_VALUES);
    runs.push(() => nsPer32(matrix, nVectors));
  }
  for (let i = 0; i < 20; i++) for (const run of runs) run();
  const rounds = Array.from({ length: nRounds }, () => runs.map((run) => run())) as [chain: number, pairs: number][];
  const chain = Math.min(...rounds.map(([ns]) => ns));
  const pairs = Math.min(...rounds.map(([, ns]) => ns));
  const ratios = rounds.map(([chainNs, pairsNs]) => chainNs / pairsNs).sort((a, b) => a - b);
  const median = ratios[Math.floor(ratios.length / 2)] as number;
  const ns = `${chain.toFixed(3)} → ${pairs.toFixed(3)} ns`;
  return `${String(nVectors).padStart(2)} vectors: ${ns}, ${(chain / pairs).toFixed(2)}× (median ${median.toFixed(2)}×)`;
}

function nsPer32(matrix: MatrixKernels, nVectors: number): number {
  const repeats = 32 / nVectors;
  const start = performance.now();
  for (let i = 0; i < repeats; i++) {
    matrix.multiply(AT.weights, AT.activations, AT.out, 0, ROWS, ROW_VALUES, nVectors, ROWS);
  }
  return ((performance.now() - start) * 1e6) / (ROWS * ROW_VALUES);
}
