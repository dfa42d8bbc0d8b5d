// What ll-quantize says about itself: the usage of build 803 of llama.cpp after a mistake, more on request.

import { blockInfo, FTYPES } from "@ll/quant";
import { QUANTIZE_OPTIONS } from "./quantize-arguments.ts";

/** Build 803 wrote the usage to standard error and the table to standard output. */
export function usage(bin: string): { readonly err: string; readonly out: string } {
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
  return { err, out: rows.join("") };
}

export function help(bin: string): string {
  const types = FTYPES.map(({ id, name, description, baseType }) => {
    const { blockBytes, blockValues } = blockInfo(baseType);
    const bits = ((8 * blockBytes) / blockValues).toFixed(2).padStart(5);
    return `  ${String(id).padStart(2)}  or  ${name.padEnd(6)} ${bits} bits  ${description.trim()}\n`;
  });
  const options = QUANTIZE_OPTIONS.map(({ names, placeholder = "", help }) => {
    return `  ${`${[...names].reverse().join(", ")} ${placeholder}`.padEnd(23)}${help}`;
  });
  return `Examples:
  ${bin} model-f16.bin model-q4_0.bin q4_0
  ${bin} model-f16.bin q5_K_M

Usage: ${bin} [options] IN [OUT] TYPE [NTHREADS]

Writes the ggjt file IN as another type. OUT: ggml-model-TYPE.bin beside IN if left out.
NTHREADS: threads that quantise, as many as there are cores if left out; a small model takes one. The file is the same with any number.
LL_KERNEL=scalar in the environment: no WebAssembly, as a check of it.

Options (before IN; -- ends them):
${options.join("\n")}

Types, by number or name, with the bits per weight of most tensors (output.weight is Q6_K where its size allows):
${types.join("")}`;
}
