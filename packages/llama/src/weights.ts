// The tensors of a model, checked against its config before memory is asked for, then read into typed arrays.

import { type Graph, metaName, metaTensors, type Weight } from "@ll/architectures";
import { type AbortSignal, allocate, type SourceTensor, type TensorSource } from "@ll/bytes";
import { BLOCK_TYPES, blockInfo, rowBytes } from "@ll/quant";
import { assertConfig, type ModelConfig } from "./config.ts";
import { assertTensorSource, ModelError } from "./errors.ts";
import { fingerprintOf } from "./fingerprint.ts";
import { architectureOf, graphOf } from "./model-graph.ts";

/** A weight in the bytes of its type. */
export interface Tensor {
  readonly type: string;
  readonly columns: number;
  readonly data: Uint8Array; // (rows, bytes of a row)
}

/** All weights of a model in memory. */
export interface Weights {
  readonly config: ModelConfig;
  readonly graph: Graph;
  /** By the role of a weight, such as `blk.3.attn_q.weight`. */
  readonly tensors: ReadonlyMap<string, Tensor>;
  readonly fingerprint: bigint;
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
  readonly signal?: AbortSignal | undefined;
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
  const { graph, tensors: found, bytes: bytesTotal } = findTensors(source, config);
  const tensors = new Map<string, Tensor>();
  let bytesLoaded = 0;
  for (const [role, { name, tensor }] of found) {
    const { byteLength, type, shape } = tensor;
    const data = allocate(`${name} (${byteLength} bytes)`, () => new Uint8Array(byteLength));
    for (let offset = 0; offset < byteLength; offset += PIECE_BYTES) {
      options.signal?.throwIfAborted();
      await tensor.read(offset, data.subarray(offset, offset + PIECE_BYTES));
    }
    bytesLoaded += byteLength;
    options.onEvent?.({ kind: "tensor-loaded", name, bytes: byteLength, bytesLoaded, bytesTotal });
    tensors.set(role, { type, columns: shape.at(-1)!, data });
  }
  const fingerprint = await fingerprintOf(source);
  await source.assertUnchanged?.();
  return { config, graph, tensors, fingerprint };
}

/** The tensors that a model's operations want, where they are. */
export interface FoundTensors {
  readonly graph: Graph;
  /** By role, in the order of the source. */
  readonly tensors: ReadonlyMap<string, FoundTensor>;
  /** Of all of them. */
  readonly bytes: number;
}

export interface FoundTensor {
  /** In the source. */
  readonly name: string;
  readonly tensor: SourceTensor;
}

/**
 * Checks names, types, shapes and sizes of all tensors while the operations are recorded, so that no more is recorded than the source
 * has tensors for.
 * @throws ModelError as `loadWeights`
 */
export function findTensors(source: TensorSource, config: ModelConfig): FoundTensors {
  assertTensorSource(source);
  assertConfig(config);
  const { names, isUnused } = architectureOf(config.architecture);
  const present = new Set(source.names());
  const isMeta = !present.has("token_embd.weight");
  const found = new Map<string, FoundTensor>(); // by role
  const graph = graphOf(config, {
    // files with Meta's names know no tensor that may be left out
    has: (role) => (isMeta ? metaName(names, role) !== undefined : present.has(role)),
    onWeight(weight) {
      const name = isMeta ? (metaName(names, weight.role) ?? weight.role) : weight.role;
      const tensor = source.tensor(name);
      assertTensor(name, weight, tensor);
      found.set(weight.role, { name, tensor });
    },
  });
  const roles = new Map([...found].map(([role, { name }]) => [name, role]));
  const tensors = new Map<string, FoundTensor>();
  let bytes = 0;
  for (const name of source.names()) {
    if (isUnused?.(name, config)) continue;
    const role = roles.get(name);
    // a name that comes twice is as unknown as one that never should
    if (role === undefined || tensors.has(role)) {
      throw new ModelError({
        code: "E_UNKNOWN_TENSOR",
        field: name,
        message: "more tensors than this kind of model has",
      });
    }
    const one = found.get(role)!;
    tensors.set(role, one);
    bytes += one.tensor.byteLength;
  }
  return { graph, tensors, bytes };
}

/**
 * Checks that a model's tensors are those of its config and that their types can be computed with. Reads no weights.
 * @throws ModelError as `loadWeights`
 */
export function checkTensors(source: TensorSource, config: ModelConfig): void {
  findTensors(source, config);
}

/** Rows of a tensor, those of all experts. */
function nRowsOf(shape: readonly number[]): number {
  return shape.slice(0, -1).reduce((product, size) => product * size, 1);
}

/** From one expert to the next, in rows of a tensor. */
export function expertRows({ nExperts, tensorShape }: Weight): number {
  return nExperts === undefined ? 0 : tensorShape[1]!;
}

/** Row `r` of a matrix in the bytes of its type; a view. */
export function matrixRow({ type, columns, data }: Tensor, r: number): Uint8Array {
  const bytes = rowBytes(type, columns);
  return data.subarray(r * bytes, (r + 1) * bytes);
}

/** Names and shapes of all tensors, in the order in which build 803 looks for them. */
export function expectedTensors(config: ModelConfig): Generator<readonly [name: string, shape: readonly number[]]> {
  return metaTensors(architectureOf(config.architecture), config);
}

function assertTensor(
  name: string,
  { form, tensorShape: shape }: Weight,
  tensor: SourceTensor | undefined,
): asserts tensor is SourceTensor {
  if (tensor === undefined) {
    throw new ModelError({ code: "E_MISSING_TENSOR", field: name, message: "a tensor of the model is missing" });
  }
  const fail = (code: string, what: string, expected: string | number, got: string | number): never => {
    throw new ModelError({ code, field: name, expected, got, message: `${what} is ${got}, expected ${expected}` });
  };
  if (tensor.shape.length !== shape.length || tensor.shape.some((size, axis) => size !== shape[axis])) {
    fail("E_SHAPE", "shape", shape.join(" × "), tensor.shape.join(" × "));
  }
  const isWeightType = BLOCK_TYPES.includes(tensor.type) && blockInfo(tensor.type).isWeightType;
  if (form === "numbers" ? tensor.type !== "f32" : !isWeightType) {
    fail("E_TENSOR_TYPE", "type", form === "numbers" ? "f32" : "a type that weights are multiplied in", tensor.type);
  }
  const columns = shape.at(-1)!;
  const { blockValues } = blockInfo(tensor.type);
  if (columns % blockValues !== 0) {
    fail("E_SHAPE", `row length for ${tensor.type}`, `a multiple of ${blockValues}`, columns);
  }
  const bytes = nRowsOf(shape) * rowBytes(tensor.type, columns);
  if (tensor.byteLength !== bytes) fail("E_LENGTH", "size in bytes", bytes, tensor.byteLength);
}
