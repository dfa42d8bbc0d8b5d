// A GGUF file, or a set of them, to one GGUF file: metadata and vocabulary stay, and weights, too, unless they are to have another type.

import { fileTypeOf } from "@ll/architectures";
import type { GgufContents, WritableValue } from "@ll/gguf";
import { BLOCK_TYPES } from "@ll/quant";
import { type GgufConversion, type GgufOutType, plannedConversion, targetType } from "./conversion.ts";
import { ConvertError } from "./errors.ts";
import { writableMetadata } from "./gguf-copy.ts";

/**
 * Plans the copy: the header is read, no weight is.
 * @param outType undefined or "auto": every tensor stays what it is
 * @param overrides metadata that goes before that of the file
 * @throws ConvertError `E_DTYPE` for a type whose values cannot be read; GgufFormatError, IoError
 */
export async function planGgufCopy(
  { metadata, tensors }: Pick<GgufContents, "metadata" | "tensors">,
  outType?: GgufOutType,
  overrides: ReadonlyMap<string, WritableValue> = new Map(),
): Promise<GgufConversion> {
  const values = await writableMetadata(metadata);
  for (const key of ["split.no", "split.count", "split.tensors.count"]) values.delete(key);
  for (const [key, value] of overrides) values.set(key, value);
  if (outType === undefined || outType === "auto") {
    return plannedConversion(
      values,
      tensors.map((tensor) => [tensor, tensor.type] as const),
      [],
    );
  }
  values.set("general.file_type", { type: "u32", value: fileTypeOf(outType) ?? 0 });
  const typed = tensors.map((tensor) => {
    const toType = targetType(tensor, outType);
    if (toType !== tensor.type && !BLOCK_TYPES.includes(tensor.type)) {
      const { name, type } = tensor;
      const message = `tensor '${name}' of type ${type} cannot be converted to ${toType}`;
      throw new ConvertError({ code: "E_DTYPE", field: name, expected: BLOCK_TYPES.join(", "), got: type, message });
    }
    return [tensor, toType] as const;
  });
  return plannedConversion(values, typed, []);
}
