// One file of a model: what it is, told by its bytes, and its tensors.

import type { ByteSource, SourceTensor } from "@ll/bytes";
import { closeAll, type FileSource, openFileSource } from "@ll/bytes/node";
import type { CheckpointFormat, VocabEntry } from "./checkpoint.ts";
import { type DeclaredParams, present } from "./declared-params.ts";
import { CheckpointError } from "./errors.ts";
import { fileKind, magicHint } from "./file-magic.ts";
import { type GgmlModelFile, ggmlHeader, ggmlTensors, ggmlVocab } from "./ggml-checkpoint.ts";
import { openLlama2c } from "./llama2c.ts";
import { openSafetensors } from "./safetensors.ts";
import { openTorchCheckpoint } from "./torch-checkpoint.ts";
import { openZipArchive } from "./zip-archive.ts";
import { endsAsZip } from "./zip-end.ts";

export interface ModelFile {
  readonly file: string;
  readonly format: CheckpointFormat;
  readonly tensors: ReadonlyMap<string, SourceTensor>;
  /** Names of entries that are no tensors. */
  readonly otherNames: readonly string[];
  /** Parameters and vocabulary that the file itself holds. */
  readonly header?: DeclaredParams;
  readonly vocab?: readonly VocabEntry[];
  verify(signal?: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

/** Opens a ggml file on behalf of this package, which has no reader for them. */
export type GgmlOpener = (path: string) => Promise<GgmlModelFile & { close?(): Promise<void> }>;

/** What a reader made of a file; the file itself is looked after here. */
type Content = Omit<ModelFile, "file" | "verify" | "close"> & { verify?(signal?: AbortSignal): Promise<void> };

/** Enough for every magic, the one of tar being the farthest. */
const HEAD_BYTES = 512;

/** @throws CheckpointError `E_MAGIC` or `E_UNSUPPORTED` for a file that is no model, or what its reader throws; IoError. */
export async function openModelFile(path: string, openGgml?: GgmlOpener): Promise<ModelFile> {
  const source = await openFileSource(path);
  try {
    const head = new Uint8Array(Math.min(HEAD_BYTES, source.byteLength));
    await source.read(0, head);
    const isSafetensors = path.endsWith(".safetensors");
    if (!isSafetensors && fileKind(head) === "ggml") return await openGgmlFile(path, source, openGgml);
    const content = await openContent(path, source, head);
    return {
      ...content,
      file: path,
      async verify(signal) {
        await content.verify?.(signal);
        await source.assertUnchanged();
      },
      close: () => source.close(),
    };
  } catch (error) {
    await source.close();
    throw error;
  }
}

/** Opens everything but ggml files. Only the name says "safetensors" for sure: such a file is never taken for anything else. */
async function openContent(path: string, source: FileSource, head: Uint8Array): Promise<Content> {
  const kind = path.endsWith(".safetensors") ? "safetensors" : fileKind(head);
  if (kind === "safetensors") {
    return { format: "safetensors", tensors: (await openSafetensors(source)).tensors, otherNames: [] };
  }
  if (kind === "zip") {
    const archive = await openZipArchive(source);
    const { tensors, otherNames } = await openTorchCheckpoint(archive);
    return { format: "torch", tensors, otherNames, verify: (signal) => archive.verify(signal) };
  }
  // llama2.c has no magic: its file is known by having exactly the size that its first numbers give
  const llama2c = await openLlama2c(source);
  if (llama2c !== undefined) return { format: "llama2c", ...llama2c, otherNames: [] };
  throw await unknownFormat(path, source, head);
}

/** The file stays open here too, to see at the end whether it was changed. */
async function openGgmlFile(path: string, source: FileSource, openGgml: GgmlOpener | undefined): Promise<ModelFile> {
  if (openGgml === undefined) {
    throw magicError(
      "E_UNSUPPORTED",
      path,
      "torch, safetensors or llama2.c",
      "a ggml file",
      "this is a ggml model file",
    );
  }
  const file = await openGgml(path);
  try {
    return {
      file: path,
      format: "ggml",
      tensors: ggmlTensors(path, file),
      otherNames: [],
      header: ggmlHeader(path, file),
      ...present("vocab", ggmlVocab(file)),
      verify: () => source.assertUnchanged(),
      close: () => closeAll([file, source]),
    };
  } catch (error) {
    await closeAll([file]);
    throw error;
  }
}

/** Why the file is refused, as helpful as its first and last bytes allow; the caller throws it. */
async function unknownFormat(path: string, source: ByteSource, head: Uint8Array): Promise<CheckpointError> {
  const expected = "a zip of torch.save, safetensors, ggml or llama2.c";
  if (head.length < 8)
    return magicError("E_TRUNC", path, expected, `${head.length} bytes`, "file too short to be a model");
  const hint = magicHint(head);
  if (hint !== undefined) return magicError("E_UNSUPPORTED", path, expected, hint, `not read: ${hint}`);
  if (await endsAsZip(source)) {
    return magicError("E_ZIP_POLYGLOT", path, expected, "other bytes first", "something else before a zip archive");
  }
  return magicError("E_MAGIC", path, expected, "other bytes", `unknown format: ${path}`);
}

function magicError(code: string, file: string, expected: string, got: string, message: string): CheckpointError {
  return new CheckpointError({ code, file, offset: 0, field: "magic", expected, got, message });
}
