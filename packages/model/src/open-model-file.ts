// Opening a model file of any kind.

import {
  type Blob as BlobType,
  type ByteSource,
  blobSource,
  kindOf,
  memorySource,
  type URL as UrlType,
} from "@ll/bytes";
import { openGguf, openGgufSet } from "@ll/gguf";
import { containerOf } from "./container.ts";
import { ggufModelFile } from "./gguf-model-file.ts";
import type { ModelFile } from "./model-file.ts";

/** Where a file is. Paths are for `openModelFile` of `@ll/model/node`. */
export type ModelInput = ByteSource | BlobType | UrlType | Uint8Array;

export interface OpenModelFileOptions {
  /** Open ggml, ggmf and ggjt v1 files with 4-bit blocks of a layout that no engine reads, to look at them; else they are refused. */
  readonly oldBlocks?: boolean;
  /** Open files whose header can be read and whose tensors cannot, to look at them: `damage` says what is wrong. */
  readonly damaged?: boolean;
}

/**
 * Opens a ggml, ggmf, ggjt or GGUF file, or the files of a split GGUF set, given in order. Only headers are read. One file of a set alone
 * is opened, too: `whyNotRun` then says what is missing. Whoever opened a source closes it.
 * @throws FormatError of the format's reader, which says what else the file seems to be; IoError; TypeError for anything else
 */
export async function openModelFile(
  from: ModelInput | readonly ModelInput[],
  { oldBlocks = false, damaged = false }: OpenModelFileOptions = {},
): Promise<ModelFile> {
  const sources: ByteSource[] = [];
  for (const one of Array.isArray(from) ? (from as readonly ModelInput[]) : [from as ModelInput]) {
    sources.push(await sourceOf(one));
  }
  const [first] = sources;
  if (first === undefined) throw new RangeError(`"from" expected at least one file`);
  if (sources.length === 1 && (await containerOf(first)) !== "gguf") {
    const { openGgmlModelFile } = await import("./ggml-model-file.ts"); // few files are of these today
    return openGgmlModelFile(first, { oldBlocks, damaged }); // which has the words for a file that is no model
  }
  if (sources.length > 1) return ggufModelFile(await openGgufSet(sources, { damaged }));
  const file = await openGguf(first, { damaged });
  return ggufModelFile({ ...file, files: [file] });
}

/** The bytes of a file. @throws TypeError for what is none of these */
export async function sourceOf(from: ModelInput): Promise<ByteSource> {
  if (from instanceof Uint8Array) return memorySource(from);
  if (from instanceof URL) return (await import("./remote.ts")).httpSource(from);
  if (typeof Blob === "function" && from instanceof Blob) {
    return blobSource(from, "name" in from ? String(from.name) : "blob");
  }
  if (typeof (from as ByteSource | undefined)?.read === "function") return from as ByteSource;
  const advice = typeof from === "string" ? "; paths are for openModelFile of @ll/model/node" : "";
  throw new TypeError(`"from" expected bytes, a Blob, a URL or a ByteSource, got ${kindOf(from)}${advice}`);
}
