// What a file is, judged by its first bytes.

/** Leading bytes → what to tell the user about them. */
const MAGICS: readonly (readonly [bytes: readonly number[], hint: string])[] = [
  [[0x50, 0x4b, 0x03, 0x04], "a zip archive, as torch.save makes (.pth, .bin)"],
  [[0x50, 0x4b, 0x05, 0x06], "an empty zip archive"],
  [[0x6c, 0x6d, 0x67, 0x67], "a ggml model file"],
  [[0x66, 0x6d, 0x67, 0x67], "a ggmf model file"],
  [[0x74, 0x6a, 0x67, 0x67], "a ggjt model file"],
  [[0x61, 0x6c, 0x67, 0x67], "a ggla adapter (LoRA)"],
  [[0x47, 0x47, 0x55, 0x46], "a GGUF model file"],
  [[0x37, 0x7a, 0xbc, 0xaf, 0x27, 0x1c], "a 7z archive"],
  [[0x1f, 0x8b], "a gzip file"],
  [[0x80, 0x02], "a bare pickle, as torch.save made before 1.6; load and save it again with a newer torch"],
  [[0x80, 0x03], "a bare pickle"],
  [[0x80, 0x04], "a bare pickle"],
  [[0x80, 0x05], "a bare pickle"],
  [[0x76, 0x65, 0x72, 0x73, 0x69, 0x6f, 0x6e, 0x20], "a Git LFS pointer: the file itself has not been fetched"],
  [[0x3c], "a web page: the download went wrong"],
];

/** In words, what the file with these first bytes seems to be; undefined if nothing known. */
export function magicHint(head: Uint8Array): string | undefined {
  const known = MAGICS.find(([bytes]) => bytes.every((byte, i) => head[i] === byte));
  if (known !== undefined) return known[1];
  const isTar = head.length >= 262 && String.fromCharCode(...head.subarray(257, 262)) === "ustar";
  if (isTar) return "a tar archive, as torch.save made before 0.4";
  const isText = head.length >= 8 && head.every((byte) => (byte >= 0x20 && byte < 0x7f) || (byte >= 9 && byte <= 13));
  return isText ? "text: the download went wrong, and says why" : undefined;
}

/** What build 803 tells apart. */
export type FileKind = "zip" | "ggml" | "safetensors" | "unknown";

/** Build 803 takes anything whose first eight bytes are an integer below this for safetensors. */
const SAFETENSORS_LENGTH_LIMIT = 16n * 1024n * 1024n;

/** Classifies a file by its first eight bytes, the way build 803 of llama.cpp does. */
export function fileKind(head: Uint8Array): FileKind {
  if (head[0] === 0x50 && head[1] === 0x4b) return "zip";
  if (head[2] === 0x67 && head[3] === 0x67) return "ggml";
  if (head.length < 8) return "unknown";
  const length = new DataView(head.buffer, head.byteOffset, 8).getBigUint64(0, true);
  return length < SAFETENSORS_LENGTH_LIMIT ? "safetensors" : "unknown";
}
