// A model that is copied to the kept ones: a picked file, or one on a web server.

import { type ByteSource, FormatError } from "@ll/bytes";
import type { Made, Place, WorkStep } from "./jobs.ts";
import { createOutput } from "./outputs.ts";
import { filesOf } from "./sources.ts";

const PIECE_BYTES = 4 * 1024 * 1024;

/** @throws StorageError, IoError; the signal's reason */
export async function keep(place: Place, tell: (step: WorkStep) => void, signal: AbortSignal): Promise<Made> {
  const [file, ...others] = await filesOf(place);
  if (file === undefined || others.length > 0) throw new TypeError("only a model in one file can be kept");
  const { source } = file;
  const name = source.name.split("/").at(-1) || "model";
  const out = await createOutput("kept", name, source.byteLength);
  try {
    await copy(source, out, (done) => tell({ stage: "keeping", name, done, total: source.byteLength }), signal);
    await source.assertUnchanged?.();
    assertHash(source, out.sha256(), file.sha256);
    return { ...(await out.commit()), warnings: [] };
  } finally {
    await out.abort(); // harmless after the commit
  }
}

/** @throws FormatError `E_HASH` for other bytes than the hub states */
function assertHash({ name }: ByteSource, got: string, expected: string | undefined): void {
  if (expected === undefined || got === expected) return;
  const message = "the file is not what the hub states";
  throw new FormatError({ code: "E_HASH", file: name, field: "sha256", expected, got, message });
}

async function copy(
  source: ByteSource,
  sink: { write(bytes: Uint8Array): Promise<void> },
  onProgress: (done: number) => void,
  signal: AbortSignal,
): Promise<void> {
  const piece = new Uint8Array(Math.min(PIECE_BYTES, source.byteLength));
  for (let offset = 0; offset < source.byteLength; offset += piece.length) {
    signal.throwIfAborted();
    const part = piece.subarray(0, Math.min(piece.length, source.byteLength - offset));
    await source.read(offset, part);
    await sink.write(part);
    onProgress(offset + part.length);
  }
}
