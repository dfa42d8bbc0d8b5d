// The work that is disturbed in out-file-faults.test.ts, in this process or in a child.

import { createOutFile } from "../src/out-file.ts";
import type { OutFileSystem } from "../src/out-file-options.ts";

const PIECE: Uint8Array = new Uint8Array(10_000).fill(0x5a);

/** Replaces the file at `path`, which may not be `path.input`, with every step that there is. */
export async function replaceFile(path: string, fs: OutFileSystem, nPieces: number): Promise<void> {
  const options = { fs, expectedBytes: nPieces * PIECE.length, inputs: [`${path}.input`], verify: true };
  const out = await createOutFile(path, options);
  for (let i = 0; i < nPieces; i++) await out.write(PIECE);
  await out.commit();
}

/** What `replaceFile` writes. */
export function newBytes(nPieces: number): Uint8Array {
  return new Uint8Array(nPieces * PIECE.length).fill(0x5a);
}
