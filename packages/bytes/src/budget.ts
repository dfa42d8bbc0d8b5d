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
  /** @throws FormatError `E_LIMIT` */
  takeBytes(count: number, field: string): void;
  /** @throws FormatError `E_LIMIT` */
  takeItems(count: number, field: string): void;
}

export function createBudget(limits: BudgetLimits, file?: string, ErrorClass: FormatErrorClass = FormatError): Budget {
  let usedBytes = 0;
  let usedItems = 0;
  const refuse = (unit: string, limit: number, got: number, field: string): never => {
    throw new ErrorClass({
      code: "E_LIMIT",
      file,
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
    takeBytes(count, field) {
      if (usedBytes + count > limits.bytes) refuse("bytes", limits.bytes, usedBytes + count, field);
      usedBytes += count;
    },
    takeItems(count, field) {
      if (usedItems + count > limits.items) refuse("items", limits.items, usedItems + count, field);
      usedItems += count;
    },
  };
}
