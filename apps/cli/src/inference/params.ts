// What the options of the programs that run a model set, with build 803's defaults.

import { DEFAULT_DRAFT_TOKENS, type KvType } from "@ll/llama";
import type { ArithmeticName, KernelName } from "@ll/quant";
import { SAMPLING_DEFAULTS } from "@ll/sampling";
import type { ColourMode } from "../terminal.ts";

/** Build 803's, which is there on few machines. */
export const DEFAULT_MODEL = "models/7B/ggml-model.bin";

export interface RunParams {
  /** 32-bit seed; 0xffffffff takes the time. */
  seed: number;
  /** Undefined: as many as help with a model of this size. */
  threads: number | undefined;
  /** Forces these kernels; undefined takes the fastest that run here. */
  kernels: KernelName | undefined;
  /** Undefined: the file's own. */
  arithmetic: ArithmeticName | undefined;
  /** Tokens to generate; -1 for no limit, -2 until the context is full. */
  nPredict: number;
  /** 0 until the model is open: its own; negative: its own, at most 4096 and what memory holds. */
  contextTokens: number;
  batchTokens: number;
  /** Prompt tokens that stay when the context is swapped; -1 for all. */
  keepTokens: number;
  model: string;
  /** LoRA adapter, and the model that its products are added to instead of `model`. */
  lora: string | undefined;
  loraBase: string | undefined;
  /** Tokens that are drafted from the text at most. */
  lookup: number;
  /** Model that drafts, and how many tokens at most. */
  draftModel: string | undefined;
  draftTokens: number;
  prompt: Uint8Array;
  negativePrompt: Uint8Array;
  /** Classifier-free guidance: above 1 leads away from the negative prompt, else off. */
  guidanceScale: number;
  escape: boolean;
  inputPrefix: string;
  inputSuffix: string;
  reversePrompts: string[];
  interactive: boolean;
  interactiveFirst: boolean;
  instruct: boolean;
  multilineInput: boolean;
  /** Plain lines from standard input: no echo, no terminal modes. */
  simpleIo: boolean;
  /** BOS before every turn of the user. */
  inputPrefixBos: boolean;
  /** In conversations an end of text stays in the context and gives the user the word; build 803 turns it into a newline. */
  keepEos: boolean;
  color: ColourMode;
  /** The prompt is shown in front of what it leads to. */
  displayPrompt: boolean;
  /** Nothing on standard error unless the run fails; of scores only the last one. */
  quiet: boolean;
  /** Standard output gets one object when all is done, and nothing before. */
  json: boolean;
  promptCache: string | undefined;
  promptCacheAll: boolean;
  promptCacheReadOnly: boolean;
  randomPrompt: boolean;
  verbosePrompt: boolean;
  memoryF32: boolean;
  /** Types of keys and of values; undefined: f16, or f32 with `memoryF32`. */
  cacheTypeK: KvType | undefined;
  cacheTypeV: KvType | undefined;
  memoryTest: boolean;
  /** The tool a user was looking for: `perplexity` or `embedding`. */
  otherTool: "perplexity" | "embedding" | undefined;
  topK: number;
  topP: number;
  tfsZ: number;
  typicalP: number;
  temperature: number;
  repeatLastN: number;
  repeatPenalty: number;
  frequencyPenalty: number;
  presencePenalty: number;
  mirostat: number;
  mirostatEta: number;
  mirostatTau: number;
  /** In the order of the options; "eos" is every id that ends a text, which depends on the model. */
  logitBias: Map<number | "eos", number>;
  penalizeNewline: boolean;
  minP: number;
  xtcProbability: number;
  xtcThreshold: number;
  dryMultiplier: number;
  dryBase: number;
  dryAllowedLength: number;
  dryPenaltyLastN: number;
  /** Undefined: llama.cpp's own. */
  dryBreakers: string[] | undefined;
  /** GBNF; empty for none. */
  grammarText: Uint8Array;
  /** Undefined, like the next three: what the file says, or what build 803 takes for granted if it does not. */
  rmsNormEps: number | undefined;
  ropeFreqBase: number | undefined;
  ropeFreqScale: number | undefined;
  /** Query heads that share one KV head. */
  gqa: number | undefined;
  /** Chunks that ll-perplexity scores at most; negative for all. */
  maxChunks: number;
  /** Score HellaSwag tasks instead of perplexity. */
  hellaswag: boolean;
  hellaswagTasks: number;
  /** Add up what meets the matrices: set by ll-imatrix, which has no option for it. */
  sumInputs: boolean;
  /** Restores the quirks of build 803 that are mended by default. */
  compat: boolean;
  /** Lines about options that were accepted and mean nothing here. */
  notices: string[];
}

export function defaultParams(threads?: number): RunParams {
  return {
    seed: 0xffffffff,
    threads,
    kernels: undefined,
    arithmetic: undefined,
    nPredict: -1,
    contextTokens: 512,
    batchTokens: 512,
    keepTokens: 0,
    model: DEFAULT_MODEL,
    lora: undefined,
    loraBase: undefined,
    lookup: 0,
    draftModel: undefined,
    draftTokens: DEFAULT_DRAFT_TOKENS,
    prompt: new Uint8Array(0),
    negativePrompt: new Uint8Array(0),
    guidanceScale: 1,
    escape: false,
    inputPrefix: "",
    inputSuffix: "",
    reversePrompts: [],
    interactive: false,
    interactiveFirst: false,
    instruct: false,
    multilineInput: false,
    simpleIo: false,
    inputPrefixBos: false,
    keepEos: false,
    color: "never",
    displayPrompt: true,
    quiet: false,
    json: false,
    promptCache: undefined,
    promptCacheAll: false,
    promptCacheReadOnly: false,
    randomPrompt: false,
    verbosePrompt: false,
    memoryF32: false,
    cacheTypeK: undefined,
    cacheTypeV: undefined,
    memoryTest: false,
    otherTool: undefined,
    topK: 40,
    topP: Math.fround(0.95),
    tfsZ: 1,
    typicalP: 1,
    temperature: Math.fround(0.8),
    repeatLastN: 64,
    repeatPenalty: Math.fround(1.1),
    frequencyPenalty: 0,
    presencePenalty: 0,
    mirostat: 0,
    mirostatEta: Math.fround(0.1),
    mirostatTau: 5,
    logitBias: new Map(),
    penalizeNewline: true,
    ...SAMPLING_DEFAULTS,
    dryBreakers: undefined,
    grammarText: new Uint8Array(0),
    rmsNormEps: undefined,
    ropeFreqBase: undefined,
    ropeFreqScale: undefined,
    gqa: undefined,
    maxChunks: -1,
    hellaswag: false,
    hellaswagTasks: 400,
    sumInputs: false,
    compat: false,
    notices: [],
  };
}

/** What a context shall keep keys and values in. */
export function kvTypes({ memoryF32, cacheTypeK, cacheTypeV }: RunParams): { readonly k: KvType; readonly v: KvType } {
  const plain = memoryF32 ? "f32" : "f16";
  return { k: cacheTypeK ?? plain, v: cacheTypeV ?? plain };
}
