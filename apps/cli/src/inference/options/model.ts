// Options that choose a model and how it computes.

import { availableParallelism } from "node:os";
import { DEFAULT_DRAFT_TOKENS, KV_TYPES, MAX_DRAFT_TOKENS } from "@ll/llama";
import { ARITHMETIC_NAMES } from "@ll/quant";
import { flagRow, valueRow } from "../../option-rows.ts";
import { invalidParameter } from "../../option-table.ts";
import type { RunParams } from "../params.ts";
import type { RunOption } from "./option.ts";

const GROUP = "Model";
const PERFORMANCE = "Performance";

/** More would only wait for each other, and take memory and minutes to start. */
export const MAX_THREADS: number = Math.min(256, Math.max(8, 2 * availableParallelism()));

export const MODEL_OPTIONS: readonly RunOption[] = [
  valueRow(
    GROUP,
    ["--model", "-m"],
    "path",
    { placeholder: "FILE", help: "model file", default: "models/7B/ggml-model.bin" },
    (p, v) => {
      p.model = v.text;
    },
  ),
  valueRow(GROUP, ["--lora"], "path", { placeholder: "FILE", help: "apply a LoRA adapter (ggla or GGUF)" }, (p, v) => {
    p.lora = v.text;
  }),
  valueRow(
    GROUP,
    ["--lora-base"],
    "path",
    { placeholder: "FILE", help: "f16 or f32 model whose weights the adapter is added to" },
    (p, v) => {
      p.loraBase = v.text;
    },
  ),
  valueRow(
    GROUP,
    ["--ctx-size", "-c"],
    "int",
    { placeholder: "N", help: "size of the context in tokens; 0 for the model's own", default: "512" },
    (p, v) => {
      p.contextTokens = v.number;
    },
  ),
  valueRow(
    GROUP,
    ["--rms-norm-eps", "-eps"],
    "float",
    { placeholder: "X", help: "epsilon of the RMS norm; 1e-5 for Llama-2", default: "1e-6" },
    (p, v) => {
      p.rmsNormEps = v.number;
    },
  ),
  valueRow(
    GROUP,
    ["--gqa", "-gqa"],
    "int",
    { placeholder: "N", help: "query heads per KV head; 8 for Llama-2 70B", default: "1" },
    (p, v) => {
      if (v.number < 1) throw invalidParameter(v.option, `expected at least 1, got ${v.text}`);
      p.gqa = v.number;
    },
  ),
  valueRow(
    GROUP,
    ["--rope-freq-base"],
    "float",
    { placeholder: "X", help: "base frequency of RoPE", default: "10000" },
    (p, v) => {
      p.ropeFreqBase = v.number;
    },
  ),
  valueRow(
    GROUP,
    ["--rope-freq-scale"],
    "float",
    { placeholder: "X", help: "factor on the positions of RoPE", default: "1" },
    (p, v) => {
      p.ropeFreqScale = v.number;
    },
  ),
  valueRow(
    GROUP,
    ["--rope-scale"],
    "float",
    { placeholder: "X", help: "the inverse of --rope-freq-scale", default: "1" },
    (p, v) => {
      p.ropeFreqScale = Math.fround(1 / v.number);
    },
  ),
  flagRow(GROUP, ["--memory-f32"], "keep keys and values as f32 instead of f16", (p) => {
    p.memoryF32 = true;
  }),
  ...(["k", "v"] as const).map((letter) =>
    valueRow<RunParams>(
      GROUP,
      [`--cache-type-${letter}`],
      "text",
      {
        placeholder: "TYPE",
        help: `type in which ${letter === "k" ? "keys" : "values"} are kept: q8_0 takes half of f16`,
        default: "f16",
        choices: KV_TYPES,
      },
      (p, v) => {
        const type = KV_TYPES.find((known) => known === v.text);
        if (type === undefined) throw invalidParameter(v.option, `expected ${KV_TYPES.join(", ")}, got ${v.text}`);
        p[letter === "k" ? "cacheTypeK" : "cacheTypeV"] = type;
      },
    ),
  ),
  valueRow(
    GROUP,
    ["--arithmetic"],
    "text",
    {
      placeholder: "NAME",
      help: "how numbers are rounded: build803, as for ggjt files, or lanes, as for GGUF files",
      default: "the file's own",
      choices: ARITHMETIC_NAMES,
    },
    (p, v) => {
      const name = ARITHMETIC_NAMES.find((known) => known === v.text);
      if (name === undefined)
        throw invalidParameter(v.option, `expected ${ARITHMETIC_NAMES.join(" or ")}, got ${v.text}`);
      p.arithmetic = name;
    },
  ),
  valueRow(
    PERFORMANCE,
    ["--threads", "-t"],
    "int",
    { placeholder: "N", help: "threads", default: "as many cores as help" },
    (p, v) => {
      if (v.number > 0) p.threads = Math.min(v.number, MAX_THREADS);
      if (v.number > MAX_THREADS) {
        p.notices.push(`warning: ${MAX_THREADS} threads instead of ${v.number}, which would wait for each other`);
      }
    },
  ),
  valueRow(
    PERFORMANCE,
    ["--batch-size", "-b"],
    "int",
    { placeholder: "N", help: "prompt tokens evaluated at a time, at most 512", default: "512" },
    (p, v) => {
      if (v.number < 1) throw invalidParameter(v.option, `expected at least 1, got ${v.text}`);
      p.batchTokens = Math.min(512, v.number);
    },
  ),
  draftRow(
    "--lookup",
    { help: "check so many tokens at once that followed the same words before", default: "0" },
    (p, n) => {
      p.lookup = n;
    },
  ),
  valueRow(
    PERFORMANCE,
    ["--draft-model"],
    "path",
    { placeholder: "FILE", help: "small model of the same vocabulary whose guesses are checked at once" },
    (p, v) => {
      p.draftModel = v.text;
    },
  ),
  draftRow(
    "--draft",
    { help: "tokens that --draft-model guesses at most", default: String(DEFAULT_DRAFT_TOKENS) },
    (p, n) => {
      p.draftTokens = n;
    },
  ),
];

function draftRow(
  name: `--${string}`,
  { help, default: shown }: { readonly help: string; readonly default: string },
  set: (params: RunParams, n: number) => void,
): RunOption {
  return valueRow(PERFORMANCE, [name], "int", { placeholder: "N", help, default: shown }, (p, v) => {
    if (v.number < 0 || v.number > MAX_DRAFT_TOKENS) {
      throw invalidParameter(v.option, `expected 0 to ${MAX_DRAFT_TOKENS}, got ${v.text}`);
    }
    set(p, v.number);
  });
}
