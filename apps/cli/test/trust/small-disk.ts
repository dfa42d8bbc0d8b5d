// A file system of a given size in memory, mounted for one test. It takes the superuser, or a user namespace:
// `unshare --map-root-user --mount pnpm test:slow` runs the tests in one.

import { spawnSync } from "node:child_process";
import { mkdtempSync, rmdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";

function mount(...args: string[]): boolean {
  return spawnSync("mount", args).status === 0;
}

function mountTmpfs(bytes: number): string | undefined {
  const path = mkdtempSync(join(tmpdir(), "ll-disk-"));
  if (mount("-t", "tmpfs", "-o", `size=${bytes}`, "tmpfs", path)) return path;
  rmdirSync(path);
  return undefined;
}

function unmount(path: string): void {
  spawnSync("umount", [path]);
  rmdirSync(path);
}

const probe = mountTmpfs(1 << 20);
if (probe !== undefined) unmount(probe);

/** Whether this process may mount. */
export const CAN_MOUNT: boolean = probe !== undefined;

/** For the names of tests that are skipped without it. */
export const NEEDS_MOUNT: string = CAN_MOUNT ? "" : " (needs to mount: run it as root or in a user namespace)";

/** A new disk of `bytes`, gone after the test. */
export function smallDisk(bytes: number): string {
  const path = mountTmpfs(bytes);
  if (path === undefined) throw new Error("cannot mount");
  onTestFinished(() => unmount(path));
  return path;
}

/** Nothing on the disk can be written from now on. */
export function makeReadOnly(path: string): void {
  if (!mount("-o", "remount,ro", path)) throw new Error("cannot mount again");
}
