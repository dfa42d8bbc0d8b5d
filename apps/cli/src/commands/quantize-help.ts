// What ll-quantize says about itself: the usage of build 803 of llama.cpp after a mistake, more on request.

import { blockInfo, FTYPES } from "@ll/quant";
import { helpRow } from "../option-table.ts";
import { wrapText } from "../text-wrap.ts";
import { QUANTIZE_OPTIONS } from "./quantize-arguments.ts";

/** Columns of the names of options, and of the names of types, in the help. */
const OPTION_COLUMNS = 26;
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

export function help(bin: string, columns: number): string {
  const types = FTYPES.flatMap(({ id, name, description, baseType }) => {
    const { blockBytes, blockValues } = blockInfo(baseType);
    const bits = ((8 * blockBytes) / blockValues).toFixed(2).padStart(5);
    const left = `  ${String(id).padStart(2)}  or  ${name.padEnd(6)} ${bits} bits`;
    return helpRow(left, description.trim(), columns, TYPE_COLUMNS);
  });
  const options = QUANTIZE_OPTIONS.flatMap(({ names, placeholder = "", help }) =>
    helpRow(`  ${[...names].reverse().join(", ")} ${placeholder}`.trimEnd(), help, columns, OPTION_COLUMNS),
  );
  const about = `Examples:
  ${bin} model-f16.bin model-q4_0.bin q4_0
  ${bin} model-f16.bin q5_K_M

Usage: ${bin} [options] IN [OUT] TYPE [NTHREADS]

Writes the ggjt file IN as another type. OUT: ggml-model-TYPE.bin beside IN if left out.
NTHREADS: threads that quantise, as many as there are cores if left out; a small model takes one. The file is the same with any number.
LL_KERNEL=scalar in the environment: no WebAssembly, as a check of it.

Options (before IN; -- ends them):
`;
  const typesHead =
    "Types, by number or name, with the bits per weight of most tensors (output.weight is Q6_K where its size allows):";
  return `${wrapText(about, columns)}${options.join("\n")}\n\n${wrapText(typesHead, columns)}\n${types.join("\n")}\n`;
}
