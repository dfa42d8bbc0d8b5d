// How fast vocabularies of byte pairs are opened, and how fast they encode a text and inputs that cost much; t(2n)/t(n) is 2 for an encoder
// whose time grows like the text. In milliseconds of the processor.
//   node --conditions=@ll/source packages/tokenizer/bench/byte-level.ts VOCAB.gguf[.gz] TEXT

import { readFileSync } from "node:fs";
import { createGgufTokenizer } from "../src/index.ts";
import { readGgufTokenizer } from "../test/support/gguf-vocabulary.ts";

const MIB = 2 ** 20;
const [vocabulary, textPath] = process.argv.slice(2);
if (vocabulary === undefined || textPath === undefined) throw new Error("a vocabulary and a text, please");

/** The least of several rounds. */
function time(work: () => void, rounds = 5): number {
  let least = Number.POSITIVE_INFINITY;
  for (let round = 0; round < rounds; round++) {
    const { user, system } = process.cpuUsage();
    work();
    const after = process.cpuUsage();
    least = Math.min(least, (after.user + after.system - user - system) / 1000);
  }
  return least;
}

const encoder = new TextEncoder();
const repeated = (bytes: Uint8Array) => (length: number) =>
  Uint8Array.from({ length }, (_, i) => bytes[i % bytes.length] as number);
const noise = (length: number, first: number, n: number) =>
  Uint8Array.from({ length }, (_, i) => first + ((Math.imul(i + 1, 2654435761) >>> 13) % n));
const shapes: Readonly<Record<string, (length: number) => Uint8Array>> = {
  text: repeated(readFileSync(textPath)),
  "one letter": repeated(encoder.encode("a")),
  spaces: repeated(encoder.encode(" ")),
  digits: repeated(encoder.encode("7")),
  "no spaces": (length) => noise(length, 0x61, 26),
  "combining marks": repeated(encoder.encode("\u0301\u0323")),
  emoji: repeated(encoder.encode("\u{1f468}\u200d")),
  "invalid bytes": (length) => noise(length, 0x80, 128),
  "alternating classes": repeated(encoder.encode("aA1! \n")),
  "special tokens": repeated(encoder.encode("<|im_end|><|eot_id|>")),
  "very long words": repeated(Uint8Array.of(...noise(50_000, 0x61, 4), 0x20)),
};

const file = await readGgufTokenizer(vocabulary);
const tokenizer = createGgufTokenizer(file);
console.log(`${tokenizer.nVocab} tokens, opened in ${time(() => createGgufTokenizer(file)).toFixed(0)} ms`);
for (const [name, make] of Object.entries(shapes)) {
  const [one, two] = [make(2 * MIB), make(4 * MIB)].map((bytes) =>
    time(() => tokenizer.encode(bytes, { special: true }), 2),
  ) as [number, number];
  console.log(`${name} | ${((4 * MIB) / 1000 / two).toFixed(1)} MB/s | t(2n)/t(n) ${(two / one).toFixed(2)}`);
}
