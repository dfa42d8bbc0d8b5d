// Texts that options take from files.

import { isIoError } from "@ll/bytes";
import { invalidParameter, type OptionValue } from "../../option-table.ts";
import { readTextFile } from "../../text-input.ts";

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
