// How the time to encode grows with the text, for texts that are made to be slow: t(2n)/t(n) is 2 where it grows like the text.
// Prints one line of JSON: shape → column → number. Arguments: {"vocab", "text"}, paths, as JSON.

import { readFileSync } from "node:fs";
import { createTokenizer, readSentencePieceModel } from "@ll/tokenizer";
import { median } from "./statistics.ts";

const KIB = 1024;
const LARGEST = 1024 * KIB;
const SIZES = [LARGEST / 8, LARGEST / 4, LARGEST / 2, LARGEST];
const WARM_UPS = 2;
const ROUNDS = 7;
const FEWEST_MS = 150;

const { vocab, text } = JSON.parse(process.argv.at(-1) as string);
const tokenizer = createTokenizer(readSentencePieceModel(readFileSync(vocab)));
const words = readFileSync(text, "utf8").match(/[A-Za-z]+/g) ?? [];

/** A pattern; texts are its beginning, or it again and again. */
const patterns: ReadonlyMap<string, Uint8Array> = new Map([
  ["one letter", utf8("a")],
  ["two letters in turn", utf8("ab")],
  ["spaces", utf8(" ")],
  ["random bytes", randomBytes(LARGEST)],
  ["words without spaces", utf8(words.join(""))],
  ["emoji and rare characters", utf8("\u{1f999}\u{1f468}\u200d\u{1f469}\u200d\u{1f467}\u9f98\u9750\u9f49")],
]);

const texts = [...patterns].map(([shape, pattern]) => ({
  shape,
  ofSizes: SIZES.map((size) => Uint8Array.from({ length: size }, (_, i) => pattern[i % pattern.length] as number)),
  /** Milliseconds by round and size. */
  times: [] as number[][],
}));
for (let round = -WARM_UPS; round < ROUNDS; round++) {
  // all in turn, so that a noisy neighbour disturbs them alike
  for (const { ofSizes, times } of texts) {
    const ms = ofSizes.map(timeOf);
    if (round >= 0) times.push(ms);
  }
}
const rows = texts.map(({ shape, times }) => {
  const ratios = SIZES.slice(1).map((size, step) => {
    const ratio = median(times.map((ms) => (ms[step + 1] as number) / (ms[step] as number)));
    return [`${size / KIB} KiB`, ratio] as const;
  });
  const ms = median(times.map((all) => all.at(-1) as number));
  return [shape, Object.fromEntries([...ratios, ["MB/s", LARGEST / 1000 / ms]])] as const;
});
console.log(JSON.stringify(Object.fromEntries(rows)));

/**
 * Milliseconds of the processor, as the ratios are about steps, whatever else the machine does. Its clock ticks every few milliseconds: a
 * text is encoded again and again until a tick does not matter.
 */
function timeOf(bytes: Uint8Array): number {
  const start = process.threadCpuUsage();
  for (let n = 1; ; n++) {
    tokenizer.encode(bytes);
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
