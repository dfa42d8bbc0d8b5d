// What freshly compiled kernels must pass before anyone relies on them: small cases of each against the scalar engine. It guards
// against compilers, above all V8's experimental 256-bit code, not against mistakes in the sources: tests do that.

import type { AttendOptions, RopePairing } from "@ll/architectures";
import { LOWEST_POINTER } from "@ll/quant";
import type { Arithmetic } from "../arithmetic/arithmetic.ts";
import { capped } from "../arithmetic/lanes.ts";
import type { KvTypes } from "../kv-type.ts";
import { addInto } from "../ops/add.ts";
import { attendTo } from "../ops/attend.ts";
import { convolveRows } from "../ops/convolve.ts";
import { applyDeltaNet } from "../ops/delta-net.ts";
import { mixRows } from "../ops/experts.ts";
import { toUnit } from "../ops/l2-norm.ts";
import { rotate } from "../ops/rope.ts";
import { scaleBy } from "../ops/scale.ts";
import { createKvCache } from "../scalar/kv-cache.ts";
import { type LlamaKernels, llamaScratchBytes } from "./kernels.ts";

/** Pages (64 KiB) of the memory that the test works in. */
export const SELF_TEST_PAGES = 16;
/** Where the tested kernels have their scratch space. */
export const SELF_TEST_SCRATCH: number = LOWEST_POINTER;

const DATA = SELF_TEST_SCRATCH + llamaScratchBytes("build803");
const HEAD_DIM = 44; // a block of 32 channels and a padded one
const N_PAST = 30;
const N = 5; // crosses the border of a tile of 32 positions
const SCALE = 0.25; // on products of queries and keys
const SEED = 803;

/** Compares kernels on a memory of `SELF_TEST_PAGES` with their twins, one in each step. */
export function* checkKernels(
  kernels: LlamaKernels,
  arithmetic: Arithmetic,
): Generator<{ readonly name: string; readonly isRight: boolean }> {
  const checks: Record<string, () => boolean> = {
    attentionF16: () => attendsAlike(kernels, arithmetic, "f16"),
    attentionF32: () => attendsAlike(kernels, arithmetic, "f32"),
    rmsNorm: () => normalisesAlike(kernels, arithmetic),
    rope: () => rotatesAlike(kernels, "adjacent") && rotatesAlike(kernels, "halves"),
    convolve: () => convolvesAlike(kernels),
    deltaNet: () => learnsAlike(kernels),
    elementWise: () => mapsAlike(kernels, arithmetic),
    mix: () => mixesAlike(kernels),
  };
  for (const [name, isRight] of Object.entries(checks)) yield { name, isRight: isRight() };
}

/** `n` values at `pointer`; a view. */
function floatsAt({ memory }: LlamaKernels, pointer: number, n: number): Float32Array {
  return new Float32Array(memory.buffer, pointer, n);
}

/** Puts `n` numbers at `pointer` and returns a copy of them. */
function place(kernels: LlamaKernels, pointer: number, n: number, seed: number): Float32Array {
  const values = floatsAt(kernels, pointer, n); // (n)
  let state = seed;
  for (let i = 0; i < n; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0; // constants of Numerical Recipes
    values[i] = state / 2 ** 30 - 2;
  }
  return values.slice();
}

function isSame(a: Float32Array, b: Float32Array): boolean {
  return a.length === b.length && a.every((x, i) => Object.is(x, b[i]));
}

/** Compares attention over keys and values of these types with its twin. */
export function attendsAlike(kernels: LlamaKernels, arithmetic: Arithmetic, kvType: KvTypes): boolean {
  const options = { window: 20, softCap: 3, sinks: [1, -2, 0] };
  return attendsAs(kernels, arithmetic, kvType, 1, {}) && attendsAs(kernels, arithmetic, kvType, 3, options);
}

function attendsAs(
  kernels: LlamaKernels,
  arithmetic: Arithmetic,
  kvType: KvTypes,
  headsPerKvHead: number,
  { sinks, ...options }: AttendOptions & { readonly sinks?: readonly number[] }, // (headsPerKvHead)
): boolean {
  const contextTokens = N_PAST + N;
  const rowValues = headsPerKvHead * HEAD_DIM;
  const attention = kernels.attention({ kvType, headDim: HEAD_DIM, headsPerKvHead, contextTokens });
  const work = DATA + attention.headBytes;
  const keys = work + attention.workBytes(N);
  const values = keys + 4 * contextTokens * HEAD_DIM;
  const q = values + 4 * contextTokens * HEAD_DIM;
  const out = q + 4 * N * rowValues;
  const sinkScores = out + 4 * N * rowValues;
  const keyRows = place(kernels, keys, contextTokens * HEAD_DIM, SEED); // (contextTokens, HEAD_DIM)
  const valueRows = place(kernels, values, contextTokens * HEAD_DIM, SEED + 1); // (contextTokens, HEAD_DIM)
  const queries = place(kernels, q, N * rowValues, SEED + 2); // (N, headsPerKvHead, HEAD_DIM)
  if (sinks !== undefined) floatsAt(kernels, sinkScores, headsPerKvHead).set(sinks);
  const rule = { scale: SCALE, ...options, sinks: sinks && sinkScores };
  attention.clear(DATA);
  attention.store(DATA, keys, values, 0, contextTokens, HEAD_DIM);
  attention.attend(DATA, q, out, work, N_PAST, N - 1, rowValues, rowValues, rule);
  const last = 4 * (N - 1) * rowValues;
  attention.attend(DATA, q + last, out + last, work, contextTokens - 1, 1, rowValues, rowValues, rule);

  const cache = createKvCache([{ nHeads: 1, headDim: HEAD_DIM }], contextTokens, kvType);
  for (let t = 0; t < contextTokens; t++) {
    const row = [t * HEAD_DIM, (t + 1) * HEAD_DIM] as const;
    cache.store(0, t, keyRows.subarray(...row), valueRows.subarray(...row));
  }
  const expected = new Float32Array(N * rowValues); // (N, headsPerKvHead, HEAD_DIM)
  const shape = {
    headDim: HEAD_DIM,
    headsPerKvHead,
    scale: SCALE,
    ...options,
    sinks: sinks && Float32Array.from(sinks),
  };
  for (let i = 0; i < N; i++) {
    const row = expected.subarray(i * rowValues, (i + 1) * rowValues);
    attendTo(row, { queries, first: i * headsPerKvHead, step: 1 }, cache, 0, N_PAST + i, shape, { arithmetic });
  }
  return isSame(floatsAt(kernels, out, expected.length), expected);
}

function normalisesAlike(kernels: LlamaKernels, arithmetic: Arithmetic): boolean {
  const n = 10;
  const x = place(kernels, DATA, N * n, SEED); // (N, n)
  const weight = place(kernels, DATA + 4096, n, SEED + 1); // (n)
  kernels.rmsNorm(DATA, DATA, DATA + 4096, N, n, 1e-6);
  for (let i = 0; i < N; i++) {
    const row = x.subarray(i * n, (i + 1) * n);
    arithmetic.rmsNorm(row, row, weight, 1e-6);
  }
  return isSame(floatsAt(kernels, DATA, N * n), x);
}

function rotatesAlike(kernels: LlamaKernels, pairing: RopePairing): boolean {
  const headDim = 16;
  const nRot = 14; // a vector of pairs, and three
  const x = place(kernels, DATA, 2 * headDim, SEED); // (2 heads, headDim)
  const angles = place(kernels, DATA + 4096, nRot, SEED + 1); // (nRot)
  kernels.rope(pairing, DATA, DATA + 4096, 1, 2, headDim, nRot, x.length);
  rotate(x, angles, headDim, pairing);
  return isSame(floatsAt(kernels, DATA, x.length), x);
}

function convolvesAlike(kernels: LlamaKernels): boolean {
  const [width, nTaps] = [6, 3];
  const [out, weight, state] = [DATA + 4096, DATA + 8192, DATA + 12288];
  const x = place(kernels, DATA, N * width, SEED); // (N, width)
  const taps = place(kernels, weight, width * nTaps, SEED + 1); // (width, nTaps)
  const before = place(kernels, state, (nTaps - 1) * width, SEED + 2); // (nTaps - 1, width)
  kernels.convolve(out, DATA, weight, state, state, N, width, nTaps, true);
  const expected = new Float32Array(N * width); // (N, width)
  convolveRows(expected, x, taps, { before, after: before }, nTaps, true);
  return isSame(floatsAt(kernels, out, N * width), expected) && isSame(floatsAt(kernels, state, before.length), before);
}

function learnsAlike(kernels: LlamaKernels): boolean {
  const headDim = 18; // a block of 16 values, and two
  const [out, state] = [DATA + 4096, DATA + 8192];
  const [x, gates] = [DATA + 12288, DATA + 16384];
  const rows = place(kernels, x, N * headDim, SEED); // (N, headDim)
  const decays = place(kernels, gates, N, SEED + 1); // (N)
  const before = place(kernels, state, headDim * headDim, SEED + 2); // (headDim, headDim)
  kernels.l2Norm(x, N, headDim, 1e-6);
  kernels.deltaNet(out, x, x, x, gates, gates, state, state, N, 1, headDim, SCALE);
  for (let i = 0; i < N; i++) toUnit(rows.subarray(i * headDim, (i + 1) * headDim), 1e-6);
  const expected = new Float32Array(N * headDim); // (N, headDim)
  const inputs = { q: rows, k: rows, v: rows, decays, rates: decays };
  applyDeltaNet(expected, inputs, { before, after: before }, 1, headDim, SCALE);
  return (
    isSame(floatsAt(kernels, out, expected.length), expected) && isSame(floatsAt(kernels, state, before.length), before)
  );
}

function mapsAlike(kernels: LlamaKernels, arithmetic: Arithmetic): boolean {
  const n = 11;
  const x = place(kernels, DATA, n, SEED); // (n)
  const y = place(kernels, DATA + 4096, n, SEED + 1); // (n)
  for (const activation of ["silu", "gelu", "clamped swiglu", "sigmoid", "none"] as const) {
    kernels.gate(activation, DATA, DATA + 4096, n);
    kernels.addInto(DATA, DATA + 4096, n);
    arithmetic.gate(activation, x, y, n);
    addInto(x, y, n);
  }
  kernels.scale(DATA, n, SCALE);
  scaleBy(x, SCALE);
  kernels.cap(DATA, n, 2);
  for (let i = 0; i < n; i++) x[i] = capped(x[i]!, 2);
  return isSame(floatsAt(kernels, DATA, n), x);
}

function mixesAlike(kernels: LlamaKernels): boolean {
  const [width, nUsed] = [6, 3];
  const rows = place(kernels, DATA, nUsed * width, SEED); // (nUsed, width)
  const weights = place(kernels, DATA + 4096, nUsed, SEED + 1); // (nUsed)
  kernels.mix(DATA + 8192, DATA, DATA + 4096, 1, nUsed, width, nUsed);
  const expected = new Float32Array(width); // (width)
  mixRows(expected, rows, weights);
  return isSame(floatsAt(kernels, DATA + 8192, width), expected);
}
