// One file of a model: what it is, told by its bytes, and its tensors.

import type { ByteSource, SourceTensor } from "@ll/bytes";
import type { CheckpointFormat, VocabEntry } from "./checkpoint.ts";
import { type DeclaredParams, present } from "./declared-params.ts";
import { CheckpointError } from "./errors.ts";
import { fileKind, magicHint } from "./file-magic.ts";
import { type GgmlModelFile, ggmlHeader, ggmlTensors, ggmlVocab } from "./ggml-checkpoint.ts";
import { openLlama2c } from "./llama2c.ts";
import type { FolderFile } from "./model-folder.ts";
import { openSafetensors } from "./safetensors.ts";
import { openTorchCheckpoint, type ZipArchive } from "./torch-checkpoint.ts";
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
export type GgmlOpener = (source: ByteSource) => Promise<GgmlModelFile>;

/** What is not in this package, or is different for each platform. */
export interface FileOpeners {
  readonly openGgml?: GgmlOpener;
  readonly openZip: (source: ByteSource) => Promise<ZipArchive>;
}

/** What a reader made of a file; the file itself is looked after here. */
type Content = Omit<ModelFile, "file" | "verify" | "close"> & { verify?(signal?: AbortSignal): Promise<void> };

/** Enough for every magic, the one of tar being the farthest. */
const HEAD_BYTES = 512;

/**
 * Opens a file, which is then closed by what is returned, or at once if it is refused.
 * @throws CheckpointError `E_MAGIC` or `E_UNSUPPORTED` for a file that is no model, or what its reader throws; IoError.
 */
export async function openModelFile(source: FolderFile, openers: FileOpeners): Promise<ModelFile> {
  try {
    const content = await openContent(source, openers);
    return {
      ...content,
      file: source.name,
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

/** Only the name says "safetensors" for sure: such a file is never taken for anything else. */
async function openContent(source: ByteSource, { openGgml, openZip }: FileOpeners): Promise<Content> {
  const { name } = source;
  const head = new Uint8Array(Math.min(HEAD_BYTES, source.byteLength));
  await source.read(0, head);
  const kind = name.endsWith(".safetensors") ? "safetensors" : fileKind(head);
  if (kind === "safetensors") {
    return { format: "safetensors", tensors: (await openSafetensors(source)).tensors, otherNames: [] };
  }
  if (kind === "ggml") return openGgmlContent(source, openGgml);
  if (kind === "zip") {
    const archive = await openZip(source);
    const { tensors, otherNames } = await openTorchCheckpoint(archive);
    return { format: "torch", tensors, otherNames, verify: (signal) => archive.verify(signal) };
  }
  // llama2.c has no magic: its file is known by having exactly the size that its first numbers give
  const llama2c = await openLlama2c(source);
  if (llama2c !== undefined) return { format: "llama2c", ...llama2c, otherNames: [] };
  throw await unknownFormat(name, source, head);
}

async function openGgmlContent(source: ByteSource, openGgml: GgmlOpener | undefined): Promise<Content> {
  const { name } = source;
  if (openGgml === undefined) {
    const expected = "torch, safetensors or llama2.c";
    throw magicError("E_UNSUPPORTED", name, expected, "a ggml file", "this is a ggml model file");
  }
  const file = await openGgml(source);
  return {
    format: "ggml",
    tensors: ggmlTensors(name, file),
    otherNames: [],
    header: ggmlHeader(name, file),
    ...present("vocab", ggmlVocab(file)),
  };
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
