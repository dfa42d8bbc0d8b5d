// Models made in memory: seeded random weights behind the `TensorSource` shape, and contexts over them.

import { blockInfo, packRows, rowBytes } from "@ll/quant";
import {
  type BatchItem,
  type ConfigOverrides,
  type Context,
  type ContextOptions,
  configFromGgml,
  createScalarModel,
  expectedTensors,
  loadWeights,
  type Model,
  type ModelConfig,
  type SourceTensor,
  type TensorSource,
} from "../../src/index.ts";
import { graphOf } from "../../src/model-graph.ts";

/** A small shape whose rows fill whole blocks of 32; with `nKvHeads` it shares heads. */
export function smallConfig(overrides: ConfigOverrides = {}): ModelConfig {
  return configFromGgml({ nVocab: 96, nEmbd: 64, nMult: 32, nHead: 4, nLayer: 2, nRot: 16, ftype: 0 }, overrides);
}

/** Uniform numbers in [-0.5, 0.5) from a 32-bit linear congruential generator. */
export function randomValues(seed: number, n: number): Float32Array {
  let state = seed >>> 0;
  return Float32Array.from({ length: n }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state >>> 8) / 2 ** 24 - 0.5;
  });
}

/** The values of every tensor of a model: matrices around 0, norms around 1. */
export function randomTensors(config: ModelConfig, seed = 1): Map<string, Float32Array> {
  const tensors = new Map<string, Float32Array>();
  for (const [name, shape] of expectedTensors(config)) {
    const n = shape.reduce((product, size) => product * size, 1);
    const values = randomValues(seed + tensors.size * 7919, n);
    tensors.set(name, shape.length === 1 ? values.map((x) => 1 + x) : values.map((x) => x * 0.8));
  }
  return tensors;
}

/** Where types that are only read have their scales, and what to put there so that weights are smaller than 1. Default: 2^-8 at 0. */
const SCALES: ReadonlyMap<string, readonly (readonly [at: number, byte: number])[]> = new Map([
  ["iq1_m", [51, 53, 55].map((at, i) => [at, [0x00, 0xc0, 0x10][i]!] as const)],
  ["tq1_0", [[53, 0x1c]]],
  ["tq2_0", [[65, 0x1c]]],
  ["mxfp4", [[0, 125]]],
  ["nvfp4", [0, 1, 2, 3].map((at) => [at, 0x28] as const)],
]);

/** Blocks of `type`: `values` packed, or random ones of a type that is only read. */
function blocksOf(type: string, values: Float32Array): Uint8Array {
  const { canPack, blockBytes } = blockInfo(type);
  if (canPack) return packRows(type, values);
  const noise = randomValues(Math.trunc(2 ** 31 * values[0]!), rowBytes(type, values.length));
  const bytes = Uint8Array.from(noise, (x) => 256 * (x + 0.5));
  for (let o = 0; o < bytes.length; o += blockBytes) {
    for (const [at, byte] of SCALES.get(type) ?? [[1, 0x1c]]) bytes[o + at] = byte;
  }
  return bytes;
}

/** A source over values in memory, matrices packed to `type`, or of random blocks where it cannot be packed; `reads` counts how often anything was read. */
export function sourceOf(
  config: ModelConfig,
  tensors: Map<string, Float32Array>,
  type = "f32",
): TensorSource & { tensors: Map<string, SourceTensor>; readonly reads: number } {
  let reads = 0;
  const sources = new Map<string, SourceTensor>();
  for (const [name, shape] of expectedTensors(config)) {
    const tensorType = shape.length === 1 ? "f32" : type;
    const data = blocksOf(tensorType, tensors.get(name)!);
    sources.set(name, {
      name,
      type: tensorType,
      shape,
      byteLength: (shape.length === 1 ? 1 : shape[0]!) * rowBytes(tensorType, shape.at(-1)!),
      async read(offset, target) {
        reads++;
        target.set(data.subarray(offset, offset + target.length));
      },
    });
  }
  return {
    tensors: sources,
    names: () => sources.keys(),
    tensor: (name) => sources.get(name),
    get reads() {
      return reads;
    },
  };
}

/**
 * Random f32 tensors under their names in GGUF files.
 * @param more tensors that not every file has, and others to change: their numbers, or a factor on random ones
 */
export function ggufSource(config: ModelConfig, more: Record<string, readonly number[] | number> = {}): TensorSource {
  const tensors = new Map<string, SourceTensor>();
  graphOf(config, {
    has: (role) => more[role] !== undefined,
    onWeight({ role, tensorShape }) {
      const n = tensorShape.reduce((product, size) => product * size, 1);
      const wanted = more[role] ?? 1;
      const isNorm = role.endsWith("norm.weight");
      const random = (): Float32Array => randomValues(803 + role.length * n, n).map((x) => (isNorm ? 1 + x : 0.8 * x));
      const values = typeof wanted === "number" ? random().map((x) => wanted * x) : Float32Array.from(wanted);
      const data = new Uint8Array(values.buffer);
      tensors.set(role, {
        name: role,
        type: "f32",
        shape: values.length === n ? tensorShape : [values.length],
        byteLength: data.length,
        read: async (offset, target) => target.set(data.subarray(offset, offset + target.length)),
      });
    },
  });
  return { names: () => tensors.keys(), tensor: (name) => tensors.get(name) };
}

export async function randomModel(config: ModelConfig = smallConfig(), type = "f32", seed = 1): Promise<Model> {
  return createScalarModel(await loadWeights(sourceOf(config, randomTensors(config, seed), type), config));
}

/** Logits of all tokens, evaluated in batches of `batchTokens` from position 0. */
export async function logitsInBatches(
  model: Model,
  tokens: readonly number[],
  batchTokens: number,
  options: ContextOptions = {},
): Promise<Float32Array> {
  const context = await model.createContext(options);
  const { nVocab } = model.config;
  const all = new Float32Array(tokens.length * nVocab); // (tokens, nVocab)
  for (let first = 0; first < tokens.length; first += batchTokens) {
    const batch = tokens.slice(first, first + batchTokens);
    all.set(await context.evaluate(batch, first, { logits: "all" }), first * nVocab);
  }
  await context.dispose();
  return all;
}

/**
 * The same of several sequences that are evaluated together.
 * @param take how many tokens the s-th sequence has in a pass; with 0 it is not in it
 * @param onPass called with the tokens of each batch, and with how often weights were read for it
 */
export async function logitsTogether(
  model: Model,
  sequences: readonly (readonly number[])[],
  take: (pass: number, s: number) => number,
  options: ContextOptions = {},
  onPass: (nTokens: number, nPasses: number) => void = () => {},
): Promise<Float32Array[]> {
  const states = sequences.map((tokens) => ({
    tokens,
    nPast: 0,
    logits: new Float32Array(tokens.length * model.config.nVocab), // (tokens, nVocab)
    context: undefined as Context | undefined,
  }));
  for (let pass = 0; ; pass++) {
    const left = states.filter(({ tokens, nPast }) => nPast < tokens.length);
    if (left.length === 0) return states.map(({ logits }) => logits);
    const counts: number[] = left.map((state) => take(pass, states.indexOf(state)));
    if (!counts.some((n) => n > 0)) counts[0] = 1;
    const joined = left.filter((_, i) => counts[i]! > 0);
    const items: BatchItem[] = [];
    for (const state of joined) {
      state.context ??= await model.createContext(options);
      const tokens = state.tokens.slice(state.nPast, state.nPast + counts[left.indexOf(state)]!);
      items.push({ context: state.context, tokens, nPast: state.nPast, logits: "all" });
    }
    const before = model.nPasses();
    const results = await model.evaluateBatch(items);
    onPass(
      items.reduce((sum, { tokens }) => sum + tokens.length, 0),
      model.nPasses() - before,
    );
    for (const [i, state] of joined.entries()) {
      state.logits.set(results[i]!, state.nPast * model.config.nVocab);
      state.nPast += items[i]!.tokens.length;
      if (state.nPast === state.tokens.length) await state.context!.dispose();
    }
  }
}

/** The id with the largest logit, the lowest on ties: a sampler without chance. */
export const argMax = {
  sample(logits: Float32Array): number {
    return logits.indexOf(Math.max(...logits));
  },
};

/** A context that evaluates nothing: it records the calls and returns logits whose arg-max is `next(lastToken)`. */
export function recordingContext(
  contextTokens: number,
  next: (lastToken: number) => number = () => 0,
): Context & { readonly calls: { tokens: number[]; nPast: number }[] } {
  const calls: { tokens: number[]; nPast: number }[] = [];
  const config = smallConfig();
  return {
    calls,
    config,
    arithmetic: config.arithmetic,
    contextTokens,
    kvType: "f16",
    memory: { kind: "positions" },
    async evaluate(tokens, nPast) {
      calls.push({ tokens: Array.from(tokens), nPast });
      const logits = new Float32Array(config.nVocab);
      logits[next(tokens[tokens.length - 1]!)] = 1;
      return logits;
    },
    async readEmbedding() {
      return new Float32Array(config.nEmbd);
    },
    async readKv() {
      return new Uint8Array(0);
    },
    async writeKv() {},
    async copyPrefix() {},
    async dispose() {},
  };
}
