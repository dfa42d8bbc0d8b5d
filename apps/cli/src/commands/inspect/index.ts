// ll-inspect: what is in a model file, here or on a web server, and how much memory it takes.

import { printable } from "@ll/bytes";
import { type ModelFile, openModelFile } from "@ll/model";
import { openModelFile as openModelPath } from "@ll/model/node";
import type { Command, Io } from "../../command.ts";
import { ExitCode } from "../../exit-codes.ts";
import { kernelName } from "../../kernel-tier.ts";
import { isNamedModel, openModelSource } from "../../model-path.ts";
import { flagRow, jsonRow, noTruncateRow, quietRow, valueRow } from "../../option-rows.ts";
import { invalidParameter, type OptionSpec } from "../../option-table.ts";
import { type Program, readArguments, usageError } from "../../program.ts";
import { tableColumns } from "../../text-table.ts";
import { factsOf, TO_LOOK } from "./model-facts.ts";
import { identityOf, modelReport } from "./model-report.ts";
import { identityText, reportText } from "./report-text.ts";

interface InspectParams {
  contextTokens: number | undefined;
  json: boolean;
  tensors: boolean;
  quiet: boolean;
  truncate: boolean;
}

/** Context sizes of the table if none is asked for. */
const CONTEXT_SIZES: readonly number[] = [512, 2048, 4096];

export const INSPECT_OPTIONS: readonly OptionSpec<InspectParams>[] = [
  valueRow(
    "Memory",
    ["--ctx-size", "-c"],
    "int",
    { placeholder: "N", help: "context size in tokens; 0 for the model's own", default: "512, 2048 and 4096" },
    (params, { number, option }) => {
      if (number < 0) throw invalidParameter(option, `expected at least 0, got ${number}`);
      params.contextTokens = number;
    },
  ),
  flagRow("Output", ["--tensors"], "list every tensor: type, shape, size, place in the file", (params) => {
    params.tensors = true;
  }),
  jsonRow("one JSON object, tensors included"),
  quietRow("only the bytes of memory needed, one number for each context size"),
  noTruncateRow(),
];

const PROGRAM: Program<InspectParams> = {
  examples: ["ggml-model-q4_0.bin -c 1024", "https://example.org/model.bin --json"],
  usage: "[options] FILE|NAME|URL",
  description: [
    "Says what a model file is and whether it runs here, then what it holds: types of weights, memory needed, hyper-parameters, and",
    "what of them is not read. Of a file on a web server only the parts that tell it are fetched. Total memory is what ll-main allocates for the model; the program itself takes some too.",
  ].join(" "),
  options: INSPECT_OPTIONS,
};

export const inspectCommand: Command = async (bin, argv, io) => {
  const params: InspectParams = { contextTokens: undefined, json: false, tensors: false, quiet: false, truncate: true };
  const positionals = await readArguments(PROGRAM, bin, argv, params, io);
  if (positionals === undefined) return ExitCode.ok;
  const [place, ...more] = positionals;
  if (place === undefined) throw usageError(PROGRAM, bin, "no model given");
  if (more.length > 0) throw usageError(PROGRAM, bin, "more than one model given");
  const { json, quiet } = params;
  const contextSizes = params.contextTokens === undefined ? CONTEXT_SIZES : [params.contextTokens];
  return withModelFile(place, io, async (file) => {
    const facts = factsOf(file);
    const layout = { ...params, columns: tableColumns(io.out, io.env, params) };
    if (!json && !quiet) io.out.write(identityText(identityOf(facts), layout));
    for (const warning of facts.warnings) io.err.write(`warning: ${printable(warning, 512)}\n`);
    const report = await modelReport(facts, { contextSizes, kernels: kernelName(io.env) });
    if (json) io.out.write(`${JSON.stringify(report, null, 2)}\n`);
    else io.out.write(quiet ? report.memory.map(({ total }) => `${total}\n`).join("") : reportText(report, layout));
    await file.assertUnchanged();
    if (facts.damage !== undefined) throw facts.damage;
    return ExitCode.ok;
  });
};

/** Lets `work` look at a file, or of a name or an address at what a web server has there; at all files of a set. */
async function withModelFile(place: string, io: Io, work: (file: ModelFile) => Promise<number>): Promise<number> {
  const remote = isNamedModel(place) ? await import("../../named-model.ts") : undefined;
  const sources = await remote?.remoteModel(place, io);
  if (sources !== undefined) return work(await openModelFile(sources, TO_LOOK));
  const path = remote === undefined ? place : await remote.pathOfModel(place, io);
  const file = await openModelPath(await openModelSource(path), TO_LOOK);
  try {
    return await work(file);
  } finally {
    await file.close();
  }
}
