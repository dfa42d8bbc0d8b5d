// Which files make up a model: rules of convert.py of llama.cpp build 803, and its *.index.json files, which that program
// leaves unread. Only names are looked at here; what the files are is for their readers to say.

import { printable } from "@ll/bytes";
import type { CheckpointWarning } from "./checkpoint.ts";
import { CheckpointError } from "./errors.ts";
import type { ModelFolder } from "./model-folder.ts";
import { readShardIndex, type ShardIndex } from "./shard-index.ts";

export interface ChosenFiles {
  /** Names, in the order of their numbers. */
  readonly names: readonly string[];
  /** The index that named them, if there was one. */
  readonly index?: ShardIndex;
  readonly warnings: readonly CheckpointWarning[];
}

const SAFETENSORS_FIRST = /^model-00001-of-\d+\.safetensors$/;
const SAFETENSORS_SINGLE = "model.safetensors";
const SAFETENSORS_INDEX = "model.safetensors.index.json";
/** All of these together must be one file, as in build 803. */
const TORCH_FIRST = /^(?:consolidated\.00\.pth|pytorch_model-00001-of-.*\.bin|.*\.pt|pytorch_model\.bin)$/;
const TORCH_INDEX = "pytorch_model.bin.index.json";
/** The transformers library applies the adapter that this file describes to the model beside it. */
const ADAPTER = "adapter_config.json";
/** A part of a model; of one whose first part is there, none is looked for by this name. */
const LATER_PART = /^((?:pytorch_)?model-)\d{5}(-of-\d{5}\.(?:safetensors|bin))$/;
const GGML = /^ggml-model.*\.bin.*$/;

/**
 * The files of the model in a folder, or of the one that `file` is a part of.
 * @throws IoError; CheckpointError `E_INPUT` if no model, several or an adapter are found, `E_SHARD` if a numbered file is missing.
 */
export async function chooseFiles(folder: ModelFolder, file: string | undefined): Promise<ChosenFiles> {
  if (file !== undefined) return { names: await numberedFiles(folder, file), warnings: [] };
  return chooseInFolder(folder, [...(await folder.list())].sort());
}

/**
 * The rules of build 803, first to last: numbered safetensors, PyTorch files, ggml files. Added to them: an index file, one
 * safetensors file by the usual name, and a warning where PyTorch files lie beside safetensors.
 */
async function chooseInFolder(folder: ModelFolder, names: readonly string[]): Promise<ChosenFiles> {
  if (names.includes(ADAPTER)) {
    const message = `${folder.name} holds an adapter (${ADAPTER}), which changes what the model says`;
    const hint =
      "merge it into the model (merge_and_unload of PEFT), or convert it on its own; to leave it out, name the file of the model instead of the directory";
    throw inputError(folder.name, "a model", "an adapter", message, hint);
  }
  const torch = names.filter((name) => TORCH_FIRST.test(name));
  const others = torch.map((name) => `${folder.pathOf(name)} is not read: safetensors files are preferred`);
  const warnings = others.map((message): CheckpointWarning => ({ code: "other-files", message }));

  if (names.includes(SAFETENSORS_INDEX)) return { ...(await indexedFiles(folder, SAFETENSORS_INDEX)), warnings };
  const safetensors = names.filter((name) => SAFETENSORS_FIRST.test(name));
  if (safetensors.length === 0 && names.includes(SAFETENSORS_SINGLE)) safetensors.push(SAFETENSORS_SINGLE);
  if (safetensors.length > 0) {
    return { names: await numberedFiles(folder, only(folder, safetensors)), warnings };
  }
  if (torch.length > 0) {
    const first = only(folder, torch);
    const isIndexed = first.startsWith("pytorch_model-") && names.includes(TORCH_INDEX);
    if (isIndexed) return { ...(await indexedFiles(folder, TORCH_INDEX)), warnings: [] };
    return { names: await numberedFiles(folder, first), warnings: [] };
  }
  const ggml = names.filter((name) => GGML.test(name));
  if (ggml.length > 0) return { names: await numberedFiles(folder, only(folder, ggml)), warnings: [] };
  const later = names.map((name) => LATER_PART.exec(name)).find((match) => match !== null);
  if (later) return { names: await numberedFiles(folder, `${later[1]}${"1".padStart(5, "0")}${later[2]}`), warnings };
  throw inputError(folder.name, "a model", "none", `Can't find model in directory ${folder.name}`);
}

/** Build 803 takes one match only, also when the names are of different kinds. */
function only(folder: ModelFolder, names: readonly string[]): string {
  if (names.length === 1) return names[0] as string;
  const paths = names.map((name) => folder.pathOf(name)).join(", ");
  const message = `Found multiple models in ${folder.name}, not sure which to pick: [${paths}]`;
  throw inputError(folder.name, "one model", `${names.length} models`, message);
}

/** The whole set of files that `name` is one of, by its number: `.NN.pth`, `-NNNNN-of-NNNNN…`, or `name`, `name.1`, … */
async function numberedFiles(folder: ModelFolder, name: string): Promise<readonly string[]> {
  const names = new Set(await folder.list());
  const meta = /^(.*\.)\d\d\.pth$/.exec(name);
  if (meta !== null) {
    const prefix = meta[1] as string;
    const set = [...names].filter(
      (other) => other.startsWith(prefix) && /^\d\d\.pth$/.test(other.slice(prefix.length)),
    );
    const wanted = Array.from({ length: numberOf(set) + 1 }, (_, n) => `${prefix}${pad(n, 2)}.pth`);
    return assertPresent(folder, names, wanted);
  }
  const shard = /^(.*-)\d{5}-of-(\d{1,5})(\D.*)?$/.exec(name);
  if (shard !== null) {
    const total = Number(shard[2]);
    const rest = `-of-${shard[2]}${shard[3] ?? ""}`;
    return assertPresent(
      folder,
      names,
      Array.from({ length: total }, (_, n) => `${shard[1]}${pad(n + 1, 5)}${rest}`),
    );
  }
  // old ggml models: x.bin, x.bin.1, x.bin.2, …
  const parts = [name];
  while (names.has(`${name}.${parts.length}`)) parts.push(`${name}.${parts.length}`);
  return parts;
}

/** The highest number of `PREFIX.NN.pth` names. */
function numberOf(names: readonly string[]): number {
  return Math.max(...names.map((name) => Number(name.slice(-6, -4))));
}

function pad(number: number, digits: number): string {
  return String(number).padStart(digits, "0");
}

/** Build 803 stops at the first number that is missing and converts what it has; half a model is no model. */
function assertPresent(folder: ModelFolder, names: ReadonlySet<string>, wanted: readonly string[]): readonly string[] {
  const missing = wanted.find((name) => !names.has(name));
  if (missing !== undefined || wanted.length === 0) throw missingShard(folder, missing ?? "none", wanted.length);
  return wanted;
}

/** The files that an index names, all of which must lie in the folder itself. */
async function indexedFiles(
  folder: ModelFolder,
  indexName: string,
): Promise<{ names: readonly string[]; index: ShardIndex }> {
  const source = await folder.open(indexName);
  const index = await readShardIndex(source).finally(() => source.close());
  const names = new Set(await folder.list());
  for (const name of index.files) {
    if (!names.has(name)) throw missingShard(folder, name, index.files.length);
    await folder.assertContained?.(name);
  }
  return { names: index.files, index };
}

function missingShard(folder: ModelFolder, name: string, total: number): CheckpointError {
  return new CheckpointError({
    code: "E_SHARD",
    file: folder.name,
    offset: 0,
    field: printable(name),
    expected: `${total} files`,
    got: `no ${printable(name)}`,
    message: `file "${printable(name)}" of the model is missing`,
  });
}

function inputError(file: string, expected: string, got: string, message: string, hint?: string): CheckpointError {
  return new CheckpointError({ code: "E_INPUT", file, offset: 0, field: "model", expected, got, message, hint });
}
