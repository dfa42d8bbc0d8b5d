// Reads the vocabulary of a ggmf or ggjt file, straight from the layout and without any check.

import type { VocabEntry } from "../../src/index.ts";

export function readGgmlVocabulary(bytes: Uint8Array): VocabEntry[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const nVocab = view.getUint32(8, true); // behind magic and version
  const entries: VocabEntry[] = [];
  let offset = 8 + 7 * 4; // seven hyper-parameters
  while (entries.length < nVocab) {
    const length = view.getUint32(offset, true);
    const text = bytes.slice(offset + 4, offset + 4 + length);
    entries.push({ text, score: view.getFloat32(offset + 4 + length, true) });
    offset += 8 + length;
  }
  return entries;
}
