// Loading a model into the fastest engine that runs here.

import { type AbortSignal, isWorkerError, type TensorSource, type WorkerError } from "@ll/bytes";
import { availableCores, type SpawnWorker, type URL, workerSpawner } from "@ll/bytes/workers";
import {
  type ArithmeticName,
  bindKernels,
  type KernelName,
  type KernelSet,
  type KernelTier,
  LOWEST_POINTER,
  loadKernels,
  SCRATCH_BYTES,
} from "@ll/quant";
import { arithmeticOf, type ModelConfig } from "../config.ts";
import { createEngineModel } from "../engine-model.ts";
import { fingerprintOf } from "../fingerprint.ts";
import { llamaScratchBytes } from "../kernels/kernels.ts";
import { loadLlamaKernels, testCacheKernels } from "../kernels/load-kernels.ts";
import { bindLlamaKernels } from "../kernels/wasm-kernels.ts";
import type { KvTypes } from "../kv-type.ts";
import { assertIndex, type Model } from "../model.ts";
import { createScalarModel } from "../scalar/model.ts";
import { type FoundTensors, findTensors, loadWeights } from "../weights.ts";
import { workerScriptUrl } from "../worker-script.ts";
import { createExchange } from "./exchange.ts";
import type { KernelSizes } from "./layout.ts";
import { localThread } from "./local-thread.ts";
import { createMemory } from "./memory-regions.ts";
import { type PlanOptions, planTeam } from "./planner.ts";
import type { Threads } from "./protocol.ts";
import { cacheBytes } from "./shard-cache.ts";
import { teamEngine } from "./team.ts";
import type { ThreadSetup } from "./thread-host.ts";
import { startWorkerThreads } from "./worker-threads.ts";

/** Progress of `loadModel`. */
export interface WeightsLoadedEvent {
  readonly kind: "weights-loaded";
  /** Bytes of all tensors loaded so far, and of all there are. */
  readonly bytes: number;
  readonly total: number;
}

/** Told once, before any weights: `threads` was not given, workers could not be started, and one thread does all the work. */
export interface WorkersFailedEvent {
  readonly kind: "workers-failed";
  /** What would have been thrown if `threads` had been given. */
  readonly error: WorkerError;
}

export type LoadModelEvent = WeightsLoadedEvent | WorkersFailedEvent;

export interface LoadModelOptions {
  /**
   * Default: the cores that are available, or 1 where workers cannot be started. 1 evaluates in this thread, in slices between
   * which the event loop turns.
   */
  readonly threads?: number;
  /** With one thread, too, evaluate in a worker where memory can be shared, so that this one stays free. Default: false. */
  readonly offMainThread?: boolean | undefined;
  /**
   * Address of the file `@ll/llama/worker`, or on Node its path, for bundles that leave it out or put it elsewhere. Default:
   * `worker.js` beside this code.
   */
  readonly workerUrl?: string | URL | undefined;
  /** Default: the fastest kernels that pass their self-test on this machine. All compute the same bits. */
  readonly kernels?: KernelName | undefined;
  /** How numbers are rounded. Default: `config.arithmetic`. */
  readonly arithmetic?: ArithmeticName | undefined;
  /** Add up what meets the matrices, for `inputSums`. */
  readonly sumInputs?: boolean | undefined;
  readonly onEvent?: (event: LoadModelEvent) => void;
  readonly signal?: AbortSignal | undefined;
}

export interface TeamModel extends Model {
  readonly threads: number;
  readonly kernels: KernelTier;
}

/** What tests set besides. */
export interface TeamInternals extends Omit<PlanOptions, "threads"> {
  readonly spawn?: SpawnWorker;
}

/** More would only wait for each other. */
const MAX_THREADS = 256;

/**
 * Loads a model for `threads` threads, each with its share of the weights in WebAssembly memories of its own.
 *
 * @throws ModelError as `loadWeights`; RangeError for options out of range or kernels that do not run here; MemoryError
 * (`E_NOMEM`) if the weights do not fit; IoError `E_CHANGED` if the file is not the one that was opened; WorkerError if a worker dies, or
 * cannot be started although `threads` asks for it; the signal's reason; whatever the source's `read` throws
 */
export async function loadModel(
  source: TensorSource,
  config: ModelConfig,
  options: LoadModelOptions = {},
): Promise<TeamModel> {
  return loadTeamModel(source, config, options, {});
}

export async function loadTeamModel(
  source: TensorSource,
  config: ModelConfig,
  options: LoadModelOptions,
  internals: TeamInternals,
): Promise<TeamModel> {
  const threads = checkedThreads(options.threads);
  if (threads > 1 && !canShareMemory()) {
    throw new RangeError(`"threads" expected 1 on a page that is not cross-origin isolated, got ${threads}`);
  }
  const found = findTensors(source, config);
  options.signal?.throwIfAborted();
  const arithmetic = arithmeticOf(config, options.arithmetic);
  const { kernels, llamaKernels } = await chooseKernels(found, options.kernels, arithmetic);
  if (llamaKernels !== undefined) {
    const run = { source, config, found, threads, kernels, llamaKernels };
    const model = await loadFast(run, options, internals).catch((error: unknown) => {
      if (options.threads !== undefined || !isWorkerError(error) || error.url === undefined) throw error;
      options.onEvent?.({ kind: "workers-failed", error });
      return loadFast({ ...run, threads: 1 }, { ...options, offMainThread: false }, internals);
    });
    if (model !== undefined) return model;
  }
  return loadScalar(source, config, options);
}

/** @throws RangeError */
export function checkedThreads(threads: number = canShareMemory() ? availableCores() : 1): number {
  return assertIndex("threads", threads, 1, MAX_THREADS);
}

/**
 * The kernels that a model computes with, for the types of its matrices: without `llamaKernels`, the readable engine.
 * @throws RangeError for kernels that do not run here
 */
export async function chooseKernels(
  { graph, tensors }: FoundTensors,
  asked: KernelName | undefined,
  arithmetic: ArithmeticName,
): Promise<{ readonly kernels: KernelSet; readonly llamaKernels: WebAssembly.Module | undefined }> {
  const matrices = graph.weights.filter(({ form }) => form === "matrix");
  const types = matrices.map(({ role }) => tensors.get(role)!.tensor.type);
  const kernels = await loadKernels(asked, arithmetic, types);
  const llamaKernels = await loadLlamaKernels(kernels.tier, arithmetic);
  const tier = llamaKernels === undefined ? "scalar" : kernels.tier;
  if (asked !== undefined && tier !== asked.replace(/-.*/, "")) {
    throw new RangeError(`"kernels" expected kernels that run here, such as ${tier}, got ${asked}`);
  }
  return { kernels, llamaKernels };
}

/** The readable engine: where WebAssembly has no SIMD, and for weights that the fast kernels do not take. */
async function loadScalar(
  source: TensorSource,
  config: ModelConfig,
  { arithmetic, sumInputs, onEvent, signal }: LoadModelOptions,
): Promise<TeamModel> {
  const weights = await loadWeights(source, config, {
    onEvent: ({ bytesLoaded, bytesTotal }) =>
      onEvent?.({ kind: "weights-loaded", bytes: bytesLoaded, total: bytesTotal }),
    signal,
  });
  return { ...createScalarModel(weights, { arithmetic, sumInputs }), threads: 1, kernels: "scalar" };
}

interface FastRun {
  readonly source: TensorSource;
  readonly config: ModelConfig;
  readonly threads: number;
  readonly found: FoundTensors;
  readonly kernels: KernelSet;
  readonly llamaKernels: WebAssembly.Module;
}

/** Undefined if the weights have scales that these kernels do not compute with as build 803 does. */
async function loadFast(
  { source, config, found, threads, kernels, llamaKernels }: FastRun,
  { workerUrl, offMainThread = false, sumInputs = false, onEvent, signal }: LoadModelOptions,
  internals: TeamInternals,
): Promise<TeamModel | undefined> {
  const { graph, bytes: total } = found;
  const plan = planTeam(found, kernelSizes(kernels, llamaKernels), { ...internals, threads });
  const { sliceTokens, memoryLimitBytes } = plan;
  const hasWorkers = threads > 1 || (offMainThread && canShareMemory());
  const exchange = createExchange(graph, sliceTokens, hasWorkers);
  const setups = Array.from(
    { length: threads },
    (_, thread): ThreadSetup => ({
      graph,
      kernels,
      llamaKernels,
      exchange: exchange.buffer,
      sliceTokens,
      thread,
      threads,
      shards: plan.shards.filter((shard) => shard.thread === thread),
      memoryLimitBytes,
      sumInputs,
    }),
  );
  let team: Threads;
  if (!hasWorkers) {
    team = localThread(setups[0]!);
  } else {
    const url = workerScriptUrl(workerUrl);
    const { spawn = workerSpawner(url) } = internals;
    team = await startWorkerThreads(setups, exchange.words, { spawn, url, signal });
  }
  let fingerprint: bigint;
  try {
    let bytes = 0;
    const onProgress = (more: number): void => {
      bytes = Math.min(total, bytes + more); // norms are loaded by every shard
      onEvent?.({ kind: "weights-loaded", bytes, total });
    };
    const nBad = await team.load(source, { onProgress, signal });
    signal?.throwIfAborted();
    if (nBad > 0) {
      await team.dispose();
      return undefined;
    }
    fingerprint = await fingerprintOf(source); // not before: tensors with an adapter say that they are patched when their end is read
    await source.assertUnchanged?.();
  } catch (error) {
    await team.dispose();
    throw error;
  }
  const { arithmetic } = kernels;
  const testCache = (kvType: KvTypes): Promise<void> => testCacheKernels(llamaKernels, arithmetic, kvType);
  const engine = teamEngine(team, threads, graph, plan, exchange, testCache);
  const model = createEngineModel({ config, graph, arithmetic, fingerprint, engine, sumInputs });
  return { ...model, threads, kernels: kernels.tier };
}

export function kernelSizes(set: KernelSet, module: WebAssembly.Module): KernelSizes {
  const { arithmetic } = set;
  const llamaBytes = llamaScratchBytes(arithmetic);
  const bytes = LOWEST_POINTER + SCRATCH_BYTES + llamaBytes;
  const memory = createMemory(bytes, bytes);
  const kernels = bindKernels(set, memory, LOWEST_POINTER);
  const llama = bindLlamaKernels(module, arithmetic, memory, LOWEST_POINTER + SCRATCH_BYTES);
  return {
    weightBytes: (type, nRows, rowValues) => kernels.matrix(type).weightBytes(nRows, rowValues),
    activationBytes: (type, nVectors, rowValues) => kernels.matrix(type).activationBytes(nVectors, rowValues),
    scratchBytes: SCRATCH_BYTES,
    llamaScratchBytes: llamaBytes,
    cacheBytes: (graph, share, contextTokens, sliceTokens, kvType = "f16") =>
      cacheBytes(llama, graph, share, contextTokens, kvType, sliceTokens),
  };
}

/** Whether threads can share memory: browsers allow it to cross-origin isolated pages only. */
function canShareMemory(): boolean {
  return "SharedArrayBuffer" in globalThis && globalThis.crossOriginIsolated !== false;
}
