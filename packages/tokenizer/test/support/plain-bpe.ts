// Build 803's encoding written down as it is told, with no thought for speed: the twin that the real one is compared with.

import type { VocabEntry } from "../../src/index.ts";

/** One character per byte, so that byte strings can be compared, joined and looked up. */
export function latin1(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes);
}

export function plainEncode(vocab: readonly VocabEntry[], text: Uint8Array): number[] {
  const ids = new Map<string, number>();
  for (const [id, entry] of vocab.entries()) ids.set(latin1(entry.text), id); // the last of equal texts stays

  // symbols by leading byte, cut at the end
  let symbols: string[] = [];
  for (let rest = latin1(text); rest !== ""; ) {
    const lead = rest.charCodeAt(0) >> 4;
    const length = lead === 0xf ? 4 : lead === 0xe ? 3 : lead >= 0xc ? 2 : 1;
    symbols.push(rest.slice(0, length));
    rest = rest.slice(length);
  }

  // merge the best pair, the left-most of equals, until there is none
  for (;;) {
    let bestIndex = -1;
    let bestScore = Number.NEGATIVE_INFINITY;
    for (let index = 0; index + 1 < symbols.length; index++) {
      const id = ids.get(`${symbols[index]}${symbols[index + 1]}`);
      if (id !== undefined && vocab[id]!.score > bestScore) {
        bestIndex = index;
        bestScore = vocab[id]!.score;
      }
    }
    if (bestIndex === -1) break;
    const joined = `${symbols[bestIndex]}${symbols[bestIndex + 1]}`;
    symbols = [...symbols.slice(0, bestIndex), joined, ...symbols.slice(bestIndex + 2)];
  }
  return symbols.flatMap((symbol) => ids.get(symbol) ?? [...symbol].map((byte) => byte.charCodeAt(0) + 3));
}
