// What was typed in earlier chats, line by line, for the arrow keys.

// biome-ignore lint/style/noRestrictedImports: lines are appended to a file of our own in the cache folder
import { appendFile, mkdir, readFile, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { cacheFolder } from "../../cache-folder.ts";
import type { Io } from "../../command.ts";
import { inert } from "../../terminal.ts";

/** Lines that are offered, and that a file is cut to once it has twice as many. */
const MAX_LINES = 1000;

/** A larger file is none of ours. */
const MAX_BYTES = 16 * 1024 * 1024;

export interface HistoryFile {
  /** Oldest first, without control characters. */
  readonly lines: readonly string[];
  /** Never throws: a history that cannot be written is not worth an end of the chat. */
  append(line: string): Promise<void>;
}

/** An empty history where there is no folder for one. */
export async function openHistory(env: Io["env"]): Promise<HistoryFile> {
  const folder = cacheFolder(env);
  if (folder === undefined) return { lines: [], append: async () => undefined };
  const path = join(folder, "chat-history");
  const all = await readLines(path);
  const lines = all.slice(-MAX_LINES);
  if (all.length > 2 * MAX_LINES)
    await writeFile(path, lines.map((line) => `${line}\n`).join("")).catch(() => undefined);
  let isReady = false;
  return {
    lines: lines.map(inert),
    async append(line) {
      try {
        if (!isReady) await mkdir(dirname(path), { recursive: true, mode: 0o700 });
        isReady = true;
        await appendFile(path, `${line}\n`, { mode: 0o600 });
      } catch {
        // see above
      }
    },
  };
}

async function readLines(path: string): Promise<string[]> {
  const file = await stat(path).catch(() => undefined);
  if (file === undefined || !file.isFile() || file.size > MAX_BYTES) return [];
  const text = await readFile(path, "utf8").catch(() => "");
  return text.split("\n").filter((line) => line !== "");
}
