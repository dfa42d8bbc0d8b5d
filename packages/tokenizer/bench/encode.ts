// How fast texts of 1 MiB are encoded, and how the time grows: t(2n)/t(n) is 2 for an encoder whose time grows like the text.
//   node --conditions=@ll/source packages/tokenizer/bench/encode.ts [tokenizer.model [text file]]

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createTokenizer, readSentencePieceModel } from "../src/index.ts";

const MIB = 2 ** 20;
const ROUNDS = 15;

const tiny = join(import.meta.dirname, "..", "..", "..", "fixtures", "tiny");
const [modelPath = join(tiny, "meta", "tokenizer.model"), textPath = join(tiny, "TRAINING.md")] = process.argv.slice(2);
const modelBytes = readFileSync(modelPath);

/** Milliseconds, the least of several rounds. */
function time(work: () => void): number {
  let least = Number.POSITIVE_INFINITY;
  for (let round = 0; round < ROUNDS; round++) {
    const start = performance.now();
    work();
    least = Math.min(least, performance.now() - start);
  }
  return least;
}

/** `bytes`, over and over. */
function repeated(bytes: Uint8Array, length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => bytes[i % bytes.length] as number);
}

const encoder = new TextEncoder();
const shapes: Record<string, (length: number) => Uint8Array> = {
  "text file": (length) => repeated(readFileSync(textPath), length),
  a: (length) => repeated(encoder.encode("a"), length),
  spaces: (length) => repeated(encoder.encode(" "), length),
  "U+1F468 ZWJ": (length) => repeated(encoder.encode("\u{1f468}\u200d"), length),
  the: (length) => repeated(encoder.encode("the"), length),
  "er and space": (length) => repeated(encoder.encode("er "), length),
  "any bytes": (length) => Uint8Array.from({ length }, (_, i) => (Math.imul(i + 1, 2654435761) >>> 13) & 0xff),
};

const model = readSentencePieceModel(modelBytes);
const tokenizer = createTokenizer(model);
console.log(`read ${time(() => readSentencePieceModel(modelBytes)).toFixed(1)} ms`);
console.log(`create ${time(() => createTokenizer(model)).toFixed(1)} ms`);
for (const mode of ["build803", "sentencepiece"] as const) {
  for (const [name, make] of Object.entries(shapes)) {
    const [half, whole] = [make(MIB / 2), make(MIB)];
    const halfMs = time(() => tokenizer.encode(half, { mode }));
    const wholeMs = time(() => tokenizer.encode(whole, { mode }));
    const speed = `${(MIB / 1000 / wholeMs).toFixed(1)} MB/s`;
    console.log(`${mode} | ${name} | ${speed} | t(2n)/t(n) ${(wholeMs / halfMs).toFixed(2)}`);
  }
}
