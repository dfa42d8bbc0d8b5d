// The JSON files beside a tokenizer, of which a few members become values.

import { type Budget, type BudgetOptions, headerBudget } from "@ll/bytes";
import { type AddedTokens, readAddedTokens } from "./added-tokens.ts";
import { TokenizerModelError } from "./errors.ts";
import { JsonScanner, type Span } from "./json-scanner.ts";

export type Fields = Readonly<Record<string, unknown>>;

export function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Without a file there are no members. */
export class ConfigFile {
  readonly #spans: ReadonlyMap<string, Span> = new Map<string, Span>();
  readonly #scanner: JsonScanner | undefined;
  readonly #budget: Budget | undefined;
  #addedTokens: AddedTokens | undefined; // read when they are first asked for

  constructor(bytes: Uint8Array | undefined, file: string, options: BudgetOptions = {}) {
    if (bytes === undefined) return;
    const budget = options.budget ?? headerBudget(bytes.length, file, TokenizerModelError);
    const scanner = new JsonScanner(bytes, file, budget);
    this.#scanner = scanner;
    this.#budget = budget;
    this.#spans = scanner.members();
    scanner.end();
  }

  keys(): Iterable<string> {
    return this.#spans.keys();
  }

  value(key: string): unknown {
    const span = this.#spans.get(key);
    return span === undefined ? undefined : this.#scanner?.value(span, key);
  }

  /** The added tokens of a tokenizer.json. */
  addedTokens(): AddedTokens | undefined {
    if (this.#scanner === undefined || this.#budget === undefined) return undefined;
    this.#addedTokens ??= readAddedTokens(this.#scanner, this.#spans.get("added_tokens"), this.#budget);
    return this.#addedTokens;
  }
}
