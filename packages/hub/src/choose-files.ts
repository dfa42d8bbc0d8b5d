// Which file of a repository is meant.

import { HubError } from "./errors.ts";
import type { HubName } from "./model-name.ts";

/** A file of a repository, as the hub lists it. */
export interface HubFile {
  /** Relative to the repository, with slashes. */
  readonly path: string;
  readonly bytes: number;
  /** Of its contents, in hexadecimal: sha256, or for small files the sha1 that git has (`blob SIZE\0` goes before the contents). */
  readonly hash: { readonly kind: "sha256" | "git-sha1"; readonly hex: string } | undefined;
  /** Where nobody states a hash: what the server calls this state of the file (`HttpSource.version` of @ll/bytes), if it says. */
  readonly version?: string | undefined;
}

/** Beside models: projectors of images, importance matrices, draft models. */
const NO_MODEL = /mmproj|imatrix|^(?:mtp|eagle3|dflash|dspark)-/i;
/** What is taken if nothing is asked for. */
const USUAL = ["Q4_K_M", "Q8_0"];
const SPLIT = /^(.*)-(\d{5})-of-(\d{5})\.gguf$/;
/** Files named in an error. */
const MOST_LISTED = 40;

/**
 * The files of one model: one, or all parts of a split set, in order. A selector is a path, the name of a file, or a kind of quantisation
 * that stands in a file's name as a whole word (`Q4_K_M`, in any case), or else in the name of its folder; `UD-Q4_K_M` is another kind.
 * Without selector: Q4_K_M, else Q8_0, else the only model.
 * @throws HubError `E_NOT_FOUND`, `E_CHOICE` with the files there are
 */
export function chooseFiles(files: readonly HubFile[], name: HubName): readonly HubFile[] {
  const { literal, selector, repo } = name;
  for (const exact of [literal, selector]) {
    const found = exact === undefined ? undefined : namedFile(files, exact);
    if (found !== undefined) return wholeSet(files, found, repo);
  }
  const models = files.filter(
    ({ path }) => path.endsWith(".gguf") && !NO_MODEL.test(baseName(path)) && isFirstPart(path),
  );
  if (selector === undefined) {
    for (const usual of USUAL) {
      const found = withTag(models, usual);
      if (found.length > 0) return onlyOne(files, found, repo);
    }
    return onlyOne(files, models, repo);
  }
  return onlyOne(files, withTag(models, selector), repo, selector);
}

function namedFile(files: readonly HubFile[], name: string): HubFile | undefined {
  const exact = files.find(({ path }) => path === name);
  if (exact !== undefined) return exact;
  const named = files.filter(({ path }) => baseName(path) === name);
  return named.length === 1 ? named[0] : undefined;
}

/** Those that have the tag in their own name; else those in whose folder's name it stands. Exactly before `UD-`. */
function withTag(models: readonly HubFile[], tag: string): readonly HubFile[] {
  const escaped = tag.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  const exact = new RegExp(`(?:^|(?<!UD)[-._])${escaped}(?=$|[-.])`, "i");
  const dynamic = new RegExp(`(?:^|[-._])UD-${escaped}(?=$|[-.])`, "i");
  for (const place of [baseName, folderName]) {
    for (const pattern of [exact, dynamic]) {
      const found = models.filter(({ path }) => pattern.test(place(path)));
      if (found.length > 0) return found;
    }
  }
  return [];
}

function onlyOne(
  files: readonly HubFile[],
  found: readonly HubFile[],
  repo: string,
  selector?: string,
): readonly HubFile[] {
  if (found.length === 1) return wholeSet(files, found[0] as HubFile, repo);
  const listed = (found.length > 0 ? found : files.filter(({ path }) => path.endsWith(".gguf"))).slice(0, MOST_LISTED);
  const list = listed.map(({ path, bytes }) => `${path} (${(bytes / 1e9).toFixed(2)} GB)`).join(", ");
  const what = selector === undefined ? "" : ` that is ${selector}`;
  if (found.length > 0) {
    throw new HubError({
      code: "E_CHOICE",
      message: `${repo} has several models${what}: ${list}`,
      hint: `name one: hf:${repo}:FILE`,
      files: listed.map(({ path }) => path),
    });
  }
  throw new HubError({
    code: "E_NOT_FOUND",
    message: listed.length === 0 ? `${repo} has no GGUF file` : `${repo} has no model${what}; there are ${list}`,
    hint: listed.length === 0 ? "look for a repository whose name ends in -GGUF" : `name one: hf:${repo}:FILE`,
    files: listed.map(({ path }) => path),
  });
}

/** All parts of the set that `file` belongs to. */
function wholeSet(files: readonly HubFile[], file: HubFile, repo: string): readonly HubFile[] {
  const [, stem, , count] = SPLIT.exec(file.path) ?? [];
  if (stem === undefined || count === undefined) return [file];
  const paths = Array.from(
    { length: Number(count) },
    (_, i) => `${stem}-${String(i + 1).padStart(5, "0")}-of-${count}.gguf`,
  );
  return paths.map((path) => {
    const part = files.find((one) => one.path === path);
    if (part !== undefined) return part;
    throw new HubError({
      code: "E_NOT_FOUND",
      message: `${repo} has only some parts of ${file.path}: ${path} is missing`,
    });
  });
}

function isFirstPart(path: string): boolean {
  const part = SPLIT.exec(path)?.[2];
  return part === undefined || Number(part) === 1;
}

function baseName(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

/** Of the folder that it is in; empty at the top. */
function folderName(path: string): string {
  return path.includes("/") ? baseName(path.slice(0, path.lastIndexOf("/"))) : "";
}
