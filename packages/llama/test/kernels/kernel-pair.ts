// The kernels and their twin, each on a memory of its own, fed with the same bytes.

import { fc } from "@fast-check/vitest";
import type { AttendOptions } from "@ll/architectures";
import { type ArithmeticName, assertMemorySpan, KERNEL_TIERS, type KernelTier, LOWEST_POINTER } from "@ll/quant";
import { ARITHMETICS } from "../../src/arithmetic/index.ts";
import {
  type AttentionKernels,
  type AttentionShape,
  type LlamaKernels,
  llamaScratchBytes,
  type ScoreRule,
} from "../../src/kernels/kernels.ts";
import { loadLlamaKernels } from "../../src/kernels/load-kernels.ts";
import { bindLlamaKernels } from "../../src/kernels/wasm-kernels.ts";
import { twinKernels } from "./twin.ts";

/** The tiers for which the kernels are compiled differently. "wide" is there on x64 only. */
export const TIERS: readonly KernelTier[] = KERNEL_TIERS.filter(
  (tier) => tier === "simd" || (tier === "wide" && process.arch === "x64"),
);

/** The same in both arithmetics. */
export const TIERS_AND_ARITHMETICS: readonly (readonly [KernelTier, ArithmeticName])[] = TIERS.flatMap((tier) =>
  (["build803", "lanes"] as const).map((arithmetic) => [tier, arithmetic] as const),
);

/** On products of queries and keys. */
export const SCALE = 0.125;

const PAGES = 96;
/** First byte that tests may use. */
const FIRST = 64 * Math.ceil((LOWEST_POINTER + llamaScratchBytes("build803")) / 64);

/** Hands out addresses, multiples of 64. */
export function placer(): (bytes: number) => number {
  let end = FIRST;
  return (bytes) => {
    const address = 64 * Math.ceil(end / 64);
    end = address + bytes;
    return address;
  };
}

/** [kernels, twin] */
export async function kernelPair(
  tier: KernelTier,
  arithmetic: ArithmeticName = "build803",
): Promise<readonly [LlamaKernels, LlamaKernels]> {
  const module = await loadLlamaKernels(tier, arithmetic);
  if (module === undefined) throw new Error(`no kernels of tier ${tier}`);
  const [memory, twinMemory] = [new WebAssembly.Memory({ initial: PAGES }), new WebAssembly.Memory({ initial: PAGES })];
  const kernels = bindLlamaKernels(module, arithmetic, memory, LOWEST_POINTER);
  return [kernels, twinKernels(twinMemory, ARITHMETICS[arithmetic])];
}

export function floatsAt({ memory }: LlamaKernels, pointer: number, n: number): Float32Array {
  return new Float32Array(memory.buffer, pointer, n);
}

export function halvesAt({ memory }: LlamaKernels, pointer: number, n: number): Uint16Array {
  return new Uint16Array(memory.buffer, pointer, n);
}

export function bytesAt({ memory }: LlamaKernels, pointer: number, n: number): Uint8Array {
  return new Uint8Array(memory.buffer, pointer, n);
}

/** Bit patterns of `values`, the same one for every NaN: the sign of zero counts, which NaN it is does not. */
export function bitsOf(values: Float32Array): Uint32Array {
  return new Uint32Array(values.map((x) => (Number.isNaN(x) ? Number.NaN : x)).buffer);
}

/** How numbers are spread: around 1, over all magnitudes that binary16 holds, or mostly zeros and subnormal binary16. */
export type Spread = "even" | "wide" | "tiny";
export const spreads: fc.Arbitrary<Spread> = fc.constantFrom("even", "even", "wide", "tiny");

/** `n` finite numbers from a seed. */
export function numbers(seed: number, n: number, spread: Spread = "even"): Float32Array {
  let state = seed >>> 0;
  const next = (): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  return Float32Array.from({ length: n }, () => {
    const x = 4 * next() - 2;
    if (spread === "even") return x;
    if (spread === "wide") return x * 2 ** Math.floor(next() * 40 - 28);
    return next() < 0.5 ? 0 * x : x * 2 ** Math.floor(next() * 12 - 26);
  });
}

/** A KV head with everything around it, at the same distances in both memories. */
export interface HeadCase {
  readonly attention: AttentionKernels;
  readonly head: number;
  readonly work: number;
  readonly q: number; // (n, headsPerKvHead, headDim)
  readonly out: number; // (n, headsPerKvHead, headDim)
  readonly sinks: number; // (headsPerKvHead)
}

/** Places an empty head and stores `keys` and `values`, (tokens, headDim) each, in pieces of `pieceTokens`. */
export function placeHead(
  kernels: LlamaKernels,
  shape: AttentionShape,
  keys: Float32Array,
  values: Float32Array,
  n: number,
  pieceTokens: number = keys.length,
): HeadCase {
  const attention = kernels.attention(shape);
  const { headDim, headsPerKvHead } = shape;
  const place = placer();
  const head = place(attention.headBytes);
  const work = place(attention.workBytes(n));
  const rowBytes = 4 * headDim * headsPerKvHead;
  const q = place(n * rowBytes);
  const out = place(n * rowBytes);
  const sinks = place(4 * headsPerKvHead);
  const rows = place(2 * keys.byteLength);
  assertMemorySpan(kernels.memory, "head", head, rows + 2 * keys.byteLength - head);
  floatsAt(kernels, rows, keys.length).set(keys);
  floatsAt(kernels, rows + keys.byteLength, values.length).set(values);
  attention.clear(head);
  const nTokens = keys.length / headDim;
  for (let first = 0; first < nTokens; first += pieceTokens) {
    const from = rows + 4 * first * headDim;
    const here = Math.min(pieceTokens, nTokens - first);
    attention.store(head, from, from + keys.byteLength, first, here, headDim);
  }
  return { attention, head, work, q, out, sinks };
}

/** What there may be besides a factor on scores. */
export interface Options extends AttendOptions {
  readonly sinks?: readonly number[] | undefined; // (headsPerKvHead)
}

/** Attention of `queries` (n, headsPerKvHead, headDim) from position `nPast`; a copy. */
export function attended(
  kernels: LlamaKernels,
  placed: HeadCase,
  queries: Float32Array,
  nPast: number,
  { sinks, ...options }: Options = {},
): Float32Array {
  const { headDim, headsPerKvHead } = placed.attention.shape;
  const rowValues = headDim * headsPerKvHead;
  floatsAt(kernels, placed.q, queries.length).set(queries);
  const n = queries.length / rowValues;
  if (sinks !== undefined) floatsAt(kernels, placed.sinks, headsPerKvHead).set(sinks);
  const rule: ScoreRule = { scale: SCALE, ...options, sinks: sinks && placed.sinks };
  placed.attention.attend(placed.head, placed.q, placed.out, placed.work, nPast, n, rowValues, rowValues, rule);
  return floatsAt(kernels, placed.out, queries.length).slice();
}
