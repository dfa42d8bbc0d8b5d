// The model that a command line names: a path, or what is downloaded under a name.

import { stat } from "node:fs/promises";
import { printable } from "@ll/bytes";
import { type FileSource, openFileSource } from "@ll/bytes/node";
import type { Io } from "./command.ts";
import { Refusal } from "./errors.ts";

/** Names of models that are no paths; see named-model.ts. */
const NAMED = /^(?:hf:|huggingface:|https?:\/\/|hf\.co\/|huggingface\.co\/)/i;

/** Whether a model is given by a name or an address; it is a path otherwise. */
export function isNamedModel(text: string): boolean {
  return NAMED.test(text);
}

/** The path of a model that is given by path or by name. One that is named and not there is downloaded. */
export async function modelPath(name: string, io: Io, quiet = false): Promise<string> {
  if (!isNamedModel(name)) return name;
  // loaded where it is needed: most programs never ask the network
  return (await import("./named-model.ts")).pathOfModel(name, io, { quiet });
}

/** @throws Refusal for a directory, such as that of a checkpoint; IoError */
export async function openModelSource(path: string): Promise<FileSource> {
  const found = await stat(path).catch(() => undefined); // what else is wrong with it, opening tells
  if (found?.isDirectory() === true) {
    const shown = printable(path, 4096);
    throw new Refusal(`${shown} is a directory: name the model file in it, or have ll-convert make one`);
  }
  return openFileSource(path);
}
