// ll-pull: downloads models by name, lists and removes those that are kept.

import { printable } from "@ll/bytes";
import { parseModelName } from "@ll/hub";
import { type KeptModel, listModels, removeModel } from "@ll/hub/node";
import type { Command, Io } from "../command.ts";
import { Refusal } from "../errors.ts";
import { ExitCode } from "../exit-codes.ts";
import { modelsFolder, pullNamed } from "../named-model.ts";
import { flagRow, jsonRow, silentRow } from "../option-rows.ts";
import type { OptionSpec } from "../option-table.ts";
import { type Program, readArguments, usageError } from "../program.ts";
import { shownModel } from "../terminal.ts";
import { tableColumns, tableLines } from "../text-table.ts";
import { sizeText } from "../units.ts";

interface PullCommandParams {
  list: boolean;
  remove: boolean;
  offline: boolean | undefined;
  progress: boolean;
  json: boolean;
  quiet: boolean;
}

/** Version of the shape that `--json` prints. */
const JSON_VERSION = 1;

export const PULL_OPTIONS: readonly OptionSpec<PullCommandParams>[] = [
  flagRow("What to do", ["--list"], "show the models that are kept, and their sizes", (params) => {
    params.list = true;
  }),
  flagRow("What to do", ["--remove"], "remove the models that are named: by repository, file or path", (params) => {
    params.remove = true;
  }),
  flagRow("What to do", ["--offline"], "ask nobody: end with an error if the model is not there", (params) => {
    params.offline = true;
  }),
  jsonRow("one JSON object instead of paths or tables"),
  silentRow("nothing on standard error but errors"),
  flagRow("Output", ["--no-progress"], "no progress line on standard error", (params) => {
    params.progress = false;
  }),
];

const PROGRAM: Program<PullCommandParams> = {
  examples: ["hf:Qwen/Qwen3-0.6B-GGUF:Q8_0", "--list"],
  usage: "[options] NAME...",
  description: [
    "Downloads models into the cache folder (LL_CACHE) and prints their paths. A NAME is hf:OWNER/REPO on the Hugging Face hub, with",
    ":QUANT or :FILE and @REVISION behind it, or an address. Without QUANT: Q4_K_M, else Q8_0, else the only model. What was",
    "interrupted goes on where it was; what comes is held against the hash that the hub states. HF_ENDPOINT, HF_TOKEN and",
    "HF_HUB_OFFLINE are heeded.",
  ].join(" "),
  options: PULL_OPTIONS,
};

export const pullCommand: Command = async (bin, argv, io) => {
  const params: PullCommandParams = {
    list: false,
    remove: false,
    offline: undefined,
    progress: true,
    json: false,
    quiet: false,
  };
  const names = await readArguments(PROGRAM, bin, argv, params, io);
  if (names === undefined) return ExitCode.ok;
  if (params.list && (params.remove || names.length > 0)) {
    throw usageError(PROGRAM, bin, "--list shows all models: it takes no name");
  }
  if (!params.list && names.length === 0) throw usageError(PROGRAM, bin, "no model named");
  const cache = modelsFolder(io.env);
  if (params.list) return show(await listModels(cache), cache, params, io);
  if (params.remove) return remove(names, cache, params, io);
  const models: (KeptModel & { isNew: boolean })[] = [];
  for (const name of names) {
    const { offline, quiet, progress } = params;
    const model = await pullNamed(name, io, { quiet, progress, ...(offline !== undefined && { offline }) });
    models.push(model);
    if (!params.json) io.out.write(model.paths.map((path) => `${path}\n`).join(""));
  }
  if (params.json) io.out.write(json({ models }));
  return ExitCode.ok;
};

function json(value: object): string {
  return `${JSON.stringify({ version: JSON_VERSION, ...value }, null, 2)}\n`;
}

function show(models: readonly KeptModel[], folder: string, params: PullCommandParams, io: Io): number {
  const total = models.reduce((sum, { bytes }) => sum + bytes, 0);
  if (params.json) {
    io.out.write(json({ folder, bytes: total, models }));
    return ExitCode.ok;
  }
  const rows = models.map(({ repo, paths, bytes }) => [
    printable(repo),
    sizeText(bytes),
    printable(paths[0] ?? "", 4096),
  ]);
  const columns = tableColumns(io.out, io.env, { truncate: true });
  for (const line of tableLines(rows, ["left", "right", "left"], { columns })) io.out.write(`${line}\n`);
  if (!params.quiet) io.err.write(`${models.length} models, ${sizeText(total)}, in ${printable(folder, 4096)}\n`);
  return ExitCode.ok;
}

async function remove(names: readonly string[], cache: string, params: PullCommandParams, io: Io): Promise<number> {
  const kept = await listModels(cache);
  const removed: KeptModel[] = [];
  for (const name of names) {
    const found = kept.filter((model) => isNamed(model, name));
    if (found.length === 0)
      throw new Refusal(`${shownModel(name)} is none of the models that are kept: see ll-pull --list`);
    for (const model of found) {
      await removeModel(model);
      removed.push(model);
    }
  }
  const bytes = removed.reduce((sum, model) => sum + model.bytes, 0);
  if (params.json) io.out.write(json({ bytes, removed }));
  else if (!params.quiet) io.err.write(`removed ${removed.length} models, ${sizeText(bytes)}\n`);
  return ExitCode.ok;
}

/** By the repository, as in `OWNER/REPO` or `hf:OWNER/REPO:SELECTOR`; by a path; by the name of a file. */
function isNamed({ repo, paths }: KeptModel, name: string): boolean {
  if (repo === name || paths.some((path) => path === name || path.endsWith(`/${name}`))) return true;
  const parsed = parseModelName(name);
  if (parsed.kind !== "hub" || parsed.repo !== repo) return false;
  const { selector } = parsed;
  return selector === undefined || paths.some((path) => path.toLowerCase().includes(selector.toLowerCase()));
}
