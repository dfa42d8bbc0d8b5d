// Models that other programs have downloaded: looked at, checked, and used where they are. Nothing is ever written or removed there.
//
//   Hugging Face, llama.cpp: models--OWNER--REPO/snapshots/COMMIT/PATH, a link to ../../blobs/HASH
//   Ollama:                  blobs/sha256-HASH

import { createHash } from "node:crypto";
import { realpath, stat } from "node:fs/promises";
import { join, sep } from "node:path";
import type { AbortSignal } from "@ll/bytes";
import { openFileSource } from "@ll/bytes/node";
import type { HubFile } from "./choose-files.ts";
import type { HubListing } from "./hub.ts";

/** Folders; none of them need be there. */
export interface OtherStores {
  /** Those laid out like the hub's own cache. */
  readonly huggingFace: readonly string[];
  readonly ollama: readonly string[];
}

export interface LookOptions {
  readonly signal?: AbortSignal | undefined;
  /** All of a file is about to be read and hashed. */
  readonly onFound?: (path: string, bytes: number) => void;
}

const HASH_BYTES = 4 * 1024 * 1024;

/** Where all files of the model are, with the contents that the hub states; undefined if they are not, or it states no hash. */
export async function findElsewhere(
  { huggingFace, ollama }: OtherStores,
  { repo, commit }: HubListing,
  files: readonly HubFile[],
  options: LookOptions = {},
): Promise<string[] | undefined> {
  if (!files.every(({ hash }) => hash?.kind === "sha256")) return undefined;
  const snapshot = join(`models--${repo.replaceAll("/", "--")}`, "snapshots", commit);
  const folders = huggingFace.map(
    (root) => (file: HubFile) => [root, join(snapshot, ...file.path.split("/"))] as const,
  );
  // the parts of a set are found by their names, which these do not have
  const blobs =
    files.length > 1
      ? []
      : ollama.map((root) => (file: HubFile) => [root, join("blobs", `sha256-${file.hash?.hex}`)] as const);
  for (const place of [...folders, ...blobs]) {
    const paths: string[] = [];
    for (const file of files) {
      const path = await containedFile(...place(file), file.bytes);
      if (path === undefined) break;
      paths.push(path);
    }
    if (paths.length === files.length && (await areWhole(paths, files, options))) return paths;
  }
  return undefined;
}

/** The path of a file of that size which, its links followed, lies in the folder. */
async function containedFile(root: string, path: string, bytes: number): Promise<string | undefined> {
  try {
    const [home, target] = [await realpath(root), await realpath(join(root, path))];
    const found = await stat(target);
    return target.startsWith(home + sep) && found.isFile() && found.size === bytes ? join(root, path) : undefined;
  } catch {
    return undefined;
  }
}

async function areWhole(paths: readonly string[], files: readonly HubFile[], options: LookOptions): Promise<boolean> {
  for (const [i, path] of paths.entries()) {
    const file = files[i] as HubFile;
    options.onFound?.(path, file.bytes);
    if ((await sha256Of(path, options.signal).catch(noneUnless(options.signal))) !== file.hash?.hex) return false;
  }
  return true;
}

/** A file that cannot be read is as good as none; an abort is one. */
function noneUnless(signal: AbortSignal | undefined): () => undefined {
  return () => {
    signal?.throwIfAborted();
  };
}

async function sha256Of(path: string, signal: AbortSignal | undefined): Promise<string> {
  const digest = createHash("sha256");
  const source = await openFileSource(path);
  try {
    for (let offset = 0; offset < source.byteLength; offset += HASH_BYTES) {
      signal?.throwIfAborted();
      const piece = new Uint8Array(Math.min(HASH_BYTES, source.byteLength - offset));
      await source.read(offset, piece);
      digest.update(piece);
    }
    await source.assertUnchanged();
    return digest.digest("hex");
  } finally {
    await source.close();
  }
}
