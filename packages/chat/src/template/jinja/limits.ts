// What a template may take. It comes with a downloaded file: it may loop for ever, double a text forty times, or do both.

import { TemplateError, type TemplateLimit } from "../template-error.ts";

/** Characters of a template; the longest that is known has 17,000. */
export const MAX_SOURCE_CHARS: number = 256 * 1024;

/** The tokenizer of templates looks at the square of white space in a row; 40 characters are the most that is known. */
export const MAX_SPACES = 256;

/** Nodes within nodes, those of called macros among them. */
export const MAX_DEPTH = 400;

export const MAX_RANGE = 4096;

/** Characters of one text. */
export const MAX_TEXT_CHARS: number = 8 * 1024 * 1024;

/** Items of one list or mapping, those of its items among them. */
export const MAX_ITEMS = 100_000;

/** Characters of a list that is printed or compared as a text. */
export const MAX_LIST_CHARS: number = 1024 * 1024;

/** Nodes that are evaluated, and turns of loops; a long conversation takes some thousand. */
const MAX_STEPS = 1_000_000;

/** Steps, or 64 characters or items each that a step works on, between two looks at the clock. */
const TICKS = 256;
const TICK_UNITS = 64;

const MAX_MS = 2000;

/** Bytes of all values that are made, and what is added for each value and each character that a template is given. */
const BASE_BYTES = 32 * 1024 * 1024;
const BYTES_PER_VALUE = 16 * 1024;
const BYTES_PER_CHAR = 128;

const MESSAGES: Readonly<Record<TemplateLimit, string>> = {
  steps: `more than ${MAX_STEPS} steps`,
  time: `more than ${MAX_MS} ms`,
  memory: "too much memory",
  text: `a text of more than ${MAX_TEXT_CHARS} characters, or a list of more than ${MAX_LIST_CHARS} as a text`,
  items: `a list or a mapping of more than ${MAX_ITEMS} items`,
  range: `a range of more than ${MAX_RANGE} numbers`,
  source: `more than ${MAX_SOURCE_CHARS} characters, or more than ${MAX_SPACES} of white space in a row`,
};

export function overLimit(limit: TemplateLimit): never {
  throw new TemplateError("E_TEMPLATE_LIMIT", `the chat template asks for ${MESSAGES[limit]}`, { limit });
}

/** What one rendering has taken. */
export class Allowance {
  readonly #now: () => number;
  readonly #until: number;
  #steps = 0;
  #ticks = 0;
  #bytes: number;

  /** @param now milliseconds from any origin */
  constructor(values: number, chars: number, now: () => number) {
    this.#now = now;
    this.#until = now() + MAX_MS;
    this.#bytes = BASE_BYTES + BYTES_PER_VALUE * values + BYTES_PER_CHAR * chars;
  }

  steps(n: number): void {
    this.#steps += n;
    if (this.#steps > MAX_STEPS) overLimit("steps");
    this.#tick(n);
  }

  /** Characters or items that are looked at. */
  work(units: number): void {
    this.#tick(units / TICK_UNITS);
  }

  /** Counts what is made, and never what is let go: so no order of things can keep more. */
  bytes(n: number): void {
    this.#bytes -= n;
    if (this.#bytes < 0) overLimit("memory");
  }

  #tick(n: number): void {
    this.#ticks += n;
    if (this.#ticks < TICKS) return;
    this.#ticks = 0;
    if (this.#now() > this.#until) overLimit("time");
  }
}
