// Names and bookkeeping of the temporary files behind `OutFile`: `.NAME.PID.RANDOM.part`, beside the target.

import { randomBytes } from "node:crypto";
import { unlinkSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import type { OutFileSystem } from "./out-file-options.ts";

/** Temporary files of this process that exist now, or are about to. */
const livePaths = new Set<string>();

/** A path for a new temporary file beside `target`, registered for `removeTemporaryFiles`. */
export function registerTemporary(target: string): string {
  const random = randomBytes(4).toString("hex");
  const path = join(dirname(target), `${prefix(target)}${process.pid}.${random}.part`);
  livePaths.add(path);
  return path;
}

/** Returns false if it was not registered (any more). */
export function forgetTemporary(path: string): boolean {
  return livePaths.delete(path);
}

/** Removes what unfinished `OutFile`s left, synchronously: for the signal handlers of an application. */
export function removeTemporaryFiles(): void {
  for (const path of livePaths) {
    try {
      unlinkSync(path);
    } catch {
      // already gone
    }
  }
  livePaths.clear();
}

/** Removes the temporary files of `target` whose process is gone; returns their paths. Never fails. */
export async function removeStale(fs: OutFileSystem, target: string): Promise<string[]> {
  const start = prefix(target);
  const names = await fs.readdir(dirname(target)).catch(() => []);
  const removed: string[] = [];
  for (const name of names) {
    if (!name.startsWith(start)) continue;
    const match = /^(\d+)\.[0-9a-f]{8}\.part$/.exec(name.slice(start.length));
    if (match === null || isAlive(Number(match[1]))) continue;
    const stale = join(dirname(target), name);
    await fs.unlink(stale).then(
      () => removed.push(stale),
      () => undefined,
    );
  }
  return removed;
}

/** Only the first 48 characters of the name: with the rest, the whole stays under the usual limit of 255 bytes. */
function prefix(target: string): string {
  return `.${[...basename(target)].slice(0, 48).join("")}.`;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
