// Texts that options take from files.

import { createReadStream } from "node:fs";
import { invalidParameter, type OptionValue } from "../../option-table.ts";

/** Longest file that is read; far beyond any context. */
const FILE_BYTES = 64 * 1024 * 1024;

/** All bytes of the file that the option names; of standard input for `-`. @throws UsageError */
export async function textFromFile({ text: path, option }: OptionValue): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  try {
    for await (const chunk of path === "-" ? process.stdin : createReadStream(path)) {
      bytes += (chunk as Uint8Array).byteLength;
      if (bytes > FILE_BYTES) break;
      chunks.push(chunk as Uint8Array);
    }
  } catch {
    throw invalidParameter(option, `error: failed to open file '${path}'`);
  }
  if (bytes > FILE_BYTES) throw invalidParameter(option, `${path} is over ${FILE_BYTES} bytes`);
  return Buffer.concat(chunks);
}

/** `text` without one newline at its end, if there is one. */
export function withoutFinalNewline(text: Uint8Array): Uint8Array {
  return text.at(-1) === 0x0a ? text.subarray(0, -1) : text;
}
