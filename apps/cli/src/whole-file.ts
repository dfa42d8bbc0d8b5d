// Files that are read whole, after a look at their size.

import { type ByteSource, FormatError } from "@ll/bytes";
import { openFileSource } from "@ll/bytes/node";

/** A long conversation has some hundred KiB. */
const MAX_TEXT_BYTES = 16 * 1024 * 1024;

/** All bytes of an open file. @throws FormatError `E_LIMIT` with `message`, if they are more than `mostBytes`; IoError */
export async function wholeSource(source: ByteSource, mostBytes: number, message: string): Promise<Uint8Array> {
  const { name, byteLength } = source;
  if (byteLength > mostBytes) {
    const expected = `at most ${mostBytes} bytes`;
    throw new FormatError({ code: "E_LIMIT", file: name, expected, got: byteLength, message });
  }
  const bytes = new Uint8Array(byteLength);
  await source.read(0, bytes);
  return bytes;
}

/** The same of the file at a path. @throws as there */
async function readWholeFile(path: string, mostBytes: number, message: string): Promise<Uint8Array> {
  const source = await openFileSource(path);
  try {
    return await wholeSource(source, mostBytes, message);
  } finally {
    await source.close();
  }
}

/** The text of a UTF-8 file. @throws FormatError `E_LIMIT`, `E_ENCODING`; IoError */
export async function readSmallFile(path: string): Promise<string> {
  const bytes = await readWholeFile(path, MAX_TEXT_BYTES, `more than ${MAX_TEXT_BYTES} bytes`);
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new FormatError({ code: "E_ENCODING", file: path, message: "not UTF-8", cause });
  }
}
