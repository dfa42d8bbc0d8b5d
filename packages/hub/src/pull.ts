// From a name to files on this disk.

import { createHash } from "node:crypto";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { httpSource, isIoError } from "@ll/bytes";
import { openPartFile, type PartFile } from "@ll/bytes/node";
import { findModel, type KeptModel, keepListing, keepModel, keptListing, rememberElsewhere } from "./cache.ts";
import { chooseFiles, type HubFile } from "./choose-files.ts";
import { HubError, isHubError } from "./errors.ts";
import { hashFile } from "./file-hash.ts";
import { type ByteRange, type HubEvent, type HubListing, type HubOptions, openHub } from "./hub.ts";
import type { HubName, ModelName } from "./model-name.ts";
import { findElsewhere, type OtherStores } from "./other-stores.ts";
import { persist, waitFor } from "./retry.ts";

export interface PullOptions extends Omit<HubOptions, "onEvent"> {
  /** Folder of the models that are kept. */
  readonly cache: string;
  /** Models that other programs have downloaded are used where they are, once their contents are checked. */
  readonly stores?: OtherStores;
  /** Asks nobody. */
  readonly offline?: boolean;
  /** Parts that are under way at the same time; default 4. */
  readonly parallel?: number;
  /** Size of a part: what is taken up again after an interruption is whole parts. Default 16 MiB. */
  readonly chunkBytes?: number;
  readonly onEvent?: (event: PullEvent) => void;
}

export type PullEvent =
  | HubEvent
  | { readonly kind: "chosen"; readonly repo: string; readonly commit: string; readonly files: readonly HubFile[] }
  /** Of all files; what an earlier run left counts as there. */
  | { readonly kind: "progress"; readonly bytes: number; readonly total: number }
  /** Another program has the file: its contents are checked before it is used. */
  | { readonly kind: "checking"; readonly path: string; readonly bytes: number }
  /** Another process downloads the same file. */
  | { readonly kind: "waiting"; readonly path: string };

export interface PulledModel extends KeptModel {
  /** Whether anything was downloaded. */
  readonly isNew: boolean;
}

const PARALLEL = 4;
const LOCK_LOOK_MS = 500;
/** Bytes between two reports of progress. */
const REPORT_BYTES = 1024 * 1024;
/** Bytes, at least, that are written in one step: networks give far less at a time. */
const WRITE_BYTES = 1024 * 1024;
/** Bytes of a file at any address that are asked for in one step. */
const READ_BYTES = 4 * 1024 * 1024;

/**
 * Finds what the name says, downloads what is not there yet, and checks it.
 * @throws HubError; IoError `E_NOSPACE`, `E_IO`, `E_TIMEOUT`; the signal's reason
 */
export async function pullModel(
  name: Exclude<ModelName, { kind: "path" }>,
  options: PullOptions,
): Promise<PulledModel> {
  if (name.kind === "url") return pullUrl(name.url, options);
  const listing = await listingOf(name, options);
  const files = chooseFiles(listing.files, name);
  options.onEvent?.({ kind: "chosen", repo: listing.repo, commit: listing.commit, files });
  const found = await findModel(options.cache, listing.repo, files);
  if (found !== undefined) return { ...found, isNew: false };
  const { stores, signal, onEvent } = options;
  const onFound = (path: string, bytes: number): void => onEvent?.({ kind: "checking", path, bytes });
  const paths = stores && (await findElsewhere(stores, listing, files, { signal, onFound }));
  if (paths !== undefined) {
    return { ...(await rememberElsewhere(options.cache, listing, files, paths)), isNew: false };
  }
  if (options.offline === true) throw offline(name);
  const hub = openHub(options);
  const progress = reporter(files, options);
  return keepModel(options.cache, listing, files, async (path, file) => {
    const read = (range: ByteRange, use: (bytes: Uint8Array) => Promise<void>): Promise<void> =>
      hub.read(listing, file, range, use);
    await download(path, file, read, progress, options);
  }).then((model) => ({ ...model, isNew: true }));
}

/** What the hub lists; what it listed before, if it cannot be reached and nothing else is asked for. */
async function listingOf({ repo, revision = "main" }: HubName, options: PullOptions): Promise<HubListing> {
  const kept = await keptListing(options.cache, repo, revision);
  const isCommit = /^[0-9a-f]{40}$/.test(revision);
  if (kept !== undefined && (isCommit || options.offline === true)) return kept;
  if (options.offline === true) throw offline({ repo });
  try {
    const listing = await openHub(options).list(repo, revision);
    await keepListing(options.cache, listing);
    return listing;
  } catch (error) {
    const isUnreachable = isIoError(error) || isHubError(error, "E_BUSY");
    if (kept === undefined || !isUnreachable) throw error;
    options.onEvent?.({
      kind: "warning",
      text: `the hub cannot be reached (${error.message}): taking what was downloaded before`,
    });
    return kept;
  }
}

function offline({ repo }: Pick<HubName, "repo">): HubError {
  return new HubError({
    code: "E_OFFLINE",
    message: `${repo} is not among the models that were downloaded, and nobody may be asked`,
  });
}

type ReadRange = (range: ByteRange, use: (bytes: Uint8Array) => Promise<void>) => Promise<void>;

/** Downloads what is missing of one file, checks all of it, and has it appear. */
async function download(
  path: string,
  file: HubFile,
  read: ReadRange,
  progress: (bytes: number) => void,
  options: PullOptions,
): Promise<void> {
  // a weak ETag, or the time of a change, does not tell that bytes are the same
  const isExact = file.hash !== undefined || file.version?.startsWith('"') === true;
  const key = file.hash === undefined ? `version ${file.version}` : `${file.hash.kind} ${file.hash.hex}`;
  const { chunkBytes } = options;
  const sizes = { bytes: file.bytes, ...(chunkBytes !== undefined && { chunkBytes }) };
  const open = async (): Promise<PartFile> => {
    const part = await openPartFile(path, { key, ...sizes });
    if (isExact) return part;
    // nobody could tell whether what an earlier run left is of the same file
    await part.discard();
    return openPartFile(path, { key, ...sizes });
  };
  const part = await whenFree(path, open, options);
  if (part === undefined) {
    progress(file.bytes);
    return;
  }
  const hash = hashFile(part, file, { signal: options.signal });
  try {
    const missing = part.missing();
    progress(file.bytes - missing.reduce((sum, { start, end }) => sum + end - start, 0));
    const queue = [...missing];
    const controller = new AbortController();
    const work = async (): Promise<void> => {
      for (let next = queue.shift(); next !== undefined && !controller.signal.aborted; next = queue.shift()) {
        let [offset, held, pieces] = [next.start, 0, [] as Uint8Array[]];
        const flush = async (): Promise<void> => {
          await part.write(offset, pieces);
          offset += held;
          [held, pieces] = [0, []];
        };
        await read(next, async (bytes) => {
          controller.signal.throwIfAborted();
          progress(bytes.byteLength);
          pieces.push(bytes);
          held += bytes.byteLength;
          if (held >= WRITE_BYTES) await flush();
        });
        await flush();
        await part.finish(next.chunk);
        await hash.advance();
      }
    };
    const workers = Array.from({ length: Math.min(options.parallel ?? PARALLEL, queue.length) }, () =>
      work().catch((error: unknown) => {
        controller.abort(error);
        throw error;
      }),
    );
    const failed = (await Promise.allSettled(workers)).find((result) => result.status === "rejected");
    if (failed !== undefined) throw controller.signal.reason;
    const got = await hash.end();
    if (file.hash !== undefined && got !== file.hash.hex) {
      await part.discard();
      throw new HubError({
        code: "E_HASH",
        message: `${file.path} is not what the hub states: ${file.hash.kind} ${got}, expected ${file.hash.hex}`,
        hint: "what came was removed; try again",
      });
    }
    await part.commit();
  } finally {
    await hash.close();
    await part.close();
  }
}

/** Undefined if another process has made the file meanwhile. */
async function whenFree(
  path: string,
  open: () => Promise<PartFile>,
  { signal, onEvent, wait = waitFor }: PullOptions,
): Promise<PartFile | undefined> {
  for (let looks = 0; ; looks++) {
    try {
      return await open();
    } catch (error) {
      if (isIoError(error, "E_EXISTS")) return undefined;
      if (!isIoError(error, "E_LOCKED")) throw error;
      if (looks === 0) onEvent?.({ kind: "waiting", path });
      await wait(LOCK_LOOK_MS, signal);
      signal?.throwIfAborted();
      if ((await stat(path).catch(() => undefined)) !== undefined) return undefined;
    }
  }
}

function reporter(files: readonly HubFile[], { onEvent }: PullOptions): (bytes: number) => void {
  const total = files.reduce((sum, { bytes }) => sum + bytes, 0);
  let [bytes, reported] = [0, -REPORT_BYTES];
  return (more) => {
    bytes += more;
    if (bytes - reported < REPORT_BYTES && bytes < total) return;
    reported = bytes;
    onEvent?.({ kind: "progress", bytes, total });
  };
}

/** A file at any address: nobody states its hash, but it must stay the same while it comes, as far as the server says. */
async function pullUrl(url: string, options: PullOptions): Promise<PulledModel> {
  const { pathname, host } = new URL(url);
  const name = decodeURIComponent(pathname.slice(pathname.lastIndexOf("/") + 1)) || "model";
  const listing = (bytes: number, version?: string): [HubListing, HubFile] => {
    const file: HubFile = { path: name, bytes, hash: undefined, version };
    const id = createHash("sha1").update(url).digest("hex");
    return [{ repo: join(host, id.slice(0, 16)), revision: "main", commit: id, files: [file] }, file];
  };
  const [{ repo }] = listing(0);
  const kept = await keptListing(options.cache, repo, "main");
  const keptFile = kept?.files[0];
  if (options.offline === true) {
    const found = keptFile && (await findModel(options.cache, repo, [keptFile]));
    if (found !== undefined) return { ...found, isNew: false };
    throw offline({ repo: host });
  }
  const source = await persist(options, () => httpSource(url, httpOptions(options)));
  const [wanted, file] = listing(source.byteLength, source.version);
  const found = await findModel(options.cache, repo, [file]);
  if (found !== undefined) return { ...found, isNew: false };
  await keepListing(options.cache, wanted);
  const progress = reporter([file], options);
  const model = await keepModel(options.cache, wanted, [file], async (path) => {
    const read: ReadRange = async ({ start, end }, use) => {
      for (let at = start; at < end; at += READ_BYTES) {
        options.signal?.throwIfAborted();
        const bytes = new Uint8Array(Math.min(READ_BYTES, end - at));
        await persist(options, () => source.read(at, bytes));
        await use(bytes);
      }
    };
    await download(path, file, read, progress, options);
  });
  return { ...model, isNew: true };
}

function httpOptions({ fetch, signal, timeoutMs }: PullOptions): Parameters<typeof httpSource>[1] {
  return {
    ...(fetch && { fetch }),
    ...(signal !== undefined && { signal }),
    ...(timeoutMs !== undefined && { timeoutMs }),
  };
}
