// What ll-inspect reports: the facts of a file, and what follows from them. The same object is printed as JSON and as text.

import { isModelError, type KvTypes, kvCacheBytes, modelMemory } from "@ll/llama";
import { type TypeShare, typeMix } from "@ll/model";
import type { ArithmeticName, KernelName } from "@ll/quant";
import { usefulThreads } from "../../inference/model-loading.ts";
import type { ModelFacts } from "./model-facts.ts";

/** Version of the shape of `ModelReport`. */
const REPORT_VERSION = 2;

/** Bytes of a key or value channel in the KV cache: binary16. */
const CACHE_ELEMENT_BYTES = 2;

/** Bytes that a model needs in memory at a context size. */
export interface MemoryNeed {
  readonly contextTokens: number;
  /** As they are in the file. */
  readonly weights: number;
  readonly kvCache: number;
  /** What the engine will allocate: weights in the form that its kernels read, the cache, and what they work in. */
  readonly total: number;
  /** False for a model that the programs do not run, of which the total is that of weights and cache. */
  readonly isRun: boolean;
}

/** How a model is run, as far as its memory depends on it. */
export interface RunConditions {
  /** In tokens, 0 for the model's own: one line of `memory` for each. */
  readonly contextSizes: readonly number[];
  /** Absent: as many as ll-main takes. */
  readonly threads?: number | undefined;
  readonly kernels: KernelName | undefined;
  readonly arithmetic?: ArithmeticName | undefined;
  /** Absent: f16. */
  readonly kvType?: KvTypes;
}

/** What the file is. */
export interface Identity {
  readonly file: string;
  readonly bytes: number;
  readonly format: string;
  /** `general.architecture` of a GGUF file; "unknown" if it does not say. */
  readonly family: string;
  /** `kind` as GGUF files call it: "llama" for SentencePiece, "gpt2" for byte-level BPE. */
  readonly tokenizer: { readonly kind: string | null; readonly pre: string | null; readonly pieces: number };
  /** Of the file's own chat template, and names of others; null if it has none. */
  readonly template: { readonly characters: number; readonly others: readonly string[] } | null;
  /** Positions that the model was trained for. */
  readonly contextTokens: number;
  /** What most matrices are stored as, in llama.cpp's words. */
  readonly fileType: string | null;
  readonly types: readonly TypeShare[];
  readonly runs: boolean;
  /** Why it does not run, as one sentence. */
  readonly whyNot: string | null;
}

export interface ModelReport extends Identity {
  readonly version: number;
  /** A list, since the names come from the file. */
  readonly fields: readonly { readonly name: string; readonly value: string | number }[];
  readonly tensors: readonly {
    readonly name: string;
    readonly type: string;
    readonly shape: readonly number[];
    readonly bytes: number;
    readonly offset: number;
  }[];
  /** Names of the fields that the programs do not read. */
  readonly unread: readonly string[];
  /** Empty for a file without weights. */
  readonly memory: readonly MemoryNeed[];
  readonly warnings: readonly string[];
}

export function identityOf(facts: ModelFacts): Identity {
  const { vocabulary, templates, whyNotRun } = facts;
  const { kind = null, pre = null, nPieces } = vocabulary;
  return {
    file: facts.name,
    bytes: facts.byteLength,
    format: facts.format,
    family: facts.family,
    tokenizer: { kind, pre, pieces: nPieces },
    template:
      templates.main === undefined && templates.named.size === 0
        ? null
        : { characters: templates.main?.length ?? 0, others: [...templates.named.keys()] },
    contextTokens: facts.trainedContext,
    fileType: facts.fileType ?? null,
    types: typeMix(facts.tensors),
    runs: whyNotRun === undefined,
    whyNot: whyNotRun ?? null,
  };
}

export async function modelReport(facts: ModelFacts, conditions: RunConditions): Promise<ModelReport> {
  return {
    version: REPORT_VERSION,
    ...identityOf(facts),
    fields: facts.fields.map(([name, value]) => ({ name, value })),
    unread: facts.unread,
    tensors: facts.tensors.map(({ name, type, shape, byteLength, dataOffset }) => ({
      name,
      type,
      shape,
      bytes: byteLength,
      offset: dataOffset,
    })),
    memory: await memoryNeeds(facts, conditions),
    warnings: facts.warnings,
  };
}

async function memoryNeeds(
  { config, cacheShape, source, tensors, trainedContext }: ModelFacts,
  { contextSizes, threads = usefulThreads(source), kernels, arithmetic, kvType = "f16" }: RunConditions,
): Promise<MemoryNeed[]> {
  const weights = tensors.reduce((sum, { byteLength }) => sum + byteLength, 0);
  const needs: MemoryNeed[] = [];
  for (const size of contextSizes) {
    const contextTokens = size === 0 ? trainedContext : size;
    const options = { threads, kernels, arithmetic, contextTokens, kvType };
    const engine = config && (await modelMemory(source, config, options).catch(noneIfRefused));
    if (config !== undefined && engine !== undefined) {
      const kvCache = kvCacheBytes(config, contextTokens, kvType);
      needs.push({ contextTokens, weights, kvCache, total: engine.model + engine.context, isRun: true });
    } else if (cacheShape !== undefined) {
      const kvCache = 2 * cacheShape.nLayers * contextTokens * cacheShape.kvDim * CACHE_ELEMENT_BYTES;
      needs.push({ contextTokens, weights, kvCache, total: weights + kvCache, isRun: false });
    }
  }
  return needs;
}

/** The engine refuses tensors that it does not know, and sizes that no memory has. */
function noneIfRefused(error: unknown): undefined {
  if (!isModelError(error)) throw error;
}
