// What a parser may spend on one file. Memory promises become counters that a test can read.

import { FormatError, type FormatErrorClass } from "./errors.ts";

export interface BudgetLimits {
  /** Bytes that a parser may allocate for what it keeps. */
  readonly bytes: number;
  /** Records: tensors, vocabulary entries, memo slots. */
  readonly items: number;
}

/** Counts what a parser takes and refuses, before it is allocated, what is over the limit. */
export interface Budget {
  readonly limits: BudgetLimits;
  readonly usedBytes: number;
  readonly usedItems: number;
  /** @param offset where the file declares them, for the error. @throws FormatError `E_LIMIT` */
  takeBytes(count: number, field: string, offset?: number): void;
  /** @param offset where the file declares them, for the error. @throws FormatError `E_LIMIT` */
  takeItems(count: number, field: string, offset?: number): void;
}

export function createBudget(limits: BudgetLimits, file?: string, ErrorClass: FormatErrorClass = FormatError): Budget {
  let usedBytes = 0;
  let usedItems = 0;
  const refuse = (unit: string, limit: number, got: number, field: string, offset: number | undefined): never => {
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
    get usedItems() {
      return usedItems;
    },
    takeBytes(count, field, offset) {
      if (usedBytes + count > limits.bytes) refuse("bytes", limits.bytes, usedBytes + count, field, offset);
      usedBytes += count;
    },
    takeItems(count, field, offset) {
      if (usedItems + count > limits.items) refuse("items", limits.items, usedItems + count, field, offset);
      usedItems += count;
    },
  };
}
