// One row of the bad-input corpus.

import type { GgmlFile, OpenGgmlOptions } from "../../src/index.ts";

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
  readonly id: string;
  readonly input: string;
  readonly bytes: Uint8Array;
  readonly options?: OpenGgmlOptions;
  /** Refused, if at all, by `checkLlamaTensors`; the file itself opens. */
  readonly weights?: boolean;
  /** Absent if it must succeed. */
  readonly refused?: Refused;
  /** Looks at the open file. */
  readonly check?: (file: GgmlFile) => void;
}

/** Where the vocabulary begins: after magic, version and seven hyper-parameters. */
export const VOCAB_START = 36;
/** Where the first record begins in a file whose vocabulary is { "a" }. */
export const A_RECORD: number = VOCAB_START + 9;

export function truncated(offset: number, field: string, need: number, have: number): Refused {
  return ["E_TRUNC", offset, field, `${need} bytes`, `${have} bytes`];
}
