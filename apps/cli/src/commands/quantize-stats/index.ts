// ll-quantize-stats: how far quantisation would move the weights of a model, type by type, before anything is written.

import { stat } from "node:fs/promises";
import { basename } from "node:path";
import { printable, type SourceTensor } from "@ll/bytes";
import { assertWritable, createOutFile } from "@ll/bytes/node";
import { openModelFile } from "@ll/model";
import { BLOCK_TYPES, blockInfo } from "@ll/quant";
import type { Command, Io } from "../../command.ts";
import { Refusal, UsageError } from "../../errors.ts";
import { ExitCode } from "../../exit-codes.ts";
import { openModelSource } from "../../model-path.ts";
import { flagRow, jsonRow, noTruncateRow, quietRow, valueRow } from "../../option-rows.ts";
import { invalidParameter, type OptionSpec } from "../../option-table.ts";
import { type Program, readArguments, usageError } from "../../program.ts";
import { createProgress } from "../../progress.ts";
import { closest } from "../../suggest.ts";
import { tableColumns } from "../../text-table.ts";
import { fits, type MeasuredTensor, matricesOf, measureTensor } from "./measure.ts";
import { worstPicture } from "./picture.ts";
import { type StatsReport, statsReport, worstFirst } from "./report.ts";
import { statsText } from "./report-text.ts";

interface StatsParams {
  include: string | undefined;
  worst: number;
  svg: string | undefined;
  histogram: boolean;
  json: boolean;
  quiet: boolean;
  truncate: boolean;
  progress: boolean;
}

/** Types of weights that lose something and that can be made here. */
export const LOSSY_TYPES: readonly string[] = BLOCK_TYPES.filter((type) => {
  const { isWeightType, isQuantized, canPack } = blockInfo(type);
  return isWeightType && isQuantized && canPack;
});

export const QUANTIZE_STATS_OPTIONS: readonly OptionSpec<StatsParams>[] = [
  valueRow(
    "Tensors",
    ["--include"],
    "text",
    { placeholder: "TEXT", help: "only tensors with this text in their names" },
    (params, { text }) => {
      params.include = text;
    },
  ),
  valueRow(
    "Output",
    ["--worst"],
    "int",
    { placeholder: "N", help: "tensors to show and to draw, worst first", default: "10" },
    (params, { number, option }) => {
      if (number < 1) throw invalidParameter(option, `expected at least 1, got ${number}`);
      params.worst = number;
    },
  ),
  valueRow(
    "Output",
    ["--svg"],
    "path",
    { placeholder: "FILE", help: "draw the worst tensors as a picture" },
    (params, { text }) => {
      params.svg = text;
    },
  ),
  flagRow("Output", ["--histogram"], "show how errors and levels are distributed", (params) => {
    params.histogram = true;
  }),
  jsonRow("one JSON object with everything, distributions included"),
  quietRow("only the rmse of each type, behind its name"),
  noTruncateRow(),
  flagRow("Output", ["--no-progress"], "no progress line on standard error", (params) => {
    params.progress = false;
  }),
];

const PROGRAM: Program<StatsParams> = {
  examples: ["ggml-model-f16.bin q4_0 q5_1", "ggml-model-f16.bin --include layers.0. --svg worst.svg"],
  usage: "[options] MODEL [TYPE…]",
  description: [
    "Packs every matrix of an f16 or f32 model as every TYPE, unpacks it again, and shows how far the weights moved.",
    `Types: ${LOSSY_TYPES.join(" ")}; all that fit if none is named.`,
  ].join("\n"),
  options: QUANTIZE_STATS_OPTIONS,
};

export const quantizeStatsCommand: Command = async (bin, argv, io) => {
  const params: StatsParams = {
    include: undefined,
    worst: 10,
    svg: undefined,
    histogram: false,
    json: false,
    quiet: false,
    truncate: true,
    progress: true,
  };
  const positionals = await readArguments(PROGRAM, bin, argv, params, io);
  if (positionals === undefined) return ExitCode.ok;
  const [model, ...words] = positionals;
  if (model === undefined) throw usageError(PROGRAM, bin, "no model given");
  if (LOSSY_TYPES.includes(model.toLowerCase()) && !(await isThere(model))) {
    throw new UsageError(`"${model}" is a type, not a model`, "the model stands first, its types behind it");
  }
  const types = words.length === 0 ? LOSSY_TYPES : [...new Set(words.map(typeNamed))];
  if (params.svg !== undefined) await assertWritable(params.svg, [model]);
  const report = await measureModel(model, types, params, io);
  if (params.svg !== undefined) await writePicture(params.svg, model, report, params.worst, io);
  if (params.json) io.out.write(`${JSON.stringify(report, null, 2)}\n`);
  else if (params.quiet) io.out.write(report.types.map(({ type, rmse }) => `${type} ${rmse}\n`).join(""));
  else io.out.write(statsText(report, { ...params, columns: tableColumns(io.out, io.env, params) }));
  return ExitCode.ok;
};

function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

function typeNamed(word: string): string {
  const type = LOSSY_TYPES.find((name) => name.toLowerCase() === word.toLowerCase());
  if (type !== undefined) return type;
  const suggestion = closest(word, LOSSY_TYPES);
  const hint = suggestion === undefined ? LOSSY_TYPES.join(" ") : `Did you mean ${suggestion}?`;
  throw new UsageError(`"${word}" is no type to quantise to`, hint);
}

async function measureModel(
  model: string,
  types: readonly string[],
  { include, progress: isShown, quiet }: StatsParams,
  io: Io,
): Promise<StatsReport> {
  const source = await openModelSource(model);
  try {
    const file = await openModelFile(source);
    for (const warning of file.warnings) io.err.write(`warning: ${printable(warning, 512)}\n`);
    const matrices = matricesOf(file.tensors.filter(({ name }) => name.includes(include ?? "")));
    if (matrices.length === 0) throw new Refusal(`no matrix to measure in ${model}`);
    const fitting = types.filter((type) => matrices.some((tensor) => fits(tensor, type)));
    const others = types.filter((type) => !fitting.includes(type));
    if (others.length > 0) io.err.write(`no row of this model is a whole number of blocks of ${others.join(", ")}\n`);
    if (fitting.length === 0) throw new Refusal("none of the types fits this model");

    const total = matrices.reduce((sum, tensor) => sum + workOf(tensor, fitting), 0);
    const progress = createProgress(io, { total, enabled: isShown && !quiet });
    const measured: MeasuredTensor[] = [];
    let done = 0;
    for (const [index, tensor] of matrices.entries()) {
      const onValues = (count: number): void => {
        done += count;
        progress.update(done, `[${index + 1}/${matrices.length}] ${printable(tensor.name)}`);
      };
      measured.push(await measureTensor(tensor, fitting, onValues));
    }
    progress.finish();
    await source.assertUnchanged();
    return statsReport(model, fitting, measured);
  } finally {
    await source.close();
  }
}

/** Values to pack, once for every type. */
function workOf(tensor: SourceTensor, types: readonly string[]): number {
  const nValues = tensor.shape.reduce((product, size) => product * size, 1);
  return nValues * types.filter((type) => fits(tensor, type)).length;
}

async function writePicture(path: string, model: string, report: StatsReport, worst: number, io: Io): Promise<void> {
  const picture = worstPicture(basename(model), worstFirst(report.tensors).slice(0, worst));
  const bytes = new TextEncoder().encode(picture);
  const out = await createOutFile(path, { inputs: [model], expectedBytes: bytes.byteLength });
  try {
    await out.write(bytes);
    await out.commit();
  } finally {
    await out.abort(); // harmless after the commit
  }
  io.err.write(`Wrote ${printable(path, 4096)}\n`);
}
