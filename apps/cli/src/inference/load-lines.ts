// The lines that build 803 prints while it loads, in their order and shape, with this program's own facts in them.

import { printable } from "@ll/bytes";
import type { ModelConfig, ModelMemory } from "@ll/llama";
import { fixed, general, scientific } from "../printf.ts";
import type { RunParams } from "./params.ts";

const MIB = 1024 * 1024;

/** Scratch and evaluation memory in MiB by size label: build 803 looks them up, it does not measure them. */
const MEMORY_MIB: Readonly<Record<string, { scratch: number; evaluation: number; state: number }>> = {
  "3B": { scratch: 256 + 256, evaluation: 512, state: 682 },
  "7B": { scratch: 512 + 512, evaluation: 768, state: 1026 },
  "13B": { scratch: 512 + 512, evaluation: 1024, state: 1608 },
  "30B": { scratch: 512 + 512, evaluation: 1280, state: 3124 },
  "65B": { scratch: 1024 + 1024, evaluation: 1536, state: 5120 },
  "70B": { scratch: 1024 + 1024, evaluation: 1536, state: 5120 }, // came after that build: as 65B
};

/** Bytes of bookkeeping that build 803 counts for each tensor. */
const TENSOR_OVERHEAD_BYTES = 272;

export interface LoadedFacts {
  readonly containerName: string;
  readonly config: ModelConfig;
  readonly warnings: readonly string[];
  readonly ftypeLabel: string;
  readonly sizeLabel: string;
  readonly nTensors: number;
  /** Sum of all tensor data. */
  readonly tensorBytes: number;
  readonly kvBytes: number;
  /** What the engine will allocate; undefined for the figures of build 803. */
  readonly memory: ModelMemory | undefined;
}

/** `llama_model_load_internal: …` and `llama_new_context_with_model: …`. */
export function loadLines(facts: LoadedFacts, params: RunParams): string[] {
  const { config } = facts;
  const gqa = config.nHeads / config.nKvHeads;
  const rows: [string, string | number][] = [
    ["format", facts.containerName],
    ["n_vocab", config.nVocab],
    ["n_ctx", params.contextTokens],
    ["n_embd", config.nEmbd],
    ["n_mult", config.nMult],
    ["n_head", config.nHeads],
    ...(gqa === 1 ? [] : ([["n_head_kv", config.nKvHeads]] as [string, number][])),
    ["n_layer", config.nLayers],
    ["n_rot", config.nRot],
    ["ftype", `${config.ftype} (${facts.ftypeLabel})`],
    ["n_ff", config.nFf],
    ...changedRows(config),
  ];
  const contextMib = (facts.nTensors * TENSOR_OVERHEAD_BYTES) / MIB;
  const memory = facts.memory ?? build803Memory(facts, contextMib, params.memoryF32);
  const warnings = facts.warnings.map((text) => `warning: ${printable(text, 512)}`);
  if (facts.sizeLabel === "70B") warnings.push("warning: assuming 70B model based on GQA == 8");
  const contexts = params.guidanceScale > 1 ? ["text", "guidance"] : ["text"];
  return [
    ...warnings.map((line) => `llama_model_load_internal: ${line}`),
    ...rows.map(([name, value]) => `llama_model_load_internal: ${name.padEnd(10)} = ${value}`),
    `llama_model_load_internal: model size = ${facts.sizeLabel}`,
    `llama_model_load_internal: ggml ctx size = ${fixed(contextMib, 7, 2)} MB`,
    `llama_model_load_internal: mem required  = ${fixed(memory.model / MIB, 7, 2)} MB (+ ${fixed(memory.context / MIB, 7, 2)} MB per state)`,
    ...contexts.map(() => `llama_new_context_with_model: kv self size  = ${fixed(facts.kvBytes / MIB, 7, 2)} MB`),
  ];
}

/** What build 803 says: it looks most of it up by the size of the model. */
function build803Memory({ sizeLabel, tensorBytes }: LoadedFacts, contextMib: number, memoryF32: boolean): ModelMemory {
  const { scratch, evaluation, state } = MEMORY_MIB[sizeLabel] ?? { scratch: 1024, evaluation: 768, state: 1026 };
  return {
    model: contextMib * MIB + tensorBytes + (scratch + evaluation) * MIB,
    context: state * (memoryF32 ? 2 : 1) * MIB,
  };
}

/** Lines that appear only where the arithmetic is not that of build 803. */
function changedRows({ nHeads, nKvHeads, rmsNormEps, ropeFreqBase, ropeFreqScale }: ModelConfig): [string, string][] {
  const rows: [string, string][] = [];
  if (nHeads !== nKvHeads) rows.push(["n_gqa", String(nHeads / nKvHeads)]);
  if (rmsNormEps !== Math.fround(1e-6)) rows.push(["rnorm_eps", scientific(rmsNormEps, 1)]);
  if (ropeFreqBase !== 10000) rows.push(["freq_base", fixed(ropeFreqBase, 0, 1)]);
  if (ropeFreqScale !== 1) rows.push(["freq_scale", general(ropeFreqScale)]);
  return rows;
}

/** `system_info: …`: threads, kernels and arithmetic, with the closing bar that build 803 prints. */
export function systemInfoLine(threads: number, cores: number, kernel: string, arithmetic: string): string {
  const engine = `KERNEL = ${kernel} | ARITHMETIC = ${arithmetic} | WASM_SIMD = ${kernel === "scalar" ? 0 : 1}`;
  return `system_info: n_threads = ${threads} / ${cores} | ${engine} | NODE = ${process.versions.node} | `;
}

/** `sampling: …` and `generate: …`. */
export function samplingLines(p: RunParams, keepTokens: number): string[] {
  const f = (value: number): string => fixed(value, 0, 6);
  return [
    `sampling: repeat_last_n = ${p.repeatLastN}, repeat_penalty = ${f(p.repeatPenalty)}, presence_penalty = ${f(p.presencePenalty)}, ` +
      `frequency_penalty = ${f(p.frequencyPenalty)}, top_k = ${p.topK}, tfs_z = ${f(p.tfsZ)}, top_p = ${f(p.topP)}, ` +
      `typical_p = ${f(p.typicalP)}, temp = ${f(p.temperature)}, mirostat = ${p.mirostat}, mirostat_lr = ${f(p.mirostatEta)}, ` +
      `mirostat_ent = ${f(p.mirostatTau)}`,
    `generate: n_ctx = ${p.contextTokens}, n_batch = ${p.batchTokens}, n_predict = ${p.nPredict}, n_keep = ${keepTokens}`,
  ];
}
