// Nanoseconds per element of the kernels between the matrix products, and how many times as long their twins in TypeScript
// take. Run from the package folder after `kernels` was run:
//   node --conditions=@ll/source bench/kernels.ts [simd|wide [build803|lanes]]

import { type ArithmeticName, assertMemorySpan, KERNEL_TIERS, type KernelTier, loadKernels } from "@ll/quant";
import { ARITHMETICS } from "../src/arithmetic/index.ts";
import { type AttentionShape, type LlamaKernels, llamaScratchBytes } from "../src/kernels/kernels.ts";
import { loadLlamaKernels } from "../src/kernels/load-kernels.ts";
import { bindLlamaKernels } from "../src/kernels/wasm-kernels.ts";
import { twinKernels } from "../test/kernels/twin.ts";

type Memory = WebAssembly.Memory;

const MEMORY_PAGES = 2048;
const SCRATCH = 1024;
const DATA = 2 ** 20; // first byte behind the scratch space
const MIN_RUNS = 5;
const MIN_MS = 500;

/** Milliseconds of the fastest of many calls: the machine may be shared, and a short call slips in between the others. */
function fastestMs(work: () => void, minMs = MIN_MS): number {
  let bestMs = Number.POSITIVE_INFINITY;
  const start = performance.now();
  for (let run = 0; run < MIN_RUNS || performance.now() - start < minMs; run++) {
    const before = performance.now();
    work();
    bestMs = Math.min(bestMs, performance.now() - before);
  }
  return bestMs;
}

/** Numbers around zero of magnitudes as in a model, the same on every run. */
function fillWithNoise(values: Float32Array): void {
  let state = 1;
  for (let i = 0; i < values.length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    values[i] = (state / 2 ** 32 - 0.5) * 4;
  }
}

/** One line: a name, the time per element, the rate, and the twin's time over the kernel's. */
function report(name: string, nElements: number, work: (kernels: LlamaKernels) => () => void, hasTwin = true): void {
  const ms = fastestMs(work(kernels));
  const columns = [name.padEnd(40), ((ms * 1e6) / nElements).toFixed(3).padStart(9)];
  columns.push((nElements / ms / 1e6).toFixed(2).padStart(9));
  columns.push(hasTwin ? (fastestMs(work(twins)) / ms).toFixed(1).padStart(9) : "");
  console.log(columns.join(""));
}

function attention(nPast: number, n: number, shape: AttentionShape): void {
  const { kvType, headDim, headsPerKvHead } = shape;
  const rowValues = headsPerKvHead * headDim;
  const nSeen = n * nPast + (n * (n + 1)) / 2; // (query, position) pairs
  const name = `attention ${kvType} n=${n} past=${nPast} group=${headsPerKvHead} head=${headDim}`;
  report(name, 2 * nSeen * rowValues, (kernels) => {
    const head = kernels.attention(shape);
    const rows = DATA + head.headBytes; // more rows than one head needs: noise for keys, values and queries
    const work = rows + 4 * (nPast + n) * headDim;
    const q = work + head.workBytes(n);
    const out = q + 4 * n * rowValues;
    assertMemorySpan(kernels.memory, "all", DATA, out + 4 * n * rowValues - DATA);
    fillWithNoise(new Float32Array(kernels.memory.buffer, rows, (nPast + n) * headDim));
    fillWithNoise(new Float32Array(kernels.memory.buffer, q, n * rowValues));
    head.clear(DATA);
    head.store(DATA, rows, rows, 0, nPast + n, headDim);
    return () => head.attend(DATA, q, out, work, nPast, n, rowValues, rowValues, { scale: 0.125 });
  });
}

const [, , tier = "wide", arithmetic = "build803"] = process.argv as [string, string, KernelTier?, ArithmeticName?];
if (!KERNEL_TIERS.includes(tier)) throw new RangeError(`expected one of ${KERNEL_TIERS.join(" ")}, got ${tier}`);
const loaded = await loadKernels(tier, arithmetic); // which may be of a lower tier
const module = await loadLlamaKernels(loaded.tier, arithmetic);
if (module === undefined) throw new RangeError("no kernels run here");
const [memory, twinMemory] = [0, 1].map(() => new WebAssembly.Memory({ initial: MEMORY_PAGES })) as [Memory, Memory];
const kernels = bindLlamaKernels(module, arithmetic, memory, SCRATCH);
const twins = twinKernels(twinMemory, ARITHMETICS[arithmetic]);
for (const { memory } of [kernels, twins]) {
  fillWithNoise(new Float32Array(memory.buffer, SCRATCH + llamaScratchBytes(arithmetic)));
}

console.log(
  `Node ${process.versions.node}, tier ${loaded.tier}, ${arithmetic}; G/s: 10^9 elements (attention: products) per second`,
);
console.log(`${"kernel".padEnd(40)}  ns each      G/s  twin's x`);
for (const kvType of ["f16", "f32", "q8_0"] as const) {
  for (const [headsPerKvHead, headDim] of [
    [1, 128],
    [8, 128],
    [8, 64],
    [1, 100],
  ] as const) {
    const shape = { kvType, headDim, headsPerKvHead, contextTokens: 2048 };
    attention(2047, 1, shape);
    attention(127, 1, shape);
    attention(0, 128, shape);
    attention(1920, 128 / headsPerKvHead, shape);
  }
}
const n = 4096;
for (const nRows of [1, 128]) {
  const nAll = nRows * n;
  const x = DATA;
  const y = DATA + 4 * nAll;
  const z = y + 4 * nAll;
  report(`rmsNorm n=${nRows}`, nAll, (k) => () => k.rmsNorm(y, x, z, nRows, n, 1e-6));
  report(`rope n=${nRows} head=128`, nAll, (k) => () => k.rope("adjacent", x, y, nRows, 32, 128, 128, n));
  report(`swiglu n=${nRows}`, nAll, (k) => () => k.gate("silu", x, y, nAll));
  report(`addInto n=${nRows}`, nAll, (k) => () => k.addInto(y, x, nAll));
  for (const kvType of ["f16", "f32", "q8_0"] as const) {
    const shape = { kvType, headDim: 128, headsPerKvHead: 1, contextTokens: 2048 };
    report(`store ${kvType} n=${nRows}, keys and values`, 2 * nRows * 128, (k) => {
      const head = k.attention(shape);
      head.clear(DATA);
      const rows = DATA + head.headBytes;
      return () => head.store(DATA, rows, rows, 5, nRows, n);
    });
  }
}
