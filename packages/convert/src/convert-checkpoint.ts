// A model to a file in another container. Out of a checkpoint comes a file of unquantised weights, in a ggjt container byte for byte
// what convert.py of llama.cpp build 803 writes; out of a ggjt or GGUF file, weights can also be taken over as they are.

import { fileType, fileTypeOf, LAST_GGML_FILE_TYPE } from "@ll/architectures";
import type { ByteSink, SourceTensor } from "@ll/bytes";
import { asType, type CastType } from "@ll/checkpoint";
import { type GgmlPlan, tensorType as ggmlType } from "@ll/ggml-format";
import { type GgufPlan, tensorBytes, tensorType } from "@ll/gguf";
import { BLOCK_TYPES } from "@ll/quant";
import { ConvertError } from "./errors.ts";
import type { ModelTotals, WorkOptions } from "./events.ts";
import { type FilePlan, ggjtFile, ggufFile } from "./file-plan.ts";
import { modelMetadata, vocabMetadata } from "./gguf-metadata.ts";
import { ggufName } from "./gguf-tensors.ts";
import type { ModelContents, TokenRules } from "./model-contents.ts";
import { requireMult } from "./model-params.ts";
import { choosePacker } from "./packing/choose-packer.ts";
import { createCopier } from "./packing/packer.ts";
import { copyPieces, packingPieces } from "./pieces.ts";
import { product } from "./shapes.ts";
import { piecesOf } from "./vocab-pieces.ts";
import { type TensorWork, writeModel } from "./write-model.ts";

/** Type of the matrices in the new file; the last two only for GGUF. Vectors are always f32, and rows that are no whole blocks f16. */
export type OutType = "f32" | "f16" | "bf16" | "q8_0";

/**
 * The type that the matrices of a checkpoint get unless told otherwise: convert.py's choice, or for GGUF that of llama.cpp's converter of
 * today, two bytes for each weight. Undefined for quantised weights.
 */
export function usualOutType(weightType: string, container: Container): OutType | undefined {
  if (weightType === "f16") return "f16";
  if (weightType === "bf16") return container === "gguf" ? "bf16" : "f32";
  return weightType === "f32" || weightType === "f64" ? (container === "gguf" ? "f16" : "f32") : undefined;
}

/** Version of the ggjt container: 1, as convert.py wrote it, or 3. They differ in the types that they hold. Or GGUF version 3. */
export type Container = 1 | 3 | "gguf";

/**
 * Least values to be cast for which kernels are compiled, which takes as long as casting twenty million without. A model of
 * 4.4 GB went from f32 to f16 in 2.5 s with them and in 6.2 s without.
 */
const KERNEL_VALUES = 2 ** 24;

/** What matrices are cast from without a step between. */
const CAST_TYPES: ReadonlySet<string> = /* @__PURE__ */ new Set(["f32", "f16", "bf16"]);

/**
 * A model and what is to become of it: a `Checkpoint` of @ll/checkpoint has `params` and `tensors`, `contentsOfGguf` and
 * `contentsOfGgml` give everything.
 */
export interface ConvertInput extends ModelContents {
  /** "stored": the type that each matrix has, or f32 where the container does not hold that. */
  readonly outType: OutType | "stored";
  readonly container: Container;
}

/** Exact size of the file that `convertCheckpoint` writes, in bytes. @throws ConvertError as `convertCheckpoint`, before anything is written */
export function convertedBytes(input: ConvertInput): number {
  return planFile(input, typesOf(input)).byteLength;
}

/**
 * Writes the model to `sink`, reading and converting piece by piece: a few MiB are held at a time. The caller commits or
 * closes the sink. What a ggjt file has no place for is in `unstoredParams`.
 * @throws ConvertError `E_LIMIT` for what the container cannot hold, `E_DTYPE` for a tensor type that has no conversion, `E_VOCAB`,
 *   all before anything is written; `E_NUMBER` for finite weights that are beyond f16; IoError or FormatError if reading or the sink fails; the signal's reason
 */
export async function convertCheckpoint(
  input: ConvertInput,
  sink: ByteSink,
  options: WorkOptions = {},
): Promise<ModelTotals> {
  return convertWith(input, sink, options);
}

/** `convertCheckpoint` with kernels for small models as well, for tests. */
export async function convertWith(
  input: ConvertInput,
  sink: ByteSink,
  options: WorkOptions = {},
  kernelValues: number = KERNEL_VALUES,
): Promise<ModelTotals> {
  const types = typesOf(input);
  const file = planFile(input, types);
  options.signal?.throwIfAborted();
  const works = input.tensors.map((tensor, index) => tensorWork(tensor, types[index] as string));
  const cast = input.tensors.filter((tensor, index) => isCast(tensor, types[index] as string));
  const nValues = cast.reduce((sum, { shape }) => sum + product(shape), 0);
  const maxTier = nValues < kernelValues ? "scalar" : undefined;
  const packer =
    cast.length === 0 ? createCopier() : await choosePacker(works, { maxTier, signal: options.signal }, {});
  // a number that is none was none before: it is told, not refused
  return writeModel([{ file, works, sink }], packer, options, ({ tooLarge }) => tooLarge > 0);
}

/** Whether the matrix is rounded or widened piece by piece, and searched for values that its new type cannot hold. */
function isCast({ type, shape }: SourceTensor, toType: string): boolean {
  return shape.length > 1 && type !== toType && (toType !== "f32" || CAST_TYPES.has(type));
}

/** The type that each tensor gets. */
function typesOf({ tensors, outType, container }: ConvertInput): string[] {
  return tensors.map(({ shape, type }) => {
    if (shape.length === 1) return "f32";
    if (outType === "q8_0") return (shape.at(-1) as number) % 32 === 0 ? outType : "f16";
    if (outType !== "stored") return outType;
    return isHeld(type, container) ? type : "f32";
  });
}

/** Version 1 of ggjt names some block types too, but in layouts of its time. */
function isHeld(type: string, container: Container): boolean {
  if (container === "gguf") return isNameOf(tensorType, type);
  return (
    type === "f32" || type === "f16" || (container === 3 && BLOCK_TYPES.includes(type) && isNameOf(ggmlType, type))
  );
}

/** Whether a container has a type of this name. */
function isNameOf(lookUp: (name: string) => unknown, type: string): boolean {
  try {
    lookUp(type);
    return true;
  } catch {
    return false; // a RangeError: there is no such type
  }
}

function planFile(input: ConvertInput, types: readonly string[]): FilePlan {
  return input.container === "gguf" ? ggufFile(planGguf(input, types)) : ggjtFile(planGgjt(input, types));
}

function planGgjt(input: ConvertInput, types: readonly string[]): GgmlPlan {
  const { params, tensors, vocab, container } = input;
  const { nVocab, nEmbd, nHeads, nLayers } = params;
  const nRot = Math.floor(nEmbd / nHeads);
  const ftype = ftypeOf(input, types);
  return {
    version: container === 1 ? 1 : 3,
    hyperParams: { nVocab, nEmbd, nMult: requireMult(params), nHead: nHeads, nLayer: nLayers, nRot, ftype },
    vocab,
    tensors: tensors.map(({ name, shape }, index) => ({ name, shape, type: types[index] as string })),
  };
}

function planGguf(input: ConvertInput, types: readonly string[]): GgufPlan {
  const { params, tensors, vocab, pieces, addSpacePrefix } = input;
  const nFf = tensors.find(({ name }) => name === "layers.0.feed_forward.w1.weight")?.shape[0] ?? 0;
  const isQuantized = types.some((type) => tensorType(type).blockValues > 1);
  const known = pieces ?? piecesOf(vocab);
  if (known.length !== params.nVocab) {
    throw new ConvertError({
      code: "E_LIMIT",
      field: "vocab",
      expected: params.nVocab,
      got: known.length,
      message: `no model file can hold this: ${known.length} vocabulary entries for ${params.nVocab} ids`,
    });
  }
  return {
    metadata: new Map([
      ...modelMetadata(params, nFf, ftypeOf(input, types), isQuantized),
      ...vocabMetadata(known, addSpacePrefix, heldTokens(input)),
    ]),
    tensors: tensors.map(({ name, shape }, index) => ({ name: ggufName(name), shape, type: types[index] as string })),
  };
}

/** Without ids that the vocabulary does not have. */
function heldTokens({ params: { nVocab }, bosId, eosIds = [], addBos, addEos }: ConvertInput): TokenRules {
  const isHeldId = (id: number | undefined): boolean => id !== undefined && id < nVocab;
  return { bosId: isHeldId(bosId) ? bosId : undefined, eosIds: eosIds.filter(isHeldId), addBos, addEos };
}

/** The type asked for; else that of the source, if the container knows it; else that of most matrices. */
function ftypeOf({ outType, ftype, container, tensors }: ConvertInput, types: readonly string[]): number {
  if (outType !== "stored") return fileTypeOf(outType) ?? 0;
  const isKept = tensors.every(({ type }, index) => type === types[index]);
  const isNamed = (id: number) => container === "gguf" || (id <= LAST_GGML_FILE_TYPE && fileType(id) !== undefined);
  if (ftype !== undefined && isKept && isNamed(ftype)) return ftype;
  const counts = new Map<string, number>();
  for (const [index, { shape }] of tensors.entries()) {
    const type = types[index] as string;
    if (shape.length > 1) counts.set(type, (counts.get(type) ?? 0) + 1);
  }
  const [most = "f32"] = [...counts.keys()].sort((a, b) => (counts.get(b) ?? 0) - (counts.get(a) ?? 0));
  return fileTypeOf(most) ?? 0;
}

function tensorWork(tensor: SourceTensor, toType: string): TensorWork {
  const { name, shape, type, byteLength } = tensor;
  const byPacker = isCast(tensor, toType);
  // what the packer does not read becomes f32 first, and is rounded from there
  const source = byPacker && CAST_TYPES.has(type) ? tensor : convertedTensor(tensor, byPacker ? "f32" : toType);
  return {
    name,
    shape,
    fromType: type,
    toType,
    isCopied: type === toType,
    bytesIn: byteLength,
    bytesOut: tensorBytes(tensorType(toType), shape),
    pieces: () => (byPacker ? packingPieces(source, toType) : copyPieces(source)),
  };
}

/** The tensor as `toType`; nothing is read yet. @throws ConvertError `E_DTYPE` */
function convertedTensor(tensor: SourceTensor, toType: string): SourceTensor {
  if (tensor.type === toType) return tensor;
  try {
    return asType(tensor, toType as CastType); // a type that is not kept is one of these
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
