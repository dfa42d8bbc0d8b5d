// Files that are read whole, after a look at their size.

import { FormatError } from "@ll/bytes";
import { openFileSource } from "@ll/bytes/node";

/** A long conversation has some hundred KiB. */
const MAX_BYTES = 16 * 1024 * 1024;

/** The text of a UTF-8 file. @throws FormatError `E_LIMIT`, `E_ENCODING`; IoError */
export async function readSmallFile(path: string): Promise<string> {
  const source = await openFileSource(path);
  try {
    if (source.byteLength > MAX_BYTES) {
      throw new FormatError({ code: "E_LIMIT", file: path, message: `more than ${MAX_BYTES} bytes` });
    }
    const bytes = new Uint8Array(source.byteLength);
    await source.read(0, bytes);
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new FormatError({ code: "E_ENCODING", file: path, message: "not UTF-8", cause: error });
  } finally {
    await source.close();
  }
}
