// Model directories on disk that last as long as a test, and whole reads of tensors.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { SourceTensor } from "@ll/bytes";
import { onTestFinished } from "vitest";

/** A directory with these files; removed when the test ends. */
export function directoryWith(files: Readonly<Record<string, Uint8Array | string>>): string {
  const root = mkdtempSync(join(tmpdir(), "ll-checkpoint-"));
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), content);
  }
  return root;
}

/** All bytes of a tensor, read in pieces of `pieceBytes`. */
export async function readAll(tensor: SourceTensor, pieceBytes = 1 << 20): Promise<Uint8Array> {
  const bytes = new Uint8Array(tensor.byteLength);
  for (let offset = 0; offset < bytes.length; offset += pieceBytes) {
    await tensor.read(offset, bytes.subarray(offset, Math.min(bytes.length, offset + pieceBytes)));
  }
  return bytes;
}
