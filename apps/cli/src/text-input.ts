// Text that a program is given in a file or on standard input, also through an option that names the file.

// biome-ignore lint/style/noRestrictedImports: opened for reading only
import { constants, createReadStream, openSync } from "node:fs";
import { stat } from "node:fs/promises";
import { Socket } from "node:net";
import { IoError, isIoError } from "@ll/bytes";
import { reason } from "@ll/bytes/node";
import { Refusal } from "./errors.ts";
import { invalidParameter, type OptionValue } from "./option-table.ts";
import { inert, type Terminal } from "./terminal.ts";

/** Longest text, in bytes: many times what a tokenizer is given, and room in memory for it several times over. */
const MAX_TEXT_BYTES = 256 * 1024 * 1024;

/** Nothing is said of input that comes sooner. */
const SILENT_MS = 1000;

/**
 * The bytes of the file at `path`, or of standard input for `-`. The file may be a pipe, as `<(…)` of a shell is one.
 * @param err is told if somebody is to type, or if nothing comes for a second
 * @throws Refusal for more than 256 MiB; IoError
 */
export async function readTextFile(path: string, err?: Terminal): Promise<Uint8Array> {
  const isStandardInput = path === "-";
  const name = isStandardInput ? "standard input" : path;
  let stopWaiting = (): void => undefined;
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  try {
    const isNamedPipe = !isStandardInput && process.platform !== "win32" && (await stat(path)).isFIFO();
    if (isStandardInput || isNamedPipe) stopWaiting = sayWaiting(name, err);
    for await (const chunk of isStandardInput ? process.stdin : isNamedPipe ? openPipe(path) : createReadStream(path)) {
      stopWaiting();
      chunks.push(chunk as Uint8Array);
      bytes += (chunk as Uint8Array).byteLength;
      if (bytes > MAX_TEXT_BYTES) break;
    }
  } catch (cause) {
    throw new IoError({ code: "E_IO", file: name, message: `failed to open ${name}: ${reason(cause)}`, cause });
  } finally {
    stopWaiting();
  }
  if (bytes > MAX_TEXT_BYTES) throw new Refusal(`a text of more than ${MAX_TEXT_BYTES} bytes`);
  return Buffer.concat(chunks, bytes);
}

/**
 * As a socket, a named pipe that nobody writes to yet is waited for by the event loop. A stream of a file would keep a thread in
 * `open`, and no signal could end the program before that thread comes back.
 */
function openPipe(path: string): Socket {
  return new Socket({ fd: openSync(path, constants.O_RDONLY | constants.O_NONBLOCK), writable: false });
}

/** Says what is waited for: at once to whoever is to type, else after a second. Returns what ends the waiting. */
function sayWaiting(name: string, err: Terminal | undefined): () => void {
  if (name === "standard input" && process.stdin.isTTY) {
    err?.write("reading standard input: Ctrl-D at the start of a line ends it\n");
    return () => undefined;
  }
  const timer = setTimeout(() => err?.write(`reading ${inert(name)}\n`), SILENT_MS);
  return () => clearTimeout(timer);
}

/** `text` with all bytes of the file that the option names behind it; `-` is standard input. @throws UsageError; Refusal */
export async function withFile(text: Uint8Array, { text: path, option, err }: OptionValue): Promise<Uint8Array> {
  const file = await readTextFile(path, err).catch((error: unknown) => {
    throw isIoError(error) ? invalidParameter(option, `error: failed to open file '${path}'`) : error;
  });
  return Buffer.concat([text, file]);
}

/** `text` without one newline at its end, if there is one. */
export function withoutFinalNewline(text: Uint8Array): Uint8Array {
  return text.at(-1) === 0x0a ? text.subarray(0, -1) : text;
}
