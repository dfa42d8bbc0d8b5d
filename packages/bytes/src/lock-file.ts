// A file that says who is at work on another one, until its process ends, however it does.

import * as fs from "node:fs/promises";
import { IoError } from "./errors.ts";
import { errorCode, fail } from "./out-target.ts";
import { forgetTemporary, isOwnerAlive, ownerText, registerLock } from "./temporary-files.ts";

const LOCK_BEAT_MS = 10_000;
/** Without a beat for so long, a lock whose owner cannot be asked for counts as left. */
const LOCK_SILENT_MS = 120_000;

/**
 * A courtesy, so that nothing is done twice: two that write at the same time write the same.
 * @param target what is worked on, for messages
 * @returns what removes the lock
 * @throws IoError `E_LOCKED` while another process has it, `E_IO`
 */
export async function lockFile(path: string, target: string): Promise<() => Promise<void>> {
  for (let attempt = 0; ; attempt++) {
    try {
      const handle = await fs.open(path, "wx", 0o600);
      registerLock(path);
      await handle.writeFile(ownerText()).finally(() => handle.close());
      break;
    } catch (cause) {
      if (errorCode(cause) !== "EEXIST") fail(target, cause);
    }
    if (attempt === 3 || !(await removeIfStale(path))) {
      throw new IoError({ code: "E_LOCKED", file: target, message: `${target} is being written by another process` });
    }
  }
  const beat = setInterval(() => {
    fs.utimes(path, new Date(), new Date()).catch(() => undefined);
  }, LOCK_BEAT_MS).unref();
  return async () => {
    clearInterval(beat);
    if (forgetTemporary(path)) await fs.unlink(path).catch(() => undefined);
  };
}

async function removeIfStale(path: string): Promise<boolean> {
  const [text, stat] = await Promise.all([
    fs.readFile(path, "latin1").catch(() => undefined),
    fs.stat(path).catch(() => undefined),
  ]);
  if (text === undefined || stat === undefined) return true; // it is gone
  // one that is empty is being made, or its owner died between two steps
  const isAlive = isOwnerAlive(text) ?? Date.now() - stat.mtimeMs < LOCK_SILENT_MS;
  if (isAlive) return false;
  await fs.unlink(path).catch(() => undefined);
  return true;
}
