// Names and bookkeeping of the temporary files behind `OutFile`: `.NAME.PID.SPACE.RANDOM.part`, beside the target. A process id
// says something only where it was given: SPACE names the kernel and the namespace (a container has its own) that it is of.

import { createHash, randomBytes } from "node:crypto";
import { readFileSync, readlinkSync, unlinkSync } from "node:fs";
import { hostname } from "node:os";
import { basename, dirname, join } from "node:path";
import type { OutFileSystem } from "./out-file-options.ts";

/** Temporary files of this process that exist now, or are about to. */
const livePaths = new Set<string>();

/** A path for a new temporary file beside `target`, registered for `removeTemporaryFiles`. */
export function registerTemporary(target: string): string {
  const random = randomBytes(4).toString("hex");
  const path = join(dirname(target), `${prefix(target)}${process.pid}.${processSpace()}.${random}.part`);
  livePaths.add(path);
  return path;
}

/** `path`, registered for `removeTemporaryFiles`. */
export function registerLock(path: string): string {
  livePaths.add(path);
  return path;
}

/** Who has a lock: a process, and the space that its id is of. */
export function ownerText(): string {
  return `${process.pid} ${processSpace()}\n`;
}

/** Whether the process that wrote `ownerText` is alive; undefined if that cannot be said from here. */
export function isOwnerAlive(text: string): boolean | undefined {
  const [, pid, space] = /^(\d{1,10}) ([0-9a-f]{12})\n$/.exec(text) ?? [];
  return space === processSpace() ? isAlive(Number(pid)) : undefined;
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

/** How often an `OutFile` says that it is alive, by the time of its temporary file. */
export const HEARTBEAT_MS: number = 60_000;

/** Without a heartbeat for so long, a file of a process that cannot be asked for counts as left: many times the clocks' difference. */
const SILENT_MS = 24 * 60 * 60 * 1000;

/**
 * Removes the temporary files of `target` that nobody writes any more; returns their paths. Never fails. Another container or
 * machine may be writing to the same folder: its processes are not seen from here, so its files go only after a day of silence.
 */
export async function removeStale(fs: OutFileSystem, target: string): Promise<string[]> {
  const start = prefix(target);
  const names = await fs.readdir(dirname(target)).catch(() => []);
  const removed: string[] = [];
  for (const name of names) {
    if (!name.startsWith(start)) continue;
    const match = /^(\d+)\.(?:([0-9a-f]{12})\.)?[0-9a-f]{8}\.part$/.exec(name.slice(start.length));
    if (match === null) continue;
    const stale = join(dirname(target), name);
    const isOurs = match[2] === processSpace();
    if (isOurs ? isAlive(Number(match[1])) : !(await isSilent(fs, stale))) continue;
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

async function isSilent(fs: OutFileSystem, path: string): Promise<boolean> {
  const stat = await fs.stat(path).catch(() => undefined);
  return stat !== undefined && Date.now() - stat.mtimeMs > SILENT_MS;
}

let space: string | undefined;

/** Twelve digits, the same for all processes that see each other's ids. */
function processSpace(): string {
  space ??= createHash("sha256").update(processSpaceText()).digest("hex").slice(0, 12);
  return space;
}

function processSpaceText(): string {
  try {
    return `${readFileSync("/proc/sys/kernel/random/boot_id", "latin1")} ${readlinkSync("/proc/self/ns/pid")}`;
  } catch {
    return hostname(); // no Linux, which alone has namespaces
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
