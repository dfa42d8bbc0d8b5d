// The folder of models that were downloaded: `OWNER/REPO/ID/FILE`, where ID says which contents, and `model.json` beside the files of a
// model that is whole. `OWNER/REPO/REVISION.json` is what the hub listed last.

import { createHash } from "node:crypto";
// biome-ignore lint/style/noRestrictedImports: folders are made, and removed when they are named
import { mkdir, readdir, readFile, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { createOutFile } from "@ll/bytes/node";
import type { HubFile } from "./choose-files.ts";
import { type HubListing, isPlainPath } from "./hub.ts";

/** A model in the folder. */
export interface KeptModel {
  /** Of its files, in order; the first one is what programs open. */
  readonly paths: readonly string[];
  readonly repo: string;
  readonly commit: string;
  readonly bytes: number;
}

const MODEL_FILE = "model.json";
const LISTING_BYTES = 32 * 1024 * 1024;
/** Folders and models that are looked at. */
const ENTRIES = 10_000;

/** A model that is whole: all of its files have their sizes. */
export async function findModel(
  cache: string,
  repo: string,
  files: readonly HubFile[],
): Promise<KeptModel | undefined> {
  return keptModel(folderOf(cache, repo, files), files);
}

/** A file in the folder of another program, as it was when its contents were checked. */
interface Stamp {
  readonly path: string;
  readonly bytes: number;
  readonly changedMs: number;
}

/** Remembers that another program has the model at these paths, with the right contents. Nothing is copied, and nothing there is changed. */
export async function rememberElsewhere(
  cache: string,
  { repo, commit }: HubListing,
  files: readonly HubFile[],
  paths: readonly string[],
): Promise<KeptModel> {
  const stamps = await Promise.all(paths.map(stampOf));
  await writeJson(join(folderOf(cache, repo, files), MODEL_FILE), { repo, commit, files, elsewhere: stamps });
  return { paths, repo, commit, bytes: bytesOf(files) };
}

async function stampOf(path: string): Promise<Stamp> {
  const { size, mtimeMs } = await stat(path);
  return { path, bytes: size, changedMs: mtimeMs };
}

/** Has every file of a model made that is not there, then says that it is whole. */
export async function keepModel(
  cache: string,
  { repo, commit }: HubListing,
  files: readonly HubFile[],
  make: (path: string, file: HubFile) => Promise<void>,
): Promise<KeptModel> {
  const folder = folderOf(cache, repo, files);
  const paths: string[] = [];
  for (const file of files) {
    const path = join(folder, basename(file.path));
    await make(path, file);
    paths.push(path);
  }
  await writeJson(join(folder, MODEL_FILE), { repo, commit, files });
  return { paths, repo, commit, bytes: bytesOf(files) };
}

/** What the hub listed last for a revision; undefined if it was never asked, or what is there cannot be read. */
export async function keptListing(cache: string, repo: string, revision: string): Promise<HubListing | undefined> {
  const value = (await readJson(listingPath(cache, repo, revision))) as Partial<HubListing> | undefined;
  const { commit, files } = value ?? {};
  const isListing = value?.repo === repo && value.revision === revision && typeof commit === "string";
  if (!isListing || !Array.isArray(files) || !files.every(isFile)) return undefined;
  return { repo, revision, commit, files };
}

export async function keepListing(cache: string, listing: HubListing): Promise<void> {
  const { repo, revision, commit, files } = listing;
  const models = files.filter(({ path }) => path.endsWith(".gguf") || files.length === 1);
  await writeJson(listingPath(cache, repo, revision), { repo, revision, commit, files: models });
}

/** All models in the folder that are whole, by repository; not those that other programs have. */
export async function listModels(cache: string): Promise<KeptModel[]> {
  const models: KeptModel[] = [];
  for (const owner of await namesIn(cache)) {
    for (const repo of await namesIn(join(cache, owner))) {
      for (const id of await namesIn(join(cache, owner, repo))) {
        const folder = join(cache, owner, repo, id);
        const model = (await readJson(join(folder, MODEL_FILE))) ?? {};
        const { repo: name, commit, files, elsewhere } = model as Record<string, unknown>;
        if (name !== `${owner}/${repo}` || typeof commit !== "string" || elsewhere !== undefined) continue;
        if (!Array.isArray(files) || !files.every(isFile)) continue;
        const kept = await keptModel(folder, files);
        if (kept !== undefined) models.push(kept);
        if (models.length === ENTRIES) return models;
      }
    }
  }
  return models;
}

/** Removes a model of `listModels` with all its files. @returns the bytes that it had */
export async function removeModel({ paths, bytes }: KeptModel): Promise<number> {
  const [first] = paths;
  if (first === undefined || basename(first) === MODEL_FILE) return 0;
  await rm(dirname(first), { recursive: true, force: true });
  return bytes;
}

async function keptModel(folder: string, files: readonly HubFile[]): Promise<KeptModel | undefined> {
  const model = (await readJson(join(folder, MODEL_FILE))) ?? {};
  const { repo, commit, elsewhere } = model as Partial<HubListing> & { elsewhere?: unknown };
  if (typeof repo !== "string" || typeof commit !== "string") return undefined;
  if (elsewhere !== undefined) {
    const stamps = Array.isArray(elsewhere) && elsewhere.length === files.length ? (elsewhere as Stamp[]) : [];
    for (const stamp of stamps) {
      const now = await stampOf(String(stamp?.path)).catch(() => undefined);
      if (now?.bytes !== stamp?.bytes || now?.changedMs !== stamp?.changedMs) return undefined;
    }
    return stamps.length === 0
      ? undefined
      : { paths: stamps.map(({ path }) => path), repo, commit, bytes: bytesOf(files) };
  }
  const paths = files.map(({ path }) => join(folder, basename(path)));
  const sizes = await Promise.all(paths.map(async (path) => (await stat(path).catch(() => undefined))?.size));
  if (!sizes.every((size, i) => size === files[i]?.bytes)) return undefined;
  return { paths, repo, commit, bytes: bytesOf(files) };
}

function folderOf(cache: string, repo: string, files: readonly HubFile[]): string {
  const contents = files.map(({ path, bytes, hash, version }) => `${path} ${bytes} ${hash?.hex ?? version}\n`).join("");
  return join(cache, ...repo.split("/"), createHash("sha256").update(contents).digest("hex").slice(0, 16));
}

function listingPath(cache: string, repo: string, revision: string): string {
  const name = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}$/.test(revision)
    ? revision
    : createHash("sha256").update(revision).digest("hex").slice(0, 32);
  return join(cache, ...repo.split("/"), `${name}.json`);
}

function isFile(value: unknown): value is HubFile {
  const { path, bytes, hash, version } = (value ?? {}) as Partial<HubFile>;
  const isHash = hash === undefined || (typeof hash.hex === "string" && ["sha256", "git-sha1"].includes(hash.kind));
  const isVersion = version === undefined || typeof version === "string";
  return typeof path === "string" && isPlainPath(path) && Number.isSafeInteger(bytes) && isHash && isVersion;
}

function bytesOf(files: readonly HubFile[]): number {
  return files.reduce((sum, { bytes }) => sum + bytes, 0);
}

async function namesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  return entries
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name)
    .slice(0, ENTRIES)
    .sort();
}

async function readJson(path: string): Promise<unknown> {
  const size = (await stat(path).catch(() => undefined))?.size ?? 0;
  if (size === 0 || size > LISTING_BYTES) return undefined;
  try {
    return JSON.parse(await readFile(path, "utf8"));
  } catch {
    return undefined;
  }
}

async function writeJson(path: string, value: unknown): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const out = await createOutFile(path, { inputs: [] });
  await out.write(new TextEncoder().encode(`${JSON.stringify(value)}\n`));
  await out.commit();
}
