// What freshly compiled kernels must pass before anyone relies on them: small cases of each against the scalar engine. It guards
// against compilers, above all V8's experimental 256-bit code, not against mistakes in the sources: tests do that.

import type { RopePairing } from "@ll/architectures";
import { LOWEST_POINTER } from "@ll/quant";
import type { Arithmetic } from "../arithmetic/arithmetic.ts";
import { capped } from "../arithmetic/lanes.ts";
import type { KvTypes } from "../kv-type.ts";
import { attendTo } from "../ops/attend.ts";
import { convolveRows } from "../ops/convolve.ts";
import { applyDeltaNet } from "../ops/delta-net.ts";
import { addInto, scaleBy } from "../ops/element-wise.ts";
import { mixRows } from "../ops/experts.ts";
import { toUnit } from "../ops/norm.ts";
import { rowOf } from "../ops/op.ts";
import { rotate } from "../ops/rope.ts";
import { createKvCache } from "../scalar/kv-cache.ts";
import { type LlamaKernels, llamaScratchBytes } from "./kernels.ts";

/** Pages (64 KiB) of the memory that the test works in. */
export const SELF_TEST_PAGES = 16;
/** Where the tested kernels have their scratch space. */
export const SELF_TEST_SCRATCH: number = LOWEST_POINTER;

const DATA = 64 * Math.ceil((SELF_TEST_SCRATCH + llamaScratchBytes("build803")) / 64);
const HEAD = DATA + 65536; // keys, values and working memory of attention
const HEAD_DIM = 44; // a block of 32 channels and a padded one
const N_PAST = 30;
const N = 5; // crosses the border of a tile of 32 positions
const SCALE = 0.25; // on products of queries and keys
const EPS = 1e-6;

type Kernel = (...pointers: number[]) => void;
type Twin = (...arrays: Float32Array[]) => void;

/** Compares kernels on a memory of `SELF_TEST_PAGES` with their twins, one in each step. */
export function* checkKernels(
  kernels: LlamaKernels,
  arithmetic: Arithmetic,
): Generator<{ readonly name: string; readonly isRight: boolean }> {
  const check = (lengths: number[], kernel: Kernel, twin: Twin) => () => isAlike(kernels, lengths, kernel, twin);
  const rotation = (pairing: RopePairing) =>
    check(
      [2 * 16, 14], // two heads; a vector of pairs, and three
      (x, angles) => kernels.rope(pairing, x, angles, 1, 2, 16, 14, 2 * 16),
      (x, angles) => rotate(x, angles, 16, pairing),
    );
  const dim = 18; // of a delta net: a block of 16 values, and two
  const activations = ["silu", "gelu", "clamped swiglu", "sigmoid", "none"] as const;
  const checks: Record<string, () => boolean> = {
    attentionF16: () => attendsAlike(kernels, arithmetic, "f16"),
    attentionF32: () => attendsAlike(kernels, arithmetic, "f32"),
    rmsNorm: check(
      [N * 10, 10],
      (x, weight) => kernels.rmsNorm(x, x, weight, N, 10, EPS),
      (x, weight) => {
        for (let i = 0; i < N; i++) arithmetic.rmsNorm(rowOf(x, i, 10), rowOf(x, i, 10), weight, EPS);
      },
    ),
    rope: () => rotation("adjacent")() && rotation("halves")(),
    convolve: check(
      [N * 6, N * 6, 6 * 3, 2 * 6], // three taps
      (out, x, weight, state) => kernels.convolve(out, x, weight, state, state, N, 6, 3, true),
      (out, x, weight, state) => convolveRows(out, x, weight, { before: state, after: state }, 3, true),
    ),
    deltaNet: check(
      [N * dim, N * dim, N, dim * dim],
      (out, x, gates, state) => {
        kernels.l2Norm(x, N, dim, EPS);
        kernels.deltaNet(out, x, x, x, gates, gates, state, state, N, 1, dim, SCALE);
      },
      (out, x, gates, state) => {
        for (let i = 0; i < N; i++) toUnit(rowOf(x, i, dim), EPS);
        const rows = { q: x, k: x, v: x, decays: gates, rates: gates };
        applyDeltaNet(out, rows, { before: state, after: state }, 1, dim, SCALE);
      },
    ),
    elementWise: check(
      [11, 11],
      (x, y) => {
        for (const activation of activations) {
          kernels.gate(activation, x, y, 11);
          kernels.addInto(x, y, 11);
        }
        kernels.scale(x, 11, SCALE);
        kernels.cap(x, 11, 2);
      },
      (x, y) => {
        for (const activation of activations) {
          arithmetic.gate(activation, x, y, 11);
          addInto(x, y, 11);
        }
        scaleBy(x, SCALE);
        for (const [i, value] of x.entries()) x[i] = capped(value, 2);
      },
    ),
    mix: check(
      [6, 3 * 6, 3],
      (out, rows, weights) => kernels.mix(out, rows, weights, 1, 3, 6, 3),
      (out, rows, weights) => mixRows(out, rows, weights),
    ),
  };
  for (const [name, isRight] of Object.entries(checks)) yield { name, isRight: isRight() };
}

/**
 * Whether both twins make the same of the same arrays of numbers.
 * @param kernel gets where they are @param twin gets copies of them
 */
function isAlike({ memory }: LlamaKernels, lengths: readonly number[], kernel: Kernel, twin: Twin): boolean {
  let end = DATA;
  let state = 803;
  const arrays = lengths.map((length) => {
    const array = new Float32Array(memory.buffer, end, length);
    end += 64 * Math.ceil(length / 16);
    for (let i = 0; i < length; i++) {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0; // constants of Numerical Recipes
      array[i] = state / 2 ** 30 - 2;
    }
    return array;
  });
  const copies = arrays.map((array) => array.slice());
  kernel(...arrays.map(({ byteOffset }) => byteOffset));
  twin(...copies);
  return arrays.every((array, i) => array.every((x, j) => Object.is(x, copies[i]![j])));
}

/** Compares attention over keys and values of these types with its twin. */
export function attendsAlike(kernels: LlamaKernels, arithmetic: Arithmetic, kvType: KvTypes): boolean {
  return [1, 3].every((headsPerKvHead) => {
    const options = headsPerKvHead === 1 ? {} : { window: 20, softCap: 3 };
    const contextTokens = N_PAST + N;
    const rowValues = headsPerKvHead * HEAD_DIM;
    const attention = kernels.attention({ kvType, headDim: HEAD_DIM, headsPerKvHead, contextTokens });
    const work = HEAD + attention.headBytes;
    return isAlike(
      kernels,
      [contextTokens * HEAD_DIM, contextTokens * HEAD_DIM, N * rowValues, N * rowValues, headsPerKvHead],
      (keys, values, q, out, sinks) => {
        const rule = { scale: SCALE, ...options, sinks: headsPerKvHead === 1 ? undefined : sinks };
        attention.clear(HEAD);
        attention.store(HEAD, keys, values, 0, contextTokens, HEAD_DIM);
        attention.attend(HEAD, q, out, work, N_PAST, N - 1, rowValues, rowValues, rule);
        const last = 4 * (N - 1) * rowValues;
        attention.attend(HEAD, q + last, out + last, work, contextTokens - 1, 1, rowValues, rowValues, rule);
      },
      (keys, values, queries, out, sinks) => {
        const cache = createKvCache([{ nHeads: 1, headDim: HEAD_DIM }], contextTokens, kvType);
        for (let t = 0; t < contextTokens; t++) cache.store(0, t, rowOf(keys, t, HEAD_DIM), rowOf(values, t, HEAD_DIM));
        const heads = { headDim: HEAD_DIM, headsPerKvHead, sinks: headsPerKvHead === 1 ? undefined : sinks };
        const shape = { ...heads, scale: SCALE, ...options };
        for (let i = 0; i < N; i++) {
          const rows = { queries, first: i * headsPerKvHead, step: 1 };
          attendTo(rowOf(out, i, rowValues), rows, cache, 0, N_PAST + i, shape, { arithmetic });
        }
      },
    );
  });
}
