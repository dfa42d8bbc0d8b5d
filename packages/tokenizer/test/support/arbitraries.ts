// Random vocabularies and texts of few distinct bytes, so that merges are many and ties are common.

import { fc } from "@fast-check/vitest";
import type { VocabEntry } from "../../src/index.ts";

/** Letters, a space, parts of characters of two, three and four bytes, and bytes that UTF-8 never has. */
const byte: fc.Arbitrary<number> = fc.constantFrom(
  ...[0x61, 0x61, 0x61, 0x62, 0x62, 0x20, 0xc3, 0xa9, 0xe2, 0x96, 0x81, 0xf0, 0x9f, 0xff, 0x00],
);

export function bytes(constraints: { minLength?: number; maxLength: number }): fc.Arbitrary<Uint8Array> {
  return fc.array(byte, constraints).map((values) => Uint8Array.from(values));
}

/** Entries may be empty, and come twice; few scores, so that many are equal. */
export const vocabulary: fc.Arbitrary<VocabEntry[]> = fc.array(
  fc.record({ text: bytes({ maxLength: 6 }), score: fc.constantFrom(0, -0, -1, -2, -3, 5, -1e9) }),
  { maxLength: 60 },
);
