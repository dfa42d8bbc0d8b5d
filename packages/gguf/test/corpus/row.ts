// One row of the bad-input corpus.

import type { GgufFile, OpenGgufOptions } from "../../src/index.ts";

export type Refused = readonly [
  code: string,
  offset: number,
  field: string,
  expected: unknown,
  got: unknown,
  /** Part of the message, where the row asks for more than the fields. */
  says?: string,
];

export interface Row {
  /** A kind of llama.cpp's tests/test-gguf.cpp, or the row of the ggjt corpus that this one is the counterpart of. */
  readonly id: string;
  readonly input: string;
  readonly bytes: Uint8Array;
  readonly options?: OpenGgufOptions;
  /** Absent if it must succeed. */
  readonly refused?: Refused;
  /** Looks at the open file. */
  readonly check?: (file: GgufFile) => unknown;
}

/** Where the first pair begins: after magic, version and two counts. */
export const PAIRS = 24;

export function truncated(offset: number, field: string, need: number | bigint, have: number): Refused {
  return ["E_TRUNC", offset, field, `${need} bytes`, `${have} bytes`];
}

export function overflow(offset: number, field: string, got = 2n ** 64n - 1n): Refused {
  return ["E_OVERFLOW", offset, field, "at most 2^53 - 1", String(got)];
}
