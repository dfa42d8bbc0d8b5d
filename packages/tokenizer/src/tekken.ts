// tekken.json of Mistral: tokens by rank, as bytes, and special tokens with the first ids. It has no merges: a pair merges if together it
// is a token, the one with the lowest rank first, which a list of all ways to make each token says as well.

import type { Budget } from "@ll/bytes";
import { writeSpelling } from "./byte-level/alphabet.ts";
import { MAX_MERGES } from "./byte-level/merge-table.ts";
import { preTokenizer } from "./byte-level/pretokenizers.ts";
import type { JsonScanner, Span } from "./json-scanner.ts";
import { MAX_PIECES } from "./limits.ts";
import { TYPE } from "./pieces.ts";
import { NONE, TextIndex } from "./text-index.ts";
import type { Texts } from "./texts.ts";
import type { Vocabulary } from "./vocabulary.ts";

/** Special tokens, which have names also where the file lists none. Published files have 1,000. */
const MAX_SPECIAL = 10_000;

/** Bytes of one entry of the vocabulary, at least: `{"token_bytes":"AA=="},`. */
const MIN_ENTRY_BYTES = 20;

/** Bytes of a token: every way to cut it in two is looked at. */
const MAX_TOKEN_BYTES = 256;

/** Names of special tokens in files that do not list them. */
const NAMES: readonly string[] = [
  "<unk>",
  "<s>",
  "</s>",
  "[INST]",
  "[/INST]",
  "[AVAILABLE_TOOLS]",
  "[/AVAILABLE_TOOLS]",
  "[TOOL_RESULTS]",
  "[/TOOL_RESULTS]",
  "[TOOL_CALLS]",
  "[IMG]",
  "<pad>",
  "[IMG_BREAK]",
  "[IMG_END]",
  "[PREFIX]",
  "[MIDDLE]",
  "[SUFFIX]",
  "[SYSTEM_PROMPT]",
  "[/SYSTEM_PROMPT]",
  "[TOOL_CONTENT]",
];

export function readTekken(
  scanner: JsonScanner,
  parts: ReadonlyMap<string, Span>,
  budget: Budget,
  file: string | undefined,
): Vocabulary {
  const config = scanner.value(parts.get("config") as Span, "config") as Record<string, unknown> | null;
  const size = (name: string): number => {
    const value = config?.[name];
    if (typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= MAX_PIECES) return value;
    throw scanner.error("E_FIELD", `config.${name}`, `0 to ${MAX_PIECES}`, String(value));
  };
  const nSpecial = size("default_num_special_tokens");
  if (nSpecial > MAX_SPECIAL) {
    throw scanner.error("E_LIMIT", "config.default_num_special_tokens", `at most ${MAX_SPECIAL}`, nSpecial);
  }
  const nRanks = size("default_vocab_size") - nSpecial;
  if (nRanks < 256) throw scanner.error("E_FIELD", "config.default_vocab_size", "256 ranks at least", nRanks);
  const vocab = parts.get("vocab") as Span;
  const room = Math.floor((vocab.end - vocab.start) / MIN_ENTRY_BYTES);
  if (nRanks > room) throw scanner.error("E_MISMATCH", "vocab", `${nRanks} tokens`, `room for ${room}`, vocab.start);
  budget.takeBytes(vocab.end - vocab.start + 4 * nRanks + 4, "vocab", vocab.start);
  const ranked = ranksOf(scanner, vocab, nRanks);
  budget.takeBytes(ranked.bytes.length, "vocab", vocab.start);
  budget.releaseBytes(vocab.end - vocab.start);
  const names = specialNames(scanner, parts.get("special_tokens"), nSpecial);
  budget.takeBytes(2 * ranked.bytes.length + 32 * nSpecial + 5 * (nSpecial + nRanks) + 4, "vocab", vocab.start);
  const tokens = allTokens(names, ranked);
  const types = new Uint8Array(nSpecial + nRanks).fill(TYPE.normal);
  types.fill(TYPE.control, 0, nSpecial);
  const merges = mergesOf(ranked, tokens, scanner, budget);
  budget.releaseBytes(ranked.bytes.length + 4 * nRanks + 4);
  return {
    file,
    fields: { tokens: "vocab", merges: "vocab" },
    kind: "bytes",
    tokens,
    types,
    scores: undefined,
    merges,
    pre: preTokenizer("tekken"),
    ignoreMerges: true,
    ids: { bos: 1, eos: 2, unknown: 0, padding: 11 },
    addBos: true,
    addSpacePrefix: false,
    cleanSpaces: false,
    escapesSpaces: false,
    compose: false,
    warnings: [],
  };
}

/** The bytes of the first tokens by rank; the file has more than are used. */
function ranksOf(scanner: JsonScanner, vocab: Span, nRanks: number): Texts {
  const bytes = new Uint8Array(vocab.end - vocab.start);
  const starts = new Uint32Array(nRanks + 1);
  let length = 0;
  let n = 0;
  scanner.at = vocab.start;
  scanner.array((rank) => {
    if (rank >= nRanks) {
      scanner.skip();
      return;
    }
    let nBytes = -1;
    scanner.object((key) => {
      if (key === "rank") {
        const got = scanner.integer(`vocab[${rank}].rank`);
        if (got !== rank) throw scanner.error("E_FIELD", `vocab[${rank}].rank`, String(rank), got);
      } else if (key === "token_bytes" && nBytes < 0) {
        const end = scanner.writeText(bytes, length);
        nBytes = decodeBase64(bytes, length, end);
        if (nBytes < 1 || nBytes > MAX_TOKEN_BYTES) {
          throw scanner.error(
            "E_FIELD",
            `vocab[${rank}].token_bytes`,
            `1 to ${MAX_TOKEN_BYTES} bytes in base64`,
            nBytes,
          );
        }
      } else scanner.skip();
    });
    if (nBytes < 0) throw scanner.error("E_FIELD", `vocab[${rank}].token_bytes`, "a text", "nothing");
    length += nBytes;
    starts[rank + 1] = length;
    n++;
  });
  if (n < nRanks) throw scanner.error("E_MISMATCH", "vocab", `${nRanks} tokens`, n);
  return { bytes: bytes.slice(0, length), starts };
}

/** Decodes `bytes[start, end)` in place; gives the number of bytes, -1 for what is no base64. */
function decodeBase64(bytes: Uint8Array, start: number, end: number): number {
  let length = start;
  let bits = 0;
  let nBits = 0;
  for (let i = start; i < end; i++) {
    const byte = bytes[i] as number;
    if (byte === 0x3d && end - i <= 2) break;
    const value =
      byte >= 0x41 && byte <= 0x5a
        ? byte - 0x41
        : byte >= 0x61 && byte <= 0x7a
          ? byte - 0x47
          : byte >= 0x30 && byte <= 0x39
            ? byte + 4
            : byte === 0x2b
              ? 62
              : byte === 0x2f
                ? 63
                : -1;
    if (value < 0) return -1;
    bits = ((bits << 6) | value) & 0xffffff;
    nBits += 6;
    if (nBits >= 8) {
      nBits -= 8;
      bytes[length++] = (bits >> nBits) & 0xff;
    }
  }
  return length - start;
}

function specialNames(scanner: JsonScanner, span: Span | undefined, nSpecial: number): string[] {
  const names = Array.from({ length: nSpecial }, (_, id) => NAMES[id] ?? `<SPECIAL_${id}>`);
  const list = span === undefined ? [] : (scanner.value(span, "special_tokens") ?? []);
  if (!Array.isArray(list)) throw scanner.error("E_FIELD", "special_tokens", "an array", typeof list);
  for (const token of list) {
    const { rank, token_str: text } = (token ?? {}) as Record<string, unknown>;
    if (typeof rank !== "number" || typeof text !== "string" || !(rank in names)) {
      throw scanner.error("E_FIELD", "special_tokens", `a rank below ${nSpecial} and a text`, "something else");
    }
    names[rank] = text.toWellFormed();
  }
  return names;
}

/** Special tokens as they are, the others in the alphabet of bytes. */
function allTokens(names: readonly string[], ranked: Texts): Texts {
  const encoder = new TextEncoder();
  const texts = names.map((name) => encoder.encode(name));
  const nRanks = ranked.starts.length - 1;
  const bytes = new Uint8Array(texts.reduce((sum, { length }) => sum + length, 2 * ranked.bytes.length));
  const starts = new Uint32Array(names.length + nRanks + 1);
  let length = 0;
  for (const [id, text] of texts.entries()) {
    bytes.set(text, length);
    length += text.length;
    starts[id + 1] = length;
  }
  for (let rank = 0; rank < nRanks; rank++) {
    length = writeSpelling(
      ranked.bytes,
      ranked.starts[rank] as number,
      ranked.starts[rank + 1] as number,
      bytes,
      length,
    );
    starts[names.length + rank + 1] = length;
  }
  return { bytes: bytes.subarray(0, length), starts };
}

/**
 * Every pair of tokens that makes a token, by the rank of that, then of the left one, then of the right one. A token of n bytes may be made in
 * n - 1 ways, of n bytes and more each: what they take is counted before there is room for it.
 */
function mergesOf(ranked: Texts, tokens: Texts, scanner: JsonScanner, budget: Budget): Texts {
  const { bytes, starts } = ranked;
  const nRanks = starts.length - 1;
  const spelled = tokens.starts.subarray(-nRanks - 1); // of the same tokens in the alphabet
  const index = new TextIndex(ranked, budget);
  for (let rank = 0; rank < nRanks; rank++) {
    if (index.add(rank) !== NONE)
      throw scanner.error("E_DUP", `vocab[${rank}].token_bytes`, "a new text", "one that was there");
  }
  const ways: [left: number, middle: number][] = []; // of one token, its left part with the place where that ends
  const findWays = (rank: number): void => {
    ways.length = 0;
    const [start, end] = [starts[rank] as number, starts[rank + 1] as number];
    let hash = index.seed;
    for (let middle = start + 1; middle < end; middle++) {
      hash = index.hash(hash, bytes, middle - 1, middle);
      const left = index.find(hash, bytes, start, middle);
      if (left !== NONE && index.findText(bytes, middle, end) !== NONE) ways.push([left, middle]);
    }
    ways.sort(([a], [b]) => a - b);
  };
  let nMerges = 0;
  let room = 0;
  for (let rank = 0; rank < nRanks; rank++) {
    findWays(rank);
    nMerges += ways.length;
    room += ways.length * (1 + (spelled[rank + 1] as number) - (spelled[rank] as number));
    if (nMerges > MAX_MERGES) throw scanner.error("E_LIMIT", "vocab", `at most ${MAX_MERGES} merges`, "more");
  }
  budget.takeBytes(room + 4 * nMerges + 4, "vocab");
  const out = new Uint8Array(room);
  const outStarts = new Uint32Array(nMerges + 1);
  let length = 0;
  let n = 0;
  for (let rank = 0; rank < nRanks; rank++) {
    findWays(rank);
    const [start, end] = [starts[rank] as number, starts[rank + 1] as number];
    for (const [, middle] of ways) {
      length = writeSpelling(bytes, start, middle, out, length);
      out[length++] = 0x20;
      length = writeSpelling(bytes, middle, end, out, length);
      outStarts[++n] = length;
    }
  }
  budget.releaseBytes(index.byteLength);
  return { bytes: out, starts: outStarts };
}
