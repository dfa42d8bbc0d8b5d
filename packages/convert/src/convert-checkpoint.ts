// A checkpoint to a model file of unquantised weights, byte for byte what convert.py of llama.cpp build 803 writes.

import type { ByteSink } from "@ll/bytes";
import { asType, type SourceTensor } from "@ll/checkpoint";
import { type GgmlPlan, tensorBytes, tensorType, type VocabEntry } from "@ll/ggml-format";
import { plannedBytes } from "./checked-plan.ts";
import { ConvertError } from "./errors.ts";
import type { ModelTotals, WorkOptions } from "./events.ts";
import type { ModelParams } from "./model-params.ts";
import { copyPieces } from "./pieces.ts";
import { type TensorWork, writeModel } from "./write-model.ts";

/** Type of the matrices in the new file. Vectors are always f32. */
export type OutType = "f32" | "f16";

/** File type ids, which are the tensor type ids of the two. */
const FTYPE = { f32: 0, f16: 1 } as const;

/** A model and what is to become of it; a `Checkpoint` of @ll/checkpoint has `params` and `tensors`. */
export interface ConvertInput {
  readonly params: ModelParams;
  /** Under the names and in the order of the new file, of any type that `asType` of @ll/checkpoint takes. */
  readonly tensors: readonly SourceTensor[];
  /** As many entries as `params.nVocab` says. */
  readonly vocab: readonly VocabEntry[];
  readonly outType: OutType;
  /** Version of the ggjt container: 1, as convert.py wrote it, or 3. Nothing else differs between them. */
  readonly container: 1 | 3;
}

/** Exact size of the file that `convertCheckpoint` writes, in bytes. @throws ConvertError `E_LIMIT` for a file that nobody could read */
export function convertedBytes(input: ConvertInput): number {
  return plannedBytes(planFile(input));
}

/**
 * Writes the model to `sink`, reading and converting piece by piece: a few MiB are held at a time. The caller commits or
 * closes the sink. What the file has no place for is in `unstoredParams`.
 * @throws ConvertError `E_LIMIT` as `convertedBytes`, `E_DTYPE` for a tensor type that has no conversion, both before anything is
 *   written; IoError or FormatError if reading or the sink fails; the signal's reason
 */
export async function convertCheckpoint(
  input: ConvertInput,
  sink: ByteSink,
  options: WorkOptions = {},
): Promise<ModelTotals> {
  const plan = planFile(input);
  plannedBytes(plan);
  const works = input.tensors.map((tensor) => tensorWork(tensor, typeIn(tensor, input.outType)));
  return writeModel(sink, plan, works, options);
}

function planFile({ params, tensors, vocab, outType, container }: ConvertInput): GgmlPlan {
  const { nVocab, nEmbd, nMult, nHeads, nLayers } = params;
  const nRot = Math.floor(nEmbd / nHeads);
  return {
    version: container,
    hyperParams: { nVocab, nEmbd, nMult, nHead: nHeads, nLayer: nLayers, nRot, ftype: FTYPE[outType] },
    vocab,
    tensors: tensors.map((tensor) => ({ name: tensor.name, shape: tensor.shape, type: typeIn(tensor, outType) })),
  };
}

function typeIn(tensor: SourceTensor, outType: OutType): OutType {
  return tensor.shape.length === 1 ? "f32" : outType;
}

function tensorWork(tensor: SourceTensor, toType: OutType): TensorWork {
  const { name, shape, type, byteLength } = tensor;
  const converted = convertedTensor(tensor, toType);
  return {
    name,
    shape,
    fromType: type,
    toType,
    isCopied: type === toType,
    bytesIn: byteLength,
    bytesOut: tensorBytes(tensorType(toType), shape),
    pieces: () => copyPieces(converted),
  };
}

/** The tensor as `toType`; nothing is read yet. @throws ConvertError `E_DTYPE` */
function convertedTensor(tensor: SourceTensor, toType: OutType): SourceTensor {
  try {
    return asType(tensor, toType);
  } catch (cause) {
    throw new ConvertError({
      code: "E_DTYPE",
      field: tensor.name,
      expected: "floating-point or small integer values",
      got: tensor.type,
      message: `tensor '${tensor.name}' of type ${tensor.type} cannot be converted to ${toType}`,
      cause,
    });
  }
}
