// Who packs a model: this thread or workers, and with which kernels.

import type { AbortSignal } from "@ll/bytes";
import { type SpawnWorker, type URL, workerSpawner } from "@ll/bytes/workers";
import { blockInfo, type KernelTier, loadGgufPackers, loadKernels, packsAlike } from "@ll/quant";
import type { TensorStep } from "../events.ts";
import { product } from "../shapes.ts";
import { workerScriptUrl } from "../worker-script.ts";
import type { Packer } from "./packer.ts";
import { createCopier } from "./packer.ts";
import { createWorkbench } from "./workbench.ts";
import { createWorkerPacker } from "./worker-packer.ts";

/** Pieces at a time in one thread: one is read, one packed, one written. */
const SLOTS = 3;

/** What is packed for ggml files takes nothing that the highest tier has. */
const PACKING_TIER: KernelTier = "relaxed";

/** Least milliseconds of packing for a GGUF file that are worth making code of the highest tier: a few for each type. */
const WIDE_MS = 100;

/** Nanoseconds that a thread takes per value: Q4_0 0.4, Q8_0 0.6, and counting; Q2_K 2.6, Q6_K 3.3. */
const PACKING_NS = 0.7;
const K_PACKING_NS = 3;

/** As for GGUF files, with the highest tier and without: MXFP4 1, Q6_K 6 and 9, Q4_K 10 and 17, IQ4_XS 19, and twice as much with importance. */
const GGUF_PACKING_NS = 15;

/**
 * Least milliseconds of packing for each worker; it takes about as long until they begin. Whole runs of ll-quantize took the same
 * with one thread and with two workers for 88 million values to q4_0 (0.29 s) and for 20 million to q4_K (0.22 s).
 */
const WORKER_MS = 30;

/**
 * Rounding and widening are over before a worker would have the values: a model of 2.2 GB from f16 to f32 took 2.6 s with one
 * thread and 3.1 s with two workers.
 */
const CAST_TYPES: ReadonlySet<string> = new Set(["f16", "f32"]);

/** One thread reads for all, and eight pack about as fast as it reads. Each takes 25 MiB. */
const MAX_WORKERS = 8;

export interface PackerOptions {
  readonly threads?: number | undefined;
  readonly maxTier?: KernelTier | undefined;
  readonly workerUrl?: string | URL | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Whether types are packed as for GGUF files. */
  readonly isGguf?: boolean | undefined;
}

/** What tests put in place of what is normally used. */
export interface PackerSeams {
  readonly spawn?: SpawnWorker;
  readonly workerMs?: number;
}

type Step = Pick<TensorStep, "shape" | "fromType" | "toType" | "isCopied">;

/** @throws RangeError for a number of threads that is none, or an unknown tier; WorkerError if a worker cannot be started */
export async function choosePacker(
  steps: readonly Step[],
  { threads = 1, maxTier, workerUrl, signal, isGguf = false }: PackerOptions,
  seams: PackerSeams,
): Promise<Packer> {
  if (!Number.isSafeInteger(threads) || threads < 1) {
    throw new RangeError(`"threads" expected an integer >= 1, got ${String(threads)}`);
  }
  const work = steps.reduce((sum, step) => sum + packingMs(step, isGguf), 0);
  if (work === 0) return createCopier();
  // code for fewer types is there sooner: packers take 50 ms less, kernels 90
  const types = new Set(steps.filter(({ isCopied }) => !isCopied).map(({ toType }) => toType));
  const kernelTypes = ["f32", ...types].filter((type) => blockInfo(type).isWeightType);
  const kernelTier = maxTier === undefined || maxTier === "wide" ? PACKING_TIER : maxTier;
  const kernels = loadKernels(kernelTier, "build803", kernelTypes);
  const packerTier = maxTier ?? (work < WIDE_MS ? "simd" : "wide");
  const packers = loadGgufPackers(packerTier, isGguf ? types : []);
  // a few rows that fit no block become f16 in files of other types
  const cast = steps.filter((step) => !step.isCopied && CAST_TYPES.has(step.toType));
  const castMs = cast.reduce((sum, step) => sum + packingMs(step, isGguf), 0);
  const workers =
    castMs > work / 2 ? 1 : Math.min(threads, MAX_WORKERS, Math.floor(work / (seams.workerMs ?? WORKER_MS)));
  if (workers < 2) return createWorkbench(...(await Promise.all([kernels, packers])), SLOTS);
  const url = workerScriptUrl(workerUrl);
  const { spawn = workerSpawner(url) } = seams;
  return createWorkerPacker(workers, kernels, packers, { spawn, url, signal });
}

/** How long one thread takes to pack a tensor, about, in milliseconds. */
function packingMs({ shape, fromType, toType, isCopied }: Step, isGguf: boolean): number {
  if (isCopied) return 0;
  const isAlike = !isGguf || packsAlike(toType, fromType);
  return (product(shape) * (isAlike ? (toType.endsWith("_K") ? K_PACKING_NS : PACKING_NS) : GGUF_PACKING_NS)) / 1e6;
}
