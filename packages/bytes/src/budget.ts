// What a parser may spend on one file. Promises about memory and time become counters that a test can read.

import { FormatError, type FormatErrorClass } from "./errors.ts";

export interface BudgetLimits {
  /** Bytes of buffers and texts, a text being counted by its bytes in the file. */
  readonly bytes: number;
  /** Records: tensors, vocabulary entries, members of archives, values of pickles. */
  readonly items: number;
  /** Pieces of work that take a bounded time: a number, a text, an opcode, a word of JSON. */
  readonly steps: number;
}

/** Counts what a parser takes and refuses, before it is allocated, what is over the limit. */
export interface Budget {
  readonly limits: BudgetLimits;
  /** Bytes held now. */
  readonly usedBytes: number;
  /** Most bytes held at a time. */
  readonly peakBytes: number;
  readonly usedItems: number;
  readonly usedSteps: number;
  /** @param offset where the file declares them, for the error. @throws FormatError `E_LIMIT` */
  takeBytes(count: number, field: string, offset?: number): void;
  /** Gives bytes back that were taken. */
  releaseBytes(count: number): void;
  /** @param offset where the file declares them, for the error. @throws FormatError `E_LIMIT` */
  takeItems(count: number, field: string, offset?: number): void;
  /** @param offset where the parser is, for the error. @throws FormatError `E_LIMIT` */
  takeSteps(count: number, field: string, offset?: number): void;
}

/** An option of every parser. */
export interface BudgetOptions {
  /** Charged for what is allocated and done; `headerBudget` of the file if absent. */
  readonly budget?: Budget;
}

const MEBIBYTE = 1024 * 1024;

/** Steps that a byte may cause: a pickle reads, moves, remembers and checks a value of one byte. */
const STEPS_PER_BYTE = 4;

/** Steps in files of a few bytes. */
const FIRST_STEPS = 1024;

/** The budget of every parser: twice the bytes that are present and 1 MiB, a record for each byte, four steps for each. See SECURITY.md. */
export function headerBudget(bytesPresent: number, file?: string, ErrorClass?: FormatErrorClass): Budget {
  const limits = {
    bytes: 2 * bytesPresent + MEBIBYTE,
    items: bytesPresent,
    steps: STEPS_PER_BYTE * bytesPresent + FIRST_STEPS,
  };
  return createBudget(limits, file, ErrorClass);
}

export function createBudget(limits: BudgetLimits, file?: string, ErrorClass: FormatErrorClass = FormatError): Budget {
  let usedBytes = 0;
  let peakBytes = 0;
  let usedItems = 0;
  let usedSteps = 0;
  const refuse = (unit: keyof BudgetLimits, got: number, field: string, offset: number | undefined): never => {
    const limit = limits[unit];
    throw new ErrorClass({
      code: "E_LIMIT",
      file,
      offset,
      field,
      expected: `at most ${limit} ${unit}`,
      got,
      message: `more ${unit} than the limit: ${got}, at most ${limit}`,
    });
  };
  return {
    limits,
    get usedBytes() {
      return usedBytes;
    },
    get peakBytes() {
      return peakBytes;
    },
    get usedItems() {
      return usedItems;
    },
    get usedSteps() {
      return usedSteps;
    },
    takeBytes(count, field, offset) {
      if (usedBytes + count > limits.bytes) refuse("bytes", usedBytes + count, field, offset);
      usedBytes += count;
      if (usedBytes > peakBytes) peakBytes = usedBytes;
    },
    releaseBytes(count) {
      usedBytes -= count;
    },
    takeItems(count, field, offset) {
      if (usedItems + count > limits.items) refuse("items", usedItems + count, field, offset);
      usedItems += count;
    },
    takeSteps(count, field, offset) {
      if (usedSteps + count > limits.steps) refuse("steps", usedSteps + count, field, offset);
      usedSteps += count;
    },
  };
}
