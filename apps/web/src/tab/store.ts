// The models that the browser keeps for this page, in the folder `models` of its private file system. The name of a file there says all that
// is to be known of it, so there is no index that could be wrong: a hash that says which contents, `~`, and the model's own name.

/** A kept model. */
export interface KeptModel {
  /** Of the file in the folder. */
  readonly key: string;
  readonly name: string;
  readonly bytes: number;
  /** When it was kept, in milliseconds since 1970. */
  readonly time: number;
  readonly file: File;
}

const FOLDER = "models";
const UNFINISHED = ".part";
const HASHED_BYTES = 1024 * 1024;
/** Of a name in the folder; file systems take no more than 255. */
const NAME_CHARS = 160;

/** Undefined where there is no private file system: on plain http, and in private windows of some browsers. */
export async function modelsFolder(): Promise<FileSystemDirectoryHandle | undefined> {
  try {
    const root = await navigator.storage.getDirectory();
    return await root.getDirectoryHandle(FOLDER, { create: true });
  } catch {
    return undefined;
  }
}

/** Newest first. */
export async function keptModels(): Promise<readonly KeptModel[]> {
  const folder = await modelsFolder();
  const models: KeptModel[] = [];
  for await (const [key, handle] of folder?.entries() ?? []) {
    const name = nameOf(key);
    if (name === undefined || handle.kind !== "file") continue;
    const file = await (handle as FileSystemFileHandle).getFile();
    models.push({ key, name, bytes: file.size, time: file.lastModified, file: new File([file], name) });
  }
  return models.sort((a, b) => b.time - a.time);
}

export async function removeKept(key: string): Promise<void> {
  await (await modelsFolder())?.removeEntry(key);
}

/** What a file is called in the folder: of its size, its first and last MiB, and its name. */
async function keyOf(
  name: string,
  bytes: number,
  read: (start: number, end: number) => Promise<Uint8Array>,
): Promise<string> {
  const head = await read(0, Math.min(bytes, HASHED_BYTES));
  const tail = await read(Math.max(0, bytes - HASHED_BYTES), bytes);
  const words = new TextEncoder().encode(`${bytes} ${name}\n`);
  const all = new Uint8Array(words.length + head.length + tail.length);
  all.set(words);
  all.set(head, words.length);
  all.set(tail, words.length + head.length);
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", all));
  return `${Array.from(hash, (byte) => byte.toString(16).padStart(2, "0")).join("")}~${fileName(name)}`;
}

/** The name in letters that every file system takes; of a long one the end, which says the type. */
function fileName(name: string): string {
  const escaped = Array.from(name, (char) => (/[\w.-]/.test(char) ? char : encodeURIComponent(char)));
  while (escaped.join("").length > NAME_CHARS) escaped.shift();
  return escaped.join("");
}

function nameOf(key: string): string | undefined {
  const [, escaped] = /^[0-9a-f]{64}~(.+)$/.exec(key) ?? [];
  if (escaped === undefined || escaped.endsWith(UNFINISHED)) return undefined;
  try {
    return decodeURIComponent(escaped);
  } catch {
    return undefined;
  }
}

/** Removes what pages that were closed have left unfinished. What another page writes is locked, and stays. */
async function removeUnfinished(folder: FileSystemDirectoryHandle): Promise<void> {
  const names: string[] = [];
  for await (const name of folder.keys()) if (name.endsWith(UNFINISHED)) names.push(name);
  for (const name of names) await folder.removeEntry(name).catch(() => undefined);
}

/** A file that is being written, in a worker. It appears among the kept ones when it is whole. */
export interface UnfinishedFile {
  readonly bytesWritten: number;
  write(bytes: Uint8Array): Promise<void>;
  read(offset: number, target: Uint8Array): Promise<void>;
  /** Gives it its name, and the key under which it is kept. */
  keep(name: string): Promise<string>;
  /** Removes it, unless it was kept. */
  discard(): Promise<void>;
}

/** @throws StorageError before anything is written, if there is not enough room */
export async function createUnfinished(expectedBytes: number): Promise<UnfinishedFile> {
  const folder = await modelsFolder();
  if (folder === undefined) throw new StorageError("E_IO", "this browser keeps no files for this page");
  await removeUnfinished(folder);
  await assertRoom(expectedBytes);
  const part = `${crypto.randomUUID()}${UNFINISHED}`;
  /** Browsers say anywhere that there is no more room: when a file is made, written, flushed or closed. */
  const inRoom = async <T>(work: () => T | Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (cause) {
      throw await spaceError(expectedBytes, cause);
    }
  };
  const { handle, access } = await inRoom(() => openPart(folder, part));
  let bytesWritten = 0;
  let isOpen = true;

  function close(): void {
    if (!isOpen) return;
    isOpen = false;
    access.close();
  }

  return {
    get bytesWritten() {
      return bytesWritten;
    },
    async write(bytes) {
      await inRoom(() => {
        const { byteLength } = bytes;
        for (let done = 0; done < byteLength; ) done += access.write(bytes.subarray(done), { at: bytesWritten + done });
        bytesWritten += byteLength;
      });
    },
    async read(offset, target) {
      const got = access.read(target, { at: offset });
      if (got !== target.byteLength) throw new StorageError("E_IO", `${part} is shorter than what was written`);
    },
    async keep(name) {
      const key = await keyOf(name, bytesWritten, async (start, end) => {
        const bytes = new Uint8Array(end - start);
        access.read(bytes, { at: start });
        return bytes;
      });
      await inRoom(async () => {
        access.flush();
        close();
        // the same contents under the same name: the new file takes the place of the old one
        await folder.removeEntry(key).catch(() => undefined);
        await handle.move(key);
      });
      return key;
    },
    async discard() {
      try {
        close();
      } catch {
        // a full disk: what was not written is not wanted
      }
      await folder.removeEntry(part).catch(() => undefined);
    },
  };
}

async function openPart(
  folder: FileSystemDirectoryHandle,
  name: string,
): Promise<{ readonly handle: WorkerFileHandle; readonly access: SyncAccessHandle }> {
  const handle = (await folder.getFileHandle(name, { create: true })) as WorkerFileHandle;
  return { handle, access: await handle.createSyncAccessHandle() };
}

/** What workers have, and the types of the platform for pages do not. */
interface WorkerFileHandle extends FileSystemFileHandle {
  createSyncAccessHandle(): Promise<SyncAccessHandle>;
  move(name: string): Promise<void>;
}

interface SyncAccessHandle {
  read(target: Uint8Array, options: { readonly at: number }): number;
  write(bytes: Uint8Array, options: { readonly at: number }): number;
  flush(): void;
  close(): void;
}

/** What the browser does not keep. */
class StorageError extends Error {
  readonly code: "E_IO" | "E_NOSPACE";
  readonly hint: string | undefined;

  constructor(code: StorageError["code"], message: string, options: ErrorOptions & { readonly hint?: string } = {}) {
    super(message, options);
    this.name = "StorageError";
    this.code = code;
    this.hint = options.hint;
  }
}

/** @throws StorageError `E_NOSPACE` that says what is needed and what there is */
async function assertRoom(bytes: number): Promise<void> {
  if (bytes > (await room())) throw await spaceError(bytes, undefined);
}

async function room(): Promise<number> {
  const { quota = Number.POSITIVE_INFINITY, usage = 0 } = await navigator.storage.estimate();
  return Math.max(0, quota - usage);
}

async function spaceError(bytes: number, cause: unknown): Promise<StorageError> {
  const free = await room();
  const isFull = cause === undefined || (cause as Error).name === "QuotaExceededError" || free < bytes;
  if (!isFull) return new StorageError("E_IO", `the browser cannot write the file: ${String(cause)}`, { cause });
  const message = `the file has ${bytes} bytes, and the browser lets this page keep ${free} more`;
  const hint = "remove kept models, or free space on the disk; without being kept, a model runs from where it is";
  return new StorageError("E_NOSPACE", message, { cause, hint });
}
