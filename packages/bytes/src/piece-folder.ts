// Results of long work, each a file in one folder, until all are there: a piece appears whole or not at all, and stays as it is. A run
// that was killed goes on with the pieces that it finds. While it is open, `.lock` says who is at it.

import * as fs from "node:fs/promises";
import { dirname, join } from "node:path";
import { lockFile } from "./lock-file.ts";
import { syncDirectory } from "./out-file.ts";
import { errorCode, fail } from "./out-target.ts";

export interface PieceFolder {
  readonly path: string;
  /** In order. */
  names(): Promise<string[]>;
  read(name: string): Promise<Uint8Array>;
  /** Resolves when the piece would survive a power failure; to false if there is one of that name, which stays. */
  put(name: string, bytes: Uint8Array): Promise<boolean>;
  /** Keeps what is there for another time. */
  close(): Promise<void>;
  /** Removes the folder with all that is in it. */
  remove(): Promise<void>;
}

/** What a piece may be called: no path, and nothing that this file keeps beside them. */
const NAME = /^[0-9A-Za-z][0-9A-Za-z_-]{0,99}$/;
const PART = ".part";
const LOCK = ".lock";

/** What linking says on file systems that have no links. */
const NO_LINKS: ReadonlySet<string> = /* @__PURE__ */ new Set(["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EMLINK"]);

/**
 * Opens or makes the folder `path`. What a killed run left half written is removed.
 * @throws IoError `E_LOCKED` while another process is at it, `E_IO`
 */
export async function openPieceFolder(path: string): Promise<PieceFolder> {
  await fs.mkdir(path, { recursive: true }).catch((cause: unknown) => fail(path, cause));
  const unlock = await lockFile(join(path, LOCK), path);
  const orFail = <T>(name: string, work: Promise<T>): Promise<T> =>
    work.catch((cause: unknown) => fail(join(path, name), cause));
  const pathOf = (name: string): string => {
    if (!NAME.test(name)) throw new RangeError(`"name" expected letters, digits and hyphens, got ${name}`);
    return join(path, name);
  };
  const all = await fs.readdir(path).catch((cause: unknown) => fail(path, cause));
  for (const name of all.filter((one) => one.endsWith(PART))) await fs.unlink(join(path, name)).catch(() => undefined);
  return {
    path,
    names: () =>
      orFail(
        "",
        fs.readdir(path).then((found) => found.filter((name) => NAME.test(name)).sort()),
      ),
    read: (name) =>
      orFail(
        name,
        fs.readFile(pathOf(name)).then((bytes) => new Uint8Array(bytes)),
      ),
    put: (name, bytes) => orFail(name, putPiece(fs, pathOf(name), bytes)),
    close: unlock,
    async remove() {
      await unlock();
      await orFail("", fs.rm(path, { recursive: true, force: true }));
    },
  };
}

async function putPiece(system: typeof fs, target: string, bytes: Uint8Array): Promise<boolean> {
  const part = `${target}${PART}`;
  const handle = await system.open(part, "w", 0o600);
  try {
    await handle.writeFile(bytes);
    await handle.sync();
  } finally {
    await handle.close();
  }
  const isNew = await claim(system, part, target);
  await syncDirectory(system, dirname(target));
  return isNew;
}

/** Gives a finished file its name, unless another has it. */
async function claim(system: typeof fs, part: string, target: string): Promise<boolean> {
  try {
    await system.link(part, target);
  } catch (cause) {
    const code = errorCode(cause) ?? "";
    if (NO_LINKS.has(code) && (await system.stat(target).catch(() => undefined)) === undefined) {
      await system.rename(part, target); // nobody else is here: the lock says so
      return true;
    }
    await system.unlink(part);
    if (code === "EEXIST" || NO_LINKS.has(code)) return false;
    throw cause;
  }
  await system.unlink(part);
  return true;
}
