// What was typed in earlier chats, for the arrow keys. An input of several lines is kept as lines that end in `\`, all but the last.

// biome-ignore-start lint/style/noRestrictedImports: lines are appended to a file of our own in the cache folder
import { constants } from "node:fs";
import { type FileHandle, mkdir, open, stat } from "node:fs/promises";
// biome-ignore-end lint/style/noRestrictedImports: all else is restricted
import { dirname, join } from "node:path";
import { createOutFile } from "@ll/bytes/node";
import { cacheFolder } from "@ll/hub/node";
import type { Io } from "../../command.ts";
import { inert } from "../../terminal.ts";

/** Inputs that are offered. A file of twice as many lines is cut to so many. */
const MAX_LINES = 1000;

/** A larger file is none of ours. */
const MAX_BYTES = 16 * 1024 * 1024;

export interface HistoryFile {
  /** Oldest first, without control characters but newlines. */
  readonly lines: readonly string[];
  /** Never throws: a history that cannot be written is not worth an end of the chat. */
  append(input: string): Promise<void>;
}

/** An empty history where there is no folder for one. */
export async function openHistory(env: Io["env"]): Promise<HistoryFile> {
  const folder = cacheFolder(env);
  if (folder === undefined) return { lines: [], append: async () => undefined };
  const path = join(folder, "chat-history");
  const lines = await readAndCut(path).catch(() => []);
  return {
    lines: inputsIn(lines).slice(-MAX_LINES).map(inert),
    async append(input) {
      const text = `${input.replaceAll("\n", "\\\n")}\n`;
      try {
        await mkdir(dirname(path), { recursive: true, mode: 0o700 });
        // a second chat may have cut the file between its opening and the writing: then it goes into the one that is there now
        if (!(await appendTo(path, text))) await appendTo(path, text);
      } catch {
        // see above
      }
    },
  };
}

/** The lines of a file; a long one is replaced, as a whole or not at all, by one of its last lines. */
async function readAndCut(path: string): Promise<string[]> {
  const file = await openRegular(path, constants.O_RDONLY);
  if (file === undefined) return [];
  try {
    const { size } = await file.stat();
    if (size > MAX_BYTES) return [];
    const lines = linesOf(await readFrom(file, 0, size));
    if (lines.length <= 2 * MAX_LINES) return lines;
    const kept = lines.slice(-MAX_LINES);
    // a file that cannot be cut stays as it is
    const isCut = await replaceBy(path, textOf(kept)).then(
      () => true,
      () => false,
    );
    // what another chat has written into the old file meanwhile
    const late = isCut ? await readFrom(file, size, (await file.stat()).size - size) : "";
    if (late !== "") await appendTo(path, late);
    return [...kept, ...linesOf(late)];
  } finally {
    await file.close();
  }
}

async function replaceBy(path: string, text: string): Promise<void> {
  const bytes = new TextEncoder().encode(text);
  const out = await createOutFile(path, { inputs: [], isPrivate: true, expectedBytes: bytes.byteLength });
  try {
    await out.write(bytes);
    await out.commit();
  } finally {
    await out.abort(); // harmless after the commit
  }
}

/** False if the file is no longer the one that the path names: what was written may be lost. */
async function appendTo(path: string, text: string): Promise<boolean> {
  const file = await openRegular(path, constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT);
  if (file === undefined) return true;
  try {
    await file.writeFile(text);
    const [written, named] = await Promise.all([file.stat(), stat(path)]);
    return written.ino === named.ino && written.dev === named.dev;
  } finally {
    await file.close();
  }
}

/** Undefined for what is no regular file: a FIFO would keep whoever opens it waiting. From here on it is for its owner only. */
async function openRegular(path: string, flags: number): Promise<FileHandle | undefined> {
  const file = await open(path, flags | (constants.O_NONBLOCK ?? 0), 0o600);
  const found = await file.stat();
  if (found.isFile()) {
    if ((found.mode & 0o077) !== 0) await file.chmod(0o600).catch(() => undefined); // another owner's stays as it is
    return file;
  }
  await file.close();
  return undefined;
}

async function readFrom(file: FileHandle, position: number, length: number): Promise<string> {
  const bytes = new Uint8Array(Math.max(0, length));
  const { bytesRead } = await file.read(bytes, 0, bytes.length, position);
  return new TextDecoder().decode(bytes.subarray(0, bytesRead));
}

function linesOf(text: string): string[] {
  return text.split("\n").filter((line) => line !== "");
}

function textOf(lines: readonly string[]): string {
  return lines.map((line) => `${line}\n`).join("");
}

/** Lines that end in `\` go on with the next. */
function inputsIn(lines: readonly string[]): string[] {
  const inputs: string[] = [];
  let begun = "";
  for (const line of lines) {
    if (line.endsWith("\\")) {
      begun += `${line.slice(0, -1)}\n`;
      continue;
    }
    inputs.push(begun + line);
    begun = "";
  }
  return begun === "" ? inputs : [...inputs, begun.slice(0, -1)];
}
