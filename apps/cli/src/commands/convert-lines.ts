// Lines of ll-convert, in the form of convert.py of llama.cpp build 803.

import { type ModelParams, type TensorStep, unstoredParams } from "@ll/convert";

/** `[ 1/21] Writing tensor tok_embeddings.weight                  | size    340 x    256  | type UnquantizedDataType(name='F32')` */
export function tensorLine(step: TensorStep): string {
  const number = String(step.index + 1).padStart(String(step.total).length);
  const size = step.shape.map((length) => String(length).padStart(6)).join(" x ");
  return `[${number}/${step.total}] Writing tensor ${step.name.padEnd(38)} | size ${size.padEnd(16)} | type ${pythonType(step.toType)}`;
}

/** A type as Python shows convert.py's object for it. */
export function pythonType(type: string): string {
  if (type === "gptq") return "GPTQ";
  const isQuantized = type.startsWith("q4_");
  if (!isQuantized) return `UnquantizedDataType(name='${type.toUpperCase()}')`;
  const hasAddends = type.startsWith("q4_1") ? "True" : "False";
  return `QuantizedDataType(groupsize=32, have_addends=${hasAddends}, have_g_idx=False)`;
}

/** What `ll-main` has to be told to run this model as it was trained, such as `-eps 1e-5 -gqa 8`; empty if nothing. */
export function runOptions(params: ModelParams): string {
  const { normEps, queriesPerKvHead, ropeFreqBase, ropeFreqScale } = unstoredParams(params);
  const options = [
    normEps === undefined ? undefined : `-eps ${shortest(normEps)}`,
    queriesPerKvHead === undefined ? undefined : `-gqa ${queriesPerKvHead}`,
    ropeFreqBase === undefined ? undefined : `--rope-freq-base ${ropeFreqBase}`,
    ropeFreqScale === undefined ? undefined : `--rope-freq-scale ${ropeFreqScale}`,
  ];
  return options.filter((option) => option !== undefined).join(" ");
}

/** `1e-5`, where JavaScript would write 0.00001. */
function shortest(value: number): string {
  const [plain, exponential] = [String(value), value.toExponential()];
  return exponential.length < plain.length ? exponential : plain;
}
