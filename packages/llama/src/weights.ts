// The tensors of a LLaMA model, checked against its config before memory is asked for, then read into typed arrays.

import type { AbortSignal } from "@ll/bytes";
import { BLOCK_TYPES, blockInfo, rowBytes } from "@ll/quant";
import { allocate } from "./allocate.ts";
import { assertConfig, derivedSizes, type ModelConfig } from "./config.ts";
import { ModelError } from "./errors.ts";
import type { SourceTensor, TensorSource } from "./tensor-source.ts";

/** A weight matrix in the bytes of its type; row r meets the activations and gives output r. */
export interface Matrix {
  readonly type: string;
  readonly rows: number;
  readonly columns: number;
  readonly data: Uint8Array; // (rows, bytes of a row)
}

export interface LayerWeights {
  readonly attentionNorm: Float32Array; // (nEmbd)
  readonly wq: Matrix; // (nEmbd, nEmbd)
  readonly wk: Matrix; // (kvDim, nEmbd)
  readonly wv: Matrix; // (kvDim, nEmbd)
  readonly wo: Matrix; // (nEmbd, nEmbd)
  readonly ffnNorm: Float32Array; // (nEmbd)
  readonly w1: Matrix; // (nFf, nEmbd): gate
  readonly w2: Matrix; // (nEmbd, nFf): down
  readonly w3: Matrix; // (nFf, nEmbd): up
}

export interface Weights {
  readonly config: ModelConfig;
  readonly tokEmbeddings: Matrix; // (nVocab, nEmbd)
  readonly norm: Float32Array; // (nEmbd)
  readonly output: Matrix; // (nVocab, nEmbd)
  readonly layers: readonly LayerWeights[]; // (nLayers)
}

/** Progress of `loadWeights`: one event for each tensor, when it is in memory. */
export interface TensorLoadedEvent {
  readonly kind: "tensor-loaded";
  readonly name: string;
  readonly bytes: number;
  /** Bytes of all tensors loaded so far, this one included, and of all there are. */
  readonly bytesLoaded: number;
  readonly bytesTotal: number;
}

export interface LoadOptions {
  readonly onEvent?: (event: TensorLoadedEvent) => void;
  readonly signal?: AbortSignal;
}

/** Bytes read at a time, so that an abort is heard inside a large tensor. */
const PIECE_BYTES = 8 * 1024 * 1024;

/**
 * Reads all weights of a model.
 * @throws ModelError `E_HPARAM`, `E_MISSING_TENSOR`, `E_UNKNOWN_TENSOR`, `E_SHAPE`, `E_TENSOR_TYPE` or `E_LENGTH` before
 * anything is read; IoError `E_NOMEM`; the signal's reason; whatever the source's `read` and `assertUnchanged` throw.
 */
export async function loadWeights(
  source: TensorSource,
  config: ModelConfig,
  options: LoadOptions = {},
): Promise<Weights> {
  assertConfig(config);
  const bytesTotal = assertTensors(source, config);
  let bytesLoaded = 0;

  const bytesOf = async (name: string): Promise<Uint8Array<ArrayBuffer>> => {
    const tensor = source.tensor(name)!;
    const data = allocate<Uint8Array<ArrayBuffer>>(
      Uint8Array,
      tensor.byteLength,
      `${name} (${tensor.byteLength} bytes)`,
    );
    for (let offset = 0; offset < data.byteLength; offset += PIECE_BYTES) {
      options.signal?.throwIfAborted();
      await tensor.read(offset, data.subarray(offset, offset + PIECE_BYTES));
    }
    bytesLoaded += data.byteLength;
    options.onEvent?.({ kind: "tensor-loaded", name, bytes: data.byteLength, bytesLoaded, bytesTotal });
    return data;
  };
  const matrix = async (name: string): Promise<Matrix> => {
    const { type, shape } = source.tensor(name)!;
    return { type, rows: shape[0]!, columns: shape[1]!, data: await bytesOf(name) };
  };
  const vector = async (name: string): Promise<Float32Array> => new Float32Array((await bytesOf(name)).buffer);

  const tokEmbeddings = await matrix("tok_embeddings.weight");
  const norm = await vector("norm.weight");
  const output = await matrix("output.weight");
  const layers: LayerWeights[] = [];
  for (let i = 0; i < config.nLayers; i++) {
    layers.push({
      attentionNorm: await vector(`layers.${i}.attention_norm.weight`),
      wq: await matrix(`layers.${i}.attention.wq.weight`),
      wk: await matrix(`layers.${i}.attention.wk.weight`),
      wv: await matrix(`layers.${i}.attention.wv.weight`),
      wo: await matrix(`layers.${i}.attention.wo.weight`),
      ffnNorm: await vector(`layers.${i}.ffn_norm.weight`),
      w1: await matrix(`layers.${i}.feed_forward.w1.weight`),
      w2: await matrix(`layers.${i}.feed_forward.w2.weight`),
      w3: await matrix(`layers.${i}.feed_forward.w3.weight`),
    });
  }
  await source.assertUnchanged?.();
  return { config, tokEmbeddings, norm, output, layers };
}

/** Checks names, types, shapes and sizes of all tensors. Returns their bytes. */
export function assertTensors(source: TensorSource, config: ModelConfig): number {
  const known = new Set<string>();
  let bytesTotal = 0;
  for (const [name, shape] of expectedTensors(config)) {
    bytesTotal += assertTensor(name, shape, source.tensor(name));
    known.add(name);
  }
  for (const name of source.names()) {
    // a name that comes twice is as unknown as one that never should
    if (!known.delete(name)) {
      throw new ModelError({ code: "E_UNKNOWN_TENSOR", field: name, message: "more tensors than a LLaMA model has" });
    }
  }
  return bytesTotal;
}

/** Row `r` of a matrix in the bytes of its type; a view. */
export function matrixRow({ type, columns, data }: Matrix, r: number): Uint8Array {
  const bytes = rowBytes(type, columns);
  return data.subarray(r * bytes, (r + 1) * bytes);
}

/** Names and shapes of all tensors, in the order in which build 803 looks for them. */
export function* expectedTensors(config: ModelConfig): Generator<readonly [name: string, shape: readonly number[]]> {
  const { nVocab, nEmbd, nFf, nLayers } = config;
  const { kvDim } = derivedSizes(config);
  yield ["tok_embeddings.weight", [nVocab, nEmbd]];
  yield ["norm.weight", [nEmbd]];
  yield ["output.weight", [nVocab, nEmbd]];
  for (let i = 0; i < nLayers; i++) {
    yield [`layers.${i}.attention_norm.weight`, [nEmbd]];
    yield [`layers.${i}.attention.wq.weight`, [nEmbd, nEmbd]];
    yield [`layers.${i}.attention.wk.weight`, [kvDim, nEmbd]];
    yield [`layers.${i}.attention.wv.weight`, [kvDim, nEmbd]];
    yield [`layers.${i}.attention.wo.weight`, [nEmbd, nEmbd]];
    yield [`layers.${i}.ffn_norm.weight`, [nEmbd]];
    yield [`layers.${i}.feed_forward.w1.weight`, [nFf, nEmbd]];
    yield [`layers.${i}.feed_forward.w2.weight`, [nEmbd, nFf]];
    yield [`layers.${i}.feed_forward.w3.weight`, [nFf, nEmbd]];
  }
}

/** Returns the tensor's size. */
function assertTensor(name: string, shape: readonly number[], tensor: SourceTensor | undefined): number {
  if (tensor === undefined) {
    throw new ModelError({ code: "E_MISSING_TENSOR", field: name, message: "a tensor of the model is missing" });
  }
  const fail = (code: string, what: string, expected: string | number, got: string | number): never => {
    throw new ModelError({ code, field: name, expected, got, message: `${what} is ${got}, expected ${expected}` });
  };
  if (tensor.shape.length !== shape.length || tensor.shape.some((size, axis) => size !== shape[axis])) {
    fail("E_SHAPE", "shape", shape.join(" × "), tensor.shape.join(" × "));
  }
  const isVector = shape.length === 1;
  const isWeightType = BLOCK_TYPES.includes(tensor.type) && blockInfo(tensor.type).isWeightType;
  if (isVector ? tensor.type !== "f32" : !isWeightType) {
    fail("E_TENSOR_TYPE", "type", isVector ? "f32" : "a type that weights are multiplied in", tensor.type);
  }
  const columns = shape.at(-1)!;
  const { blockValues } = blockInfo(tensor.type);
  if (columns % blockValues !== 0) {
    fail("E_SHAPE", `row length for ${tensor.type}`, `a multiple of ${blockValues}`, columns);
  }
  const bytes = (isVector ? 1 : shape[0]!) * rowBytes(tensor.type, columns);
  if (tensor.byteLength !== bytes) fail("E_LENGTH", "size in bytes", bytes, tensor.byteLength);
  return bytes;
}
