// Text that a program is given: as an argument, in a file, or on standard input.

import { readFile, stat } from "node:fs/promises";
import { IoError } from "@ll/bytes";
import { reason } from "@ll/bytes/node";
import { Refusal } from "./errors.ts";

/** Longest text, in bytes: many times what a tokenizer is given, and room in memory for it several times over. */
const MAX_TEXT_BYTES = 256 * 1024 * 1024;

/**
 * The bytes of the file at `path`, or of standard input for `-`.
 * @throws Refusal for more than 256 MiB; IoError
 */
export async function readTextFile(path: string): Promise<Uint8Array> {
  if (path === "-") return readStandardInput();
  const fail = (cause: unknown): never => {
    throw new IoError({ code: "E_IO", file: path, message: `failed to open ${path}: ${reason(cause)}`, cause });
  };
  const { size } = await stat(path).catch(fail);
  if (size > MAX_TEXT_BYTES) throw tooLong(path);
  return readFile(path).catch(fail);
}

async function readStandardInput(): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of process.stdin) {
    chunks.push(chunk as Uint8Array);
    bytes += (chunk as Uint8Array).byteLength;
    if (bytes > MAX_TEXT_BYTES) throw tooLong("standard input");
  }
  return Buffer.concat(chunks, bytes);
}

function tooLong(what: string): Refusal {
  return new Refusal(`${what} has more than ${MAX_TEXT_BYTES} bytes`);
}
