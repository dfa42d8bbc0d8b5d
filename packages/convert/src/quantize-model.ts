// A model file to a smaller one, byte for byte what the quantize program of llama.cpp build 803 writes.

import type { ByteSink } from "@ll/bytes";
import { type GgmlFile, type GgmlPlan, type GgmlTensor, tensorBytes, tensorType } from "@ll/ggml-format";
import { type PlannedTensor, type PlanOptions, packRows, planQuantization, toolHistogram } from "@ll/quant";
import { ConvertError } from "./errors.ts";
import type { ModelTotals, WorkOptions } from "./events.ts";
import { ggjtFile } from "./file-plan.ts";
import { copyPieces, type PackRows, packedPieces } from "./pieces.ts";
import { type TensorWork, writeModel } from "./write-model.ts";

/** What decides the bytes of the new file. */
export interface QuantizeTarget extends PlanOptions {
  /** Id of the new file's type, one of `FTYPES` of @ll/quant. */
  readonly ftype: number;
}

export interface QuantizeOptions extends QuantizeTarget, WorkOptions {
  /** Where rows are packed; in this thread, with `packRows` of @ll/quant, if absent. */
  readonly pack?: PackRows;
}

/**
 * Exact size of the file that `quantizeModel` writes, in bytes. Nothing but the header of `file` is read.
 * @throws QuantizationError of @ll/quant if a tensor or the file type is refused; ConvertError `E_MISMATCH`
 */
export function quantizedBytes(file: GgmlFile, target: QuantizeTarget): number {
  return ggjtFile(planFile(file, target).plan).byteLength;
}

/**
 * Writes `file` to `sink` as ggjt v3 of another type, reading and packing piece by piece: about 3 MiB are held at a time.
 * The caller commits or closes the sink.
 * @throws as `quantizedBytes`, before anything is written; IoError if reading or the sink fails; the signal's reason
 */
export async function quantizeModel(file: GgmlFile, sink: ByteSink, options: QuantizeOptions): Promise<ModelTotals> {
  const { plan, tensors } = planFile(file, options);
  const pack = options.pack ?? packRows;
  const works = tensors.map((planned, index) => tensorWork(file.tensors[index] as GgmlTensor, planned, pack));
  return writeModel(sink, ggjtFile(plan), works, options);
}

function planFile(file: GgmlFile, target: QuantizeTarget): { plan: GgmlPlan; tensors: PlannedTensor[] } {
  const tensors = planQuantization(file.tensors, target.ftype, target);
  const { nVocab } = file.hyperParams;
  if (file.vocab.length !== nVocab) {
    throw new ConvertError({
      code: "E_MISMATCH",
      file: file.name,
      field: "vocab",
      expected: nVocab,
      got: file.vocab.length,
      message: `the vocabulary holds ${file.vocab.length} of ${nVocab} entries`,
    });
  }
  const plan: GgmlPlan = {
    version: 3,
    hyperParams: { ...file.hyperParams, ftype: target.ftype },
    vocab: file.vocab,
    tensors: tensors.map(({ name, shape, targetType }) => ({ name, shape, type: targetType })),
  };
  return { plan, tensors };
}

function tensorWork(tensor: GgmlTensor, { targetType, isCopied }: PlannedTensor, pack: PackRows): TensorWork {
  const { name, shape, type, byteLength } = tensor;
  return {
    name,
    shape,
    fromType: type,
    toType: targetType,
    isCopied,
    bytesIn: byteLength,
    bytesOut: tensorBytes(tensorType(targetType), shape),
    pieces: (histogram) =>
      isCopied ? copyPieces(tensor) : counted(packedPieces(tensor, targetType, pack), targetType, histogram),
  };
}

/** The pieces as they are; adds what build 803 counts in them to `histogram` (16). */
async function* counted(
  pieces: AsyncIterable<Uint8Array>,
  type: string,
  histogram: Float64Array,
): AsyncGenerator<Uint8Array, void, void> {
  for await (const piece of pieces) {
    toolHistogram(type, piece, histogram);
    yield piece;
  }
}
