// Opening a model file, and which reader takes it: told by its first four bytes.

import { stat } from "node:fs/promises";
import { type ByteSource, printable } from "@ll/bytes";
import { type FileSource, openFileSource } from "@ll/bytes/node";
import { GGJT_MAGIC, GGMF_MAGIC, GGML_MAGIC } from "@ll/ggml-format";
import { GGUF_MAGIC } from "@ll/gguf";
import type { Io } from "./command.ts";
import { Refusal } from "./errors.ts";

/** `ggml` stands for ggml, ggmf and ggjt files. */
export type ModelContainer = "ggml" | "gguf";

const CONTAINERS: ReadonlyMap<number, ModelContainer> = new Map([
  [GGML_MAGIC, "ggml"],
  [GGMF_MAGIC, "ggml"],
  [GGJT_MAGIC, "ggml"],
  [GGUF_MAGIC, "gguf"],
]);

/** Context that the LLaMA models of 2023 were trained for, which ggml files have no field for. */
export const TRAINED_CONTEXT_TOKENS = 2048;

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

/** Undefined for any other file. */
export async function containerOf(source: ByteSource): Promise<ModelContainer | undefined> {
  if (source.byteLength < 4) return undefined;
  const bytes = new Uint8Array(4);
  await source.read(0, bytes);
  return CONTAINERS.get(new DataView(bytes.buffer).getUint32(0, true));
}
