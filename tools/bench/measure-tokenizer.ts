// How the time to encode grows with the text, for texts that are made to be slow: t(2n)/t(n) is 2 where it grows like the text.
// Prints one line of JSON: vocabulary and shape → column → number. Arguments: {"vocabs": name → path, "text"}, as JSON.

import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { createJsonTokenizer, createTokenizer, readSentencePieceModel, type Tokenizer } from "@ll/tokenizer";

const KIB = 1024;
const LARGEST = 4096 * KIB;
const SIZES = [LARGEST / 8, LARGEST / 4, LARGEST / 2, LARGEST];
const WARM_UPS = 1;
const ROUNDS = 5;
const FEWEST_MS = 60;
const LONG_WORD = 50_000;

const { vocabs, text } = JSON.parse(process.argv.at(-1) as string) as { vocabs: Record<string, string>; text: string };
const words = readFileSync(text, "utf8").match(/[A-Za-z]+/g) ?? [];
const letters = words.join("");

interface Shape {
  /** Texts are its beginning, or it again and again. */
  readonly pattern: Uint8Array;
  /** Special tokens in it count as such. */
  readonly special?: boolean;
}

function shapesOf(tokenizer: Tokenizer): ReadonlyMap<string, Shape> {
  return new Map<string, Shape>([
    ["one letter", { pattern: utf8("a") }],
    ["spaces", { pattern: utf8(" ") }],
    ["digits", { pattern: utf8("0123456789") }],
    ["no spaces", { pattern: utf8(letters) }],
    ["combining marks", { pattern: utf8("e\u0301\u0323\u0302\u0327") }],
    ["emoji", { pattern: utf8("\u{1f999}\u{1f468}\u200d\u{1f469}\u200d\u{1f467}\u2764\ufe0f") }],
    ["invalid bytes", { pattern: randomBytes(LARGEST) }],
    ["alternating classes", { pattern: utf8("a1 .\nA'\u4e00\t") }],
    ["special tokens only", { pattern: utf8(tokenizer.special.texts().slice(0, 100).join("")), special: true }],
    ["very long words", { pattern: utf8(letters.replace(new RegExp(`.{${LONG_WORD}}`, "g"), "$& ")) }],
  ]);
}

const rows: [string, Record<string, number>][] = [];
for (const [name, path] of Object.entries(vocabs)) {
  const tokenizer = open(path);
  const texts = [...shapesOf(tokenizer)].map(([shape, { pattern, special = false }]) => ({
    shape,
    special,
    ofSizes: SIZES.map((size) => textOf(pattern, size)),
    /** Milliseconds by round and size. */
    times: [] as number[][],
  }));
  for (let round = -WARM_UPS; round < ROUNDS; round++) {
    // all in turn, so that a noisy neighbour disturbs them alike
    for (const { ofSizes, special, times } of texts) {
      const ms = ofSizes.map((bytes) => timeOf(tokenizer, bytes, special));
      if (round >= 0) times.push(ms);
    }
  }
  for (const { shape, times } of texts) {
    // the least of all rounds: what else the machine does can only add to it
    const least = SIZES.map((_, i) => Math.min(...times.map((ms) => ms[i] as number)));
    const ratios = SIZES.slice(1).map((size, i) => [
      `${size / KIB} KiB`,
      (least[i + 1] as number) / (least[i] as number),
    ]);
    const speed = LARGEST / 1000 / (least.at(-1) as number);
    rows.push([`${name}, ${shape}`, Object.fromEntries([...ratios, ["MB/s", speed]])]);
  }
}
console.log(JSON.stringify(Object.fromEntries(rows)));

/** Ends where a character does: one that is cut would have to be repaired, and not in each of the sizes. */
function textOf(pattern: Uint8Array, size: number): Uint8Array {
  let length = size;
  while (((pattern[length % pattern.length] as number) & 0xc0) === 0x80) length--;
  return Uint8Array.from({ length }, (_, i) => pattern[i % pattern.length] as number);
}

/** A tokenizer.model, or a JSON file that is packed. */
function open(path: string): Tokenizer {
  const bytes = readFileSync(path);
  return path.endsWith(".gz") ? createJsonTokenizer(gunzipSync(bytes)) : createTokenizer(readSentencePieceModel(bytes));
}

/**
 * Milliseconds of the processor, as the ratios are about steps, whatever else the machine does. Its clock ticks every few milliseconds: a
 * text is encoded again and again until a tick does not matter.
 */
function timeOf(tokenizer: Tokenizer, bytes: Uint8Array, special: boolean): number {
  const start = process.threadCpuUsage();
  for (let n = 1; ; n++) {
    tokenizer.encode(bytes, { special });
    const { user, system } = process.threadCpuUsage(start);
    const ms = (user + system) / 1000;
    if (ms >= FEWEST_MS) return ms / n;
  }
}

function utf8(string: string): Uint8Array {
  return new TextEncoder().encode(string);
}

/** The same ones every time, most of them no UTF-8. */
function randomBytes(length: number): Uint8Array {
  let state = 1;
  return Uint8Array.from({ length }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state >>> 24;
  });
}
