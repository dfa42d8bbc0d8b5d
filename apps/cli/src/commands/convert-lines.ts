// Lines of ll-convert, in the form of convert.py of llama.cpp build 803.

import { type LostValues, type ModelParams, type TensorStep, type TokenRules, unstoredParams } from "@ll/convert";

/** `[ 1/21] Writing tensor tok_embeddings.weight                  | size    340 x    256  | type UnquantizedDataType(name='F32')` */
export function tensorLine(step: TensorStep): string {
  const number = String(step.index + 1).padStart(String(step.total).length);
  const size = step.shape.map((length) => String(length).padStart(6)).join(" x ");
  return `[${number}/${step.total}] Writing tensor ${step.name.padEnd(38)} | size ${size.padEnd(16)} | type ${writtenType(step.toType)}`;
}

/** Types that convert.py did not write go by their names. */
function writtenType(type: string): string {
  return type === "f32" || type === "f16" ? pythonType(type) : type;
}

/** A type as Python shows convert.py's object for it. */
export function pythonType(type: string): string {
  if (type === "gptq") return "GPTQ";
  const isQuantized = type.startsWith("q4_");
  if (!isQuantized) return `UnquantizedDataType(name='${type.toUpperCase()}')`;
  const hasAddends = type.startsWith("q4_1") ? "True" : "False";
  return `QuantizedDataType(groupsize=32, have_addends=${hasAddends}, have_g_idx=False)`;
}

/** Tokens that end an answer, for which a GGUF file has a place. */
const GGUF_ENDS = 3;

/** What the file loses of the tokens around a text; empty if nothing. */
export function lostTokens(
  { bosId = 1, eosIds = [], addBos = true, addEos = false }: TokenRules,
  nVocab: number,
  isGguf: boolean,
): string[] {
  const unknown = [bosId, ...eosIds].filter((id) => id >= nVocab);
  const ends = eosIds.filter((id) => id < nVocab);
  const lost = isGguf ? ends.slice(GGUF_ENDS) : ends.filter((id) => id !== 2);
  return [
    unknown.length === 0
      ? ""
      : `token ${unknown.join(", ")} begins or ends a text, and the vocabulary does not have it`,
    lost.length === 0 ? "" : `the model ends its answers with token ${lost.join(", ")}`,
    isGguf || bosId === 1 || bosId >= nVocab ? "" : `the model begins a text with token ${bosId}`,
    isGguf || addBos ? "" : "the model begins no text with BOS",
    isGguf || !addEos ? "" : "the model ends a text with EOS",
  ]
    .filter((line) => line !== "")
    .map((line) => `The file cannot say so: ${line}${isGguf ? "" : " (a GGUF file can: --container gguf)"}`);
}

/** Weights that are no finite numbers in the new file. */
export function lostText(tensor: string, { nan, infinite, tooLarge }: LostValues): string {
  const counts = [
    [nan, "NaN"],
    [infinite, "infinite"],
    [tooLarge, "too large for the new type"],
  ] as const;
  const found = counts.filter(([count]) => count > 0).map(([count, what]) => `${count} ${what}`);
  return `weights of ${tensor} that are no numbers, and spoil what the model says: ${found.join(", ")}`;
}

/** What `ll-main` has to be told to run this model as it was trained, such as `-eps 1e-5 -gqa 8`; empty if nothing. */
export function runOptions(params: ModelParams): string {
  const { normEps, queriesPerKvHead, ropeFreqBase, ropeFreqScale } = unstoredParams(params);
  const options = [
    normEps === undefined ? undefined : `-eps ${brief(shortest(normEps))}`,
    queriesPerKvHead === undefined ? undefined : `-gqa ${queriesPerKvHead}`,
    ropeFreqBase === undefined ? undefined : `--rope-freq-base ${shortest(ropeFreqBase)}`,
    ropeFreqScale === undefined ? undefined : `--rope-freq-scale ${shortest(ropeFreqScale)}`,
  ];
  return options.filter((option) => option !== undefined).join(" ");
}

/** The number with the fewest digits that is the same in binary32: 1e-5 for 0.000009999999747378752. */
function shortest(value: number): number {
  for (let digits = 1; digits <= 9; digits++) {
    const number = Number(value.toPrecision(digits));
    if (Math.fround(number) === Math.fround(value)) return number;
  }
  return value;
}

/** `1e-5`, where JavaScript would write 0.00001. */
function brief(value: number): string {
  const [plain, exponential] = [String(value), value.toExponential()];
  return exponential.length < plain.length ? exponential : plain;
}
