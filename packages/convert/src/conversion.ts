// A GGUF file that is planned, and written later: what a Hugging Face directory and another GGUF file have in common.

import type { ByteSink, SourceTensor } from "@ll/bytes";
import { type GgufPlan, tensorBytes, tensorType, type WritableValue } from "@ll/gguf";
import type { OutType } from "./convert-checkpoint.ts";
import type { ModelTotals, TensorStep, WorkOptions } from "./events.ts";
import { type FilePlan, ggufFile } from "./file-plan.ts";
import { choosePacker } from "./packing/choose-packer.ts";
import { createCopier } from "./packing/packer.ts";
import { copyPieces, packingPieces } from "./pieces.ts";
import { product } from "./shapes.ts";
import { type TensorWork, writeModel } from "./write-model.ts";

/** Type of the matrices of a GGUF file. "auto": that of the input, if it has two bytes for each weight; else f16. */
export type GgufOutType = OutType | "auto";

/** What the new file will be. */
export interface GgufConversion {
  readonly byteLength: number;
  /** In file order. */
  readonly tensors: readonly Omit<TensorStep, "index" | "total">[];
  readonly warnings: readonly string[];
}

/** Least values for which kernels are compiled, which takes as long as casting twenty million without. */
const KERNEL_VALUES = 2 ** 24;

const planned = /* @__PURE__ */ new WeakMap<GgufConversion, { file: FilePlan; works: readonly TensorWork[] }>();

/** @throws ConvertError `E_LIMIT` for what no file can hold */
export function plannedConversion(
  metadata: ReadonlyMap<string, WritableValue>,
  tensors: readonly (readonly [tensor: SourceTensor, toType: string])[],
  warnings: readonly string[],
): GgufConversion {
  const works = tensors.map(([tensor, toType]) => tensorWork(tensor, toType));
  const plan: GgufPlan = { metadata, tensors: works.map(({ name, shape, toType }) => ({ name, shape, type: toType })) };
  const file = ggufFile(plan);
  const conversion = { byteLength: file.byteLength, tensors: works.map(({ pieces, ...step }) => step), warnings };
  planned.set(conversion, { file, works });
  return conversion;
}

/**
 * Writes what `planHf` or `planGgufCopy` planned, in pieces of a few MiB. The caller commits or closes the sink.
 * @throws ConvertError `E_NUMBER` for finite weights that the new type cannot hold; IoError or FormatError if reading or the sink fails;
 *   the signal's reason
 */
export async function writeConversion(
  conversion: GgufConversion,
  sink: ByteSink,
  options: WorkOptions = {},
): Promise<ModelTotals> {
  const part = planned.get(conversion);
  if (part === undefined) throw new TypeError('"conversion" expected what planHf or planGgufCopy returned');
  options.signal?.throwIfAborted();
  const cast = conversion.tensors.filter(({ isCopied }) => !isCopied);
  const nValues = cast.reduce((sum, { shape }) => sum + product(shape), 0);
  const maxTier = nValues < KERNEL_VALUES ? "scalar" : undefined;
  const packer =
    cast.length === 0
      ? createCopier()
      : await choosePacker(cast, { maxTier, signal: options.signal, isGguf: true }, {});
  try {
    return await writeModel([{ ...part, sink }], packer, options, ({ tooLarge }) => tooLarge > 0);
  } finally {
    await packer.dispose();
  }
}

function tensorWork(tensor: SourceTensor, toType: string): TensorWork {
  const { name, shape, type, byteLength } = tensor;
  const isCopied = type === toType;
  return {
    name,
    shape,
    fromType: type,
    toType,
    isCopied,
    bytesIn: byteLength,
    bytesOut: tensorBytes(tensorType(toType), shape),
    pieces: () => (isCopied ? copyPieces(tensor) : packingPieces(tensor, toType)),
  };
}

/** Matrices that stay f32: small, or met by numbers that are not rounded. */
const ALWAYS_F32 = /(?:_norm|ffn_gate_inp|ffn_gate_inp_shexp|ssm_conv1d|shortconv\.conv)\.weight$/;

/** The type that a tensor gets, if matrices get this one. */
export function targetType({ name, shape }: SourceTensor, outType: OutType): string {
  if (shape.length === 1 || ALWAYS_F32.test(name) || !name.endsWith(".weight")) return "f32";
  return outType === "q8_0" && (shape.at(-1) as number) % 32 !== 0 ? "f16" : outType;
}
