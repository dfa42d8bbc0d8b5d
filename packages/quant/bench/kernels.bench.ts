// How fast the kernels are, one core. Prints nanoseconds per 32 products, the best of many short runs, for
//   decode    one vector, rows in the cache        stream   one vector, rows read from memory
//   prompt    32 vectors, rows in the cache        and, per type, what repacking and quantising take.
//
//   node --conditions=@ll/source bench/kernels.bench.ts [types] [tiers]        for example: q4_0,q6_K relaxed,wide

import { cpus } from "node:os";
import {
  BLOCK_TYPES,
  bindKernels,
  blockInfo,
  KERNEL_TIERS,
  type Kernels,
  type KernelTier,
  loadKernels,
  rowBytes,
} from "../src/index.ts";
import { fillRows } from "./fill-rows.ts";

const ROW_VALUES = 4096;
const CACHED_ROWS = 64;
const SCALAR_ROWS = 8; // short runs, which other programs interrupt less often
const STREAM_BYTES = 192 * 2 ** 20; // more than a last-level cache holds
const PROMPT_VECTORS = 32;
const RUN_MS = 300;
const MIB = 2 ** 20;
const AT = { rows: 1 * MIB, vectors: 9 * MIB, activations: 17 * MIB, out: 33 * MIB, weights: 64 * MIB };

const WEIGHT_TYPES = BLOCK_TYPES.filter((type) => blockInfo(type).isWeightType);
const [types = WEIGHT_TYPES.join(), tiers = KERNEL_TIERS.join()] = process.argv.slice(2);

console.log(`${cpus()[0]?.model.trim()}, Node ${process.versions.node}, ${ROW_VALUES} values per row, one core`);
console.log("ns per 32 products (GMAC/s; ratio to scalar)");
const scalarNs = new Map<string, number>(); // type → ns of the scalar kernels, which take one vector after the other
// slowest first: "wide" changes how V8 compiles whatever is compiled after it
for (const tier of KERNEL_TIERS.filter((name) => tiers.split(",").includes(name))) {
  const set = await loadKernels(tier);
  if (set.tier !== tier) console.log(`${tier}: does not run here`);
  else for (const type of types.split(",")) report(tier, type, bindKernels(set, newMemory()));
}

function newMemory(): WebAssembly.Memory {
  return new WebAssembly.Memory({ initial: (AT.weights + STREAM_BYTES + 16 * MIB) / 65536 });
}

function report(tier: KernelTier, type: string, kernels: Kernels): void {
  const matrix = kernels.matrix(type);
  const { buffer } = kernels.memory;
  const groupBytes = matrix.weightBytes(8, ROW_VALUES);
  const streamRows = tier === "scalar" ? CACHED_ROWS : 8 * Math.floor(STREAM_BYTES / groupBytes);
  fillRows(new Uint8Array(buffer, AT.rows, CACHED_ROWS * rowBytes(type, ROW_VALUES)), type);
  const repackMs = bestOf(() => matrix.repack(AT.rows, AT.weights, CACHED_ROWS, ROW_VALUES));
  const cached = new Uint8Array(buffer, AT.weights, (CACHED_ROWS / 8) * groupBytes);
  for (let row = CACHED_ROWS; row + CACHED_ROWS <= streamRows; row += CACHED_ROWS) {
    new Uint8Array(buffer, AT.weights + (row / 8) * groupBytes, cached.length).set(cached);
  }
  const vectors = new Float32Array(buffer, AT.vectors, PROMPT_VECTORS * ROW_VALUES); // (PROMPT_VECTORS, ROW_VALUES)
  for (let i = 0; i < vectors.length; i++) vectors[i] = Math.sin(i * i);

  const times =
    tier === "scalar"
      ? [measure(tier, type, "decode", kernels, SCALAR_ROWS, 1)]
      : [
          measure(tier, type, "decode", kernels, CACHED_ROWS, 1),
          measure(tier, type, "prompt", kernels, CACHED_ROWS, PROMPT_VECTORS),
          measure(tier, type, "stream", kernels, streamRows - (streamRows % CACHED_ROWS), 1),
        ];
  const repackRate = (CACHED_ROWS * rowBytes(type, ROW_VALUES)) / repackMs / 1e6;
  const packed = packRate(kernels, type);
  console.log(
    `${tier.padEnd(8)}${type.padEnd(7)} ${times.join("   ")}   repack ${repackRate.toFixed(1)} GB/s${packed}`,
  );
}

function measure(
  tier: KernelTier,
  type: string,
  what: string,
  kernels: Kernels,
  nRows: number,
  nVectors: number,
): string {
  const matrix = kernels.matrix(type);
  matrix.packActivations(AT.vectors, AT.activations, nVectors, ROW_VALUES);
  const ms = bestOf(() => matrix.multiply(AT.weights, AT.activations, AT.out, 0, nRows, ROW_VALUES, nVectors, nRows));
  const products = nRows * ROW_VALUES * nVectors;
  const ns = (ms * 1e6 * 32) / products;
  if (tier === "scalar") scalarNs.set(type, ns);
  const scalar = scalarNs.get(type);
  const ratio = scalar === undefined ? "" : `; ${(scalar / ns).toFixed(0)}×`;
  const rate = what === "stream" ? `${((nRows * rowBytes(type, ROW_VALUES)) / ms / 1e6).toFixed(1)} GB/s` : "";
  return `${what} ${ns.toFixed(3)} (${(32 / ns).toPrecision(3)}${ratio})${rate === "" ? "" : ` ${rate}`}`;
}

/** GB of binary16 values quantised per second; nothing where the tier has no quantiser. */
function packRate(kernels: Kernels, type: string): string {
  const pack = kernels.packer(type);
  if (pack === undefined) return "";
  const nValues = 2 ** 16;
  const ms = bestOf(() => pack("f16", AT.vectors, AT.out, nValues));
  return `   quantise ${((2 * nValues) / ms / 1e6).toFixed(1)} GB/s`;
}

/** Shortest run in milliseconds, of as many as fit into RUN_MS and at least three. */
function bestOf(run: () => unknown): number {
  let best = Number.POSITIVE_INFINITY;
  const start = performance.now();
  for (let n = 0; n < 3 || performance.now() - start < RUN_MS; n++) {
    const begin = performance.now();
    run();
    best = Math.min(best, performance.now() - begin);
  }
  return best;
}
