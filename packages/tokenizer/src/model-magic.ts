// Files that carry the name tokenizer.model and are something else. A ModelProto has no magic number of its own.

import { TokenizerModelError } from "./errors.ts";

/**
 * Refuses what cannot be a ModelProto at first sight.
 * @throws TokenizerModelError `E_PROTO` for an empty or erased file; `E_MAGIC`, with a hint, for JSON and for tiktoken's base64 lines.
 */
export function assertLooksLikeModel(bytes: Uint8Array, file: string | undefined): void {
  const first = bytes[0] ?? 0;
  const erased = (first === 0x00 || first === 0xff) && bytes.every((byte) => byte === first);
  if (erased) {
    const got = bytes.length === 0 ? "an empty file" : `nothing but bytes 0x${first.toString(16).padStart(2, "0")}`;
    throw new TokenizerModelError({
      code: "E_PROTO",
      file,
      offset: 0,
      field: "pieces",
      expected: "a SentencePiece model",
      got,
      message: `not a SentencePiece model: ${got}`,
    });
  }
  const foreign = foreignKind(bytes);
  if (foreign !== undefined) refuse(file, "pieces", "a SentencePiece model", foreign);
}

/**
 * Refuses what a download that went wrong leaves under the name of a JSON file.
 * @throws TokenizerModelError `E_MAGIC`, with a hint
 */
export function assertNoPlaceholder(bytes: Uint8Array, file: string | undefined): void {
  const placeholder = placeholderKind(headOf(bytes));
  if (placeholder !== undefined) refuse(file, "json", "JSON", placeholder);
}

type Foreign = readonly [got: string, hint: string];

function refuse(file: string | undefined, field: string, expected: string, [got, hint]: Foreign): never {
  const message = `not ${expected} but ${got}`;
  throw new TokenizerModelError({ code: "E_MAGIC", file, offset: 0, field, expected, got, message, hint });
}

const TAKE_ANOTHER = "take the tokenizer.model of a LLaMA 1 or 2 release";

/** What a file is instead, and what to do. A ModelProto of any use starts with the tag of field 1, a line feed: neither brace, byte order mark nor letter. */
function foreignKind(bytes: Uint8Array): Foreign | undefined {
  const head = headOf(bytes);
  const placeholder = placeholderKind(head);
  if (placeholder !== undefined) return placeholder;
  if (/^(?:\xef\xbb\xbf)?[\t ]*\{/.test(head)) {
    return ["JSON (a tokenizer.json of Hugging Face, or a Tekken file)", TAKE_ANOTHER];
  }
  if (/^[A-Za-z0-9+/]{1,60}={0,2} 0\r?\n/.test(head)) return ["a tiktoken vocabulary (LLaMA 3)", TAKE_ANOTHER];
  return undefined;
}

function headOf(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes.subarray(0, 64));
}

function placeholderKind(head: string): Foreign | undefined {
  if (head.startsWith("version https://git-lfs")) {
    return ["a Git LFS pointer: the file itself has not been fetched", "git lfs pull fetches it"];
  }
  return head.startsWith("<") ? ["a web page: the download went wrong", "fetch it again"] : undefined;
}
