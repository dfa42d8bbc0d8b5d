// Who packs a model: this thread or workers, and with which kernels.

import { type KernelTier, loadKernels } from "@ll/quant";
import type { TensorStep } from "../events.ts";
import { product } from "../shapes.ts";
import { createCopier } from "./copier.ts";
import type { Packer } from "./packer.ts";
import { type SpawnWorker, spawnWorker } from "./platform.ts";
import { createWorkbench } from "./workbench.ts";
import { createWorkerPacker } from "./worker-packer.ts";

/** Pieces at a time in one thread: one is read, one packed, one written. */
const SLOTS = 3;

/** Quantising takes nothing that the highest tier has. */
const PACKING_TIER: KernelTier = "relaxed";

/**
 * Least values for each worker. From the sources two workers took as long as one thread, 0.25 s, for 88 million values to q4_0,
 * and 14 % less for as many to q4_K; for 40 million they took 20 % longer.
 */
const WORKER_VALUES = 2 ** 25;

/** One thread reads for all, and eight pack about as fast as it reads. Each takes 25 MiB. */
const MAX_WORKERS = 8;

export interface PackerOptions {
  readonly threads?: number | undefined;
  readonly maxTier?: KernelTier | undefined;
}

/** What tests put in place of what is normally used. */
export interface PackerSeams {
  readonly spawn?: SpawnWorker;
  readonly workerValues?: number;
}

/** @throws RangeError for a number of threads that is none, or an unknown tier; WorkerError if a worker cannot be started */
export async function choosePacker(
  steps: readonly Pick<TensorStep, "shape" | "isCopied">[],
  { threads = 1, maxTier = PACKING_TIER }: PackerOptions,
  { spawn = spawnWorker, workerValues = WORKER_VALUES }: PackerSeams,
): Promise<Packer> {
  if (!Number.isSafeInteger(threads) || threads < 1) {
    throw new RangeError(`"threads" expected an integer >= 1, got ${String(threads)}`);
  }
  const nValues = steps.reduce((sum, { shape, isCopied }) => sum + (isCopied ? 0 : product(shape)), 0);
  if (nValues === 0) return createCopier();
  const kernels = loadKernels(maxTier === "wide" ? PACKING_TIER : maxTier);
  const workers = Math.min(threads, MAX_WORKERS, Math.floor(nValues / workerValues));
  return workers < 2 ? createWorkbench(await kernels, SLOTS) : createWorkerPacker(workers, kernels, spawn);
}
