// Text that a model, a file or a command line could hold to get a terminal to do something, made up at random.

import type { Random } from "../../../../tools/fuzz/random.ts";

/** Introducers, whole sequences, and what ends them: a piece may come alone, cut or inside another. */
const PIECES: readonly string[] = [
  "\x1b",
  "\x1b[",
  "\x1b]",
  "\x1bP",
  "\x1b_",
  "\x1b^",
  "\x1bX",
  "\x1b\\",
  "\x9b",
  "\x9d",
  "\x90",
  "\x9c",
  "\x07",
  "\x1b]0;owned\x07",
  "\x1b]2;owned\x1b\\",
  "\x9d0;owned\x9c",
  "\x1b]52;c;b3duZWQ=\x07",
  "\x1b]52;p;?\x1b\\",
  "\x1b]8;;file:///etc/passwd\x07click\x1b]8;;\x07",
  "\x1b]4;1;rgb:00/00/00\x07",
  "\x1b]10;?\x07",
  "\x1b[?1049h",
  "\x1b[?47h",
  "\x1b[?25l",
  "\x1b[?2004h",
  "\x1b[?1000h",
  "\x1b[?1h",
  "\x1b[?6h",
  "\x1b[?7l",
  "\x1b[4h",
  "\x9b?1049h",
  "\x1b[2J",
  "\x1b[3J",
  "\x1b[H",
  "\x1b[10A",
  "\x1b[5B",
  "\x1b[99C",
  "\x1b[2;5r",
  "\x1b[31m",
  "\x1b[8m",
  "\x1b[6n",
  "\x1b[c",
  "\x1b[21t",
  "\x1b[!p",
  "\x1bc",
  "\x1bM",
  "\x1bD",
  "\x1bE",
  "\x1b7",
  "\x1b8",
  "\x1b=",
  "\x1b(0",
  "\x1b#8",
  '\x1bP$q"p\x1b\\',
  "\x1bPq#0;2;0;0;0\x1b\\",
  "\r",
  "\b\b\b\b",
  "\v",
  "\f",
  "\x0e",
  "\x0f",
  "\x05",
  "\x00",
  "\x7f",
  "\x84",
  "\x85",
  "\x8d",
  "\u202e",
  "\u2066",
  "\u200f",
  "\u2028",
  "\ufeff",
  "\ud83d",
  "\t",
  "safe text",
  "12;34",
  "\u00e4\u03b2\u4e2d",
  "\ud83d\ude42",
];

/** A few pieces and characters, not longer than a line. */
export function hostileText(random: Random): string {
  let text = "";
  const nPieces = 1 + random.below(5);
  for (let i = 0; i < nPieces; i++) {
    const piece = random.pick(PIECES);
    const kind = random.below(4);
    if (kind === 0) text += piece.slice(0, 1 + random.below(piece.length));
    else if (kind === 1) text += String.fromCharCode(random.below(random.pick([0x20, 0xa0, 0x300, 0x10000])));
    else text += piece;
  }
  return text;
}

/** UTF-8 of `hostileText`, sometimes with bytes that are none. */
export function hostileBytes(random: Random): Uint8Array {
  const bytes = new Uint8Array(Buffer.from(hostileText(random), random.below(4) === 0 ? "latin1" : "utf8"));
  if (bytes.length > 0 && random.below(2) === 0) {
    bytes[random.below(bytes.length)] = random.pick([0x80, 0x9b, 0x9d, 0x90, 0xc0, 0xe2, 0xf0, 0xff, 0x1b]);
  }
  return bytes;
}

/** The same text in one to four pieces. */
export function split<T extends string | Uint8Array>(text: T, random: Random): T[] {
  const cuts = Array.from({ length: random.below(4) }, () => random.below(text.length + 1)).sort((a, b) => a - b);
  const starts = [0, ...cuts];
  return starts.map((start, i) => text.slice(start, starts[i + 1] ?? text.length) as T);
}
