// The first four or eight bytes: which of the three containers, and which version. llama.cpp build 803 reads five combinations.
//
//   ggml          6c 6d 67 67
//   ggmf          66 6d 67 67   01 00 00 00
//   ggjt          74 6a 67 67   01|02|03 00 00 00

import type { BoundedReader } from "@ll/bytes";

export const GGML_MAGIC = 0x67676d6c;
export const GGMF_MAGIC = 0x67676d66;
export const GGJT_MAGIC = 0x67676a74;

export interface Container {
  readonly magic: "ggml" | "ggmf" | "ggjt";
  /** 0 for `ggml`, which has no version field. */
  readonly version: number;
  /** As build 803 prints it after `format     = `. */
  readonly name: string;
  /** False for `ggml`: its vocabulary holds texts only. */
  readonly hasScores: boolean;
  /** Tensor data begins at a multiple of this many bytes: 32 for `ggjt`, 1 for the older two. */
  readonly alignment: number;
}

/** Magic numbers, versions and names of build 803; scores and alignment as files of each kind were really written. */
const CONTAINERS: ReadonlyMap<number, readonly Container[]> = /* @__PURE__ */ new Map([
  [GGML_MAGIC, [container("ggml", 0, "'ggml' (old version with low tokenizer quality and no mmap support)")]],
  [GGMF_MAGIC, [container("ggmf", 1, "ggmf v1 (old version with no mmap support)")]],
  [
    GGJT_MAGIC,
    [
      container("ggjt", 1, "ggjt v1 (pre #1405)"),
      container("ggjt", 2, "ggjt v2 (pre #1508)"),
      container("ggjt", 3, "ggjt v3 (latest)"),
    ],
  ],
]);

function container(magic: Container["magic"], version: number, name: string): Container {
  return { magic, version, name, hasScores: magic !== "ggml", alignment: magic === "ggjt" ? 32 : 1 };
}

/** Files that people mistake for these: how they begin, what they are, and what takes them. */
const LOOKALIKES: readonly (readonly [start: string, hint: string])[] = [
  ["algg", "it is a LoRA adapter (ggla): give it with --lora, beside a model"],
  ["nsgg", "it is a saved session (ggsn): give it with --prompt-cache, beside a model"],
  ["GGUF", "it is a GGUF file, the successor of ggjt: convert it first, with ll-convert"],
  ["ggml", "its numbers are big-endian (byte-swapped ggml): only little-endian files are read"],
  ["ggmf", "its numbers are big-endian (byte-swapped ggmf): only little-endian files are read"],
  ["ggjt", "its numbers are big-endian (byte-swapped ggjt): only little-endian files are read"],
  ["PK\x03\x04", "it is a zip archive, such as a PyTorch checkpoint: convert it first, with ll-convert"],
  ["\x80\x02", "it is a Python pickle: convert the model first, with ll-convert"],
  ["{", "it is JSON, such as params.json: give the model file"],
  ["version https://git-lfs", "it is a Git LFS pointer: the model itself has not been fetched"],
  ["<", "it is a web page: the download went wrong"],
];

/** @throws GgmlFormatError `E_TRUNC`; `E_MAGIC`, with what the file looks like; `E_VERSION`. */
export async function readContainer(reader: BoundedReader): Promise<Container> {
  const magic = await reader.u32("magic");
  const versions = CONTAINERS.get(magic);
  if (versions === undefined) throw await otherMagic(reader, magic);
  if (magic === GGML_MAGIC) return versions[0] as Container;
  const version = await reader.u32("version");
  const found = versions.find((candidate) => candidate.version === version);
  if (found !== undefined) return found;
  throw reader.error({
    code: "E_VERSION",
    offset: 4,
    field: "version",
    expected: `1 to ${versions.length}`,
    got: version,
    message: unknownCombination(magic, version),
  });
}

async function otherMagic(reader: BoundedReader, magic: number): Promise<Error> {
  // the start as text, one character a byte; a safetensors file has the length of its JSON header there
  const start = new Uint8Array(Math.min(24, reader.source.byteLength));
  await reader.source.read(0, start);
  const text = String.fromCharCode(...start);
  const version = start.length < 8 ? 0 : new DataView(start.buffer).getUint32(4, true);
  const isSafetensors = version === 0 && text[8] === "{";
  return reader.error({
    code: "E_MAGIC",
    offset: 0,
    field: "magic",
    expected: "67676a74 (ggjt), 67676d66 (ggmf) or 67676d6c (ggml)",
    got: hex(magic),
    message: unknownCombination(magic, version),
    hint: isSafetensors
      ? "it is a safetensors file: convert it first, with ll-convert"
      : LOOKALIKES.find(([lookalike]) => text.startsWith(lookalike))?.[1],
  });
}

/** The words of build 803. */
function unknownCombination(magic: number, version: number): string {
  return `unknown (magic, version) combination: ${hex(magic)}, ${hex(version)}; is this really a GGML file?`;
}

function hex(value: number): string {
  return value.toString(16).padStart(8, "0");
}
