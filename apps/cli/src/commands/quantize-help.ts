// What ll-quantize says about itself: the usage of build 803 of llama.cpp after a mistake, more on request.

import { blockInfo, type FileType, FTYPES } from "@ll/quant";
import { helpRow } from "../option-table.ts";
import { wrapText } from "../text-wrap.ts";

/** Columns of the names of types in the help. */
const TYPE_COLUMNS = 29;

/** Build 803 wrote the usage to standard error and the table to standard output. */
export function usage(bin: string, columns = Number.POSITIVE_INFINITY): { readonly err: string; readonly out: string } {
  const err = [
    `usage: ${bin} [--help] [--allow-requantize] [--leave-output-tensor] model-f32.bin [model-quant.bin] type [nthreads]`,
    "",
    "  --allow-requantize: Allows requantizing tensors that have already been quantized. Warning: This can severely reduce quality compared to quantizing from 16bit or 32bit",
    "  --leave-output-tensor: Will leave output.weight un(re)quantized. Increases model size but may also increase quality, especially when requantizing",
    "",
    "Allowed quantization types:",
    "",
  ].join("\n");
  const rows = FTYPES.map(
    ({ id, name, description }) => `  ${String(id).padStart(2)}  or  ${name.padEnd(6)} : ${description}\n`,
  );
  return { err: wrapText(err, columns, 2), out: wrapText(rows.join(""), columns, 6) };
}

/** The table of types, for the help. */
export function typesHelp(columns: number, ggufTypes: readonly FileType[]): string {
  const typeRow = ({ id, name, description, baseType }: FileType): string[] => {
    if (id < 0) return helpRow(`        ${name.padEnd(6)}`, description, columns, TYPE_COLUMNS);
    const { blockBytes, blockValues } = blockInfo(baseType);
    const bits = ((8 * blockBytes) / blockValues).toFixed(2).padStart(5);
    const left = `  ${String(id).padStart(2)}  or  ${name.padEnd(6)} ${bits} bits`;
    return helpRow(left, description.trim(), columns, TYPE_COLUMNS);
  };
  const head =
    "Types, by number or name, with the bits per weight of most tensors (output.weight is Q6_K where its size allows):";
  return [
    wrapText(head, columns),
    ...FTYPES.flatMap(typeRow),
    "Types of GGUF files alone:",
    ...ggufTypes.flatMap(typeRow),
  ].join("\n");
}
