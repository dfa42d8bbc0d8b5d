import { homedir } from "node:os";
import { join } from "node:path";

/** A path as a shell understands it: `~` and `~/…` begin in the home folder. */
export function expandHome(path: string): string {
  return /^~(?=$|[/\\])/.test(path) ? join(homedir(), path.slice(1)) : path;
}
