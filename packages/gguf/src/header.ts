// The first 24 bytes. Versions 2 and 3 have one layout; version 3 only says that there may be big-endian files.
//
//   byte  0         4         8                  16                      24
//         ├─ "GGUF" ┼ version ┼ number of tensors ┼ number of key-values ┤      u32, u64, u64

import type { BoundedReader } from "@ll/bytes";
import { MAX_METADATA, MAX_TENSORS } from "./limits.ts";

/** "GGUF" as a little-endian number. */
export const GGUF_MAGIC = 0x46554747;

export interface Header {
  readonly version: 2 | 3;
  readonly nTensors: number;
  readonly nMetadata: number;
}

/** Shortest key-value pair: length, one byte of key, type, one byte of value. */
const MIN_METADATA_BYTES = 14;
/** Shortest tensor entry: length, one byte of name, number of dimensions, type, offset. */
const MIN_TENSOR_BYTES = 25;

/** Files that people mistake for these: how they begin, what they are, and what takes them. */
const LOOKALIKES: readonly (readonly [start: string, hint: string])[] = [
  ["FUGG", "its numbers are big-endian (byte-swapped GGUF): only little-endian files are read"],
  ["lmgg", "it is a ggml file, a predecessor of GGUF: @ll/ggml-format reads it"],
  ["fmgg", "it is a ggmf file, a predecessor of GGUF: @ll/ggml-format reads it"],
  ["tjgg", "it is a ggjt file, the predecessor of GGUF: @ll/ggml-format reads it"],
  ["algg", "it is a LoRA adapter (ggla)"],
  ["nsgg", "it is a saved session (ggsn)"],
  ["PK\x03\x04", "it is a zip archive, such as a PyTorch checkpoint: convert it first, with ll-convert"],
  ["\x80\x02", "it is a Python pickle: convert the model first, with ll-convert"],
  ["{", "it is JSON, such as config.json: give the model file"],
  ["version https://git-lfs", "it is a Git LFS pointer: the model itself has not been fetched"],
  ["<", "it is a web page: the download went wrong"],
];

/** @throws GgufFormatError `E_TRUNC`; `E_MAGIC`, with what the file looks like; `E_VERSION`; `E_LIMIT` or `E_OVERFLOW` for a count. */
export async function readHeader(reader: BoundedReader): Promise<Header> {
  const magic = await reader.u32("magic");
  if (magic !== GGUF_MAGIC) throw await otherMagic(reader);
  const version = await reader.u32("version");
  if (version !== 2 && version !== 3) throw otherVersion(reader, version);
  const nTensors = await reader.u64("tensor_count");
  const nMetadata = await reader.u64("metadata_kv_count");
  reader.assertCount(nMetadata, MIN_METADATA_BYTES, "metadata_kv_count", MAX_METADATA);
  reader.assertCount(nTensors, MIN_TENSOR_BYTES, "tensor_count", MAX_TENSORS);
  return { version, nTensors, nMetadata };
}

async function otherMagic(reader: BoundedReader): Promise<Error> {
  // the start as text, one character a byte; a safetensors file has the length of its JSON header there
  const start = new Uint8Array(Math.min(24, reader.source.byteLength));
  await reader.source.read(0, start);
  const text = String.fromCharCode(...start);
  const isSafetensors = text.startsWith("\0\0\0\0{", 4);
  return reader.error({
    code: "E_MAGIC",
    offset: 0,
    field: "magic",
    expected: "GGUF",
    got: [...start.subarray(0, 4)].map((byte) => byte.toString(16).padStart(2, "0")).join(" "),
    message: "not a GGUF file",
    hint: isSafetensors
      ? "it is a safetensors file: convert it first, with ll-convert"
      : LOOKALIKES.find(([lookalike]) => text.startsWith(lookalike))?.[1],
  });
}

function otherVersion(reader: BoundedReader, version: number): Error {
  // version 3 with its bytes the other way round
  const isBigEndian = version !== 0 && version % 0x10000 === 0;
  return reader.error({
    code: "E_VERSION",
    offset: 4,
    field: "version",
    expected: "2 or 3",
    got: version,
    message: isBigEndian ? "a GGUF file with big-endian numbers" : `GGUF version ${version}`,
    hint: isBigEndian
      ? "only little-endian files are read"
      : version === 1
        ? "version 1 was written for a few days of August 2023: make the file again from the original model"
        : undefined,
  });
}
