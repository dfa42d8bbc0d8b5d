// A model file to a smaller one, byte for byte what the quantize program of llama.cpp build 803 writes.

import type { ByteSink } from "@ll/bytes";
import type { URL } from "@ll/bytes/workers";
import { type GgmlFile, type GgmlPlan, type GgmlTensor, tensorBytes, tensorType } from "@ll/ggml-format";
import { type KernelTier, type PlannedTensor, type PlanOptions, planQuantization } from "@ll/quant";
import { ConvertError } from "./errors.ts";
import type { ModelTotals, WorkOptions } from "./events.ts";
import { ggjtFile } from "./file-plan.ts";
import { choosePacker, type PackerSeams } from "./packing/choose-packer.ts";
import { checkedPieces, packingPieces } from "./pieces.ts";
import { type TensorWork, writeModel } from "./write-model.ts";

/** What decides the bytes of the new file. */
export interface QuantizeTarget extends PlanOptions {
  /** Id of the new file's type, one of `FTYPES` of @ll/quant. */
  readonly ftype: number;
}

export interface QuantizeOptions extends QuantizeTarget, WorkOptions {
  /**
   * Most threads that pack, 1 if absent. More than one are workers, while this one reads and writes; they are started if each
   * has some 30 ms of work (40 million values to q4_0, 10 million to a K type, none to f16 or f32), at most eight. The bytes are
   * the same with any number.
   */
  readonly threads?: number | undefined;
  /**
   * Address of the file `@ll/convert/worker`, or on Node its path, for bundles that leave it out or put it elsewhere. Default:
   * `convert-worker.js` beside this code.
   */
  readonly workerUrl?: string | URL | undefined;
  /** Highest tier of kernels to be used; "scalar" is `packRows` of @ll/quant. */
  readonly maxTier?: KernelTier | undefined;
}

/**
 * Exact size of the file that `quantizeModel` writes, in bytes. Nothing but the header of `file` is read.
 * @throws QuantizationError of @ll/quant if a tensor or the file type is refused; ConvertError `E_MISMATCH`
 */
export function quantizedBytes(file: GgmlFile, target: QuantizeTarget): number {
  return ggjtFile(planFile(file, target).plan).byteLength;
}

/**
 * Writes `file` to `sink` as ggjt v3 of another type, in pieces of about a MiB that are read, packed and written at the same
 * time: about 15 MiB are held with one thread, 25 by each worker. The caller commits or closes the sink.
 * @throws as `quantizedBytes`, RangeError for a number of threads that is none, both before anything is written; ConvertError
 *   `E_NUMBER` for NaN, infinite weights and those beyond the scales of the new type; WorkerError;
 *   IoError if reading or the sink fails; the signal's reason
 */
export async function quantizeModel(file: GgmlFile, sink: ByteSink, options: QuantizeOptions): Promise<ModelTotals> {
  return quantizeWith(file, sink, options);
}

/** `quantizeModel` with other workers, or with workers for small models as well, for tests. */
export async function quantizeWith(
  file: GgmlFile,
  sink: ByteSink,
  options: QuantizeOptions,
  seams: PackerSeams = {},
): Promise<ModelTotals> {
  const { plan, tensors } = planFile(file, options);
  const newFile = ggjtFile(plan);
  options.signal?.throwIfAborted();
  const works = tensors.map((planned, index) => tensorWork(file.tensors[index] as GgmlTensor, planned));
  const packer = await choosePacker(works, options, seams);
  try {
    return await writeModel([{ file: newFile, works, sink }], packer, options, () => true);
  } finally {
    await packer.dispose();
  }
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

function tensorWork(tensor: GgmlTensor, { targetType, isCopied }: PlannedTensor): TensorWork {
  const { name, shape, type, byteLength } = tensor;
  return {
    name,
    shape,
    fromType: type,
    toType: targetType,
    isCopied,
    bytesIn: byteLength,
    bytesOut: tensorBytes(tensorType(targetType), shape),
    pieces: () => (isCopied ? checkedPieces(tensor) : packingPieces(tensor, targetType)),
  };
}
