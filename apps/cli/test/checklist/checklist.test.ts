// The checklist of the command line: what its users may expect, promise by promise.

import { describe, expect, test } from "vitest";
import { VERBS } from "../../src/verbs.ts";
import { CONFIGURATION } from "./configuration.ts";
import { INPUT } from "./input.ts";
import { NAMES } from "./names.ts";
import { SAFETY } from "./safety.ts";
import { OUTPUT } from "./streams.ts";
import { type Item, row, shownBy, sourcesWith } from "./table.ts";

const SERVER: Item = {
  title: "ll-serve",
  rows: [
    row("there is none: nothing listens", () => {
      expect([...VERBS.keys()].filter((verb) => verb.includes("serve"))).toEqual([]);
      expect(sourcesWith(/\bcreateServer\b|\.listen\(/)).toEqual([]);
    }),
  ],
};

const ITEMS: readonly Item[] = [...NAMES, ...OUTPUT, ...INPUT, ...SAFETY, ...CONFIGURATION, SERVER];

/** The checklist, by heading. */
const TITLES = {
  "names and verbs": [
    "programs, help and version",
    "ll-quantize",
    "ll-convert",
    "aliases",
    "sampling words and what switches them off",
    "how flags are written",
    "help",
  ],
  "streams and output": [
    "standard output is the product",
    "--json, --quiet, --verbose",
    "what is said about a run",
    "colours",
    "progress",
    "units and tables",
  ],
  input: ["standard input", "ll-chat"],
  "exit and safety": ["exit codes", "output files", "errors", "memory"],
  configuration: ["precedence", "what is kept, and what goes over the network", "completion; the same text by seed"],
  server: ["ll-serve"],
};

test("all items are there, each with its rows", () => {
  expect(ITEMS.map(({ title }) => title)).toEqual(Object.values(TITLES).flat());
  expect(ITEMS.filter(({ rows }) => rows.length === 0)).toEqual([]);
});

test("a row fails whose test elsewhere is gone", () => {
  const { check } = shownBy("something", "apps/cli/test/main.test.ts", "no test of this name");
  expect(check).toThrow("no test of this name");
});

describe.each(ITEMS)("$title", ({ rows }) => {
  for (const { promise, check } of rows) test(promise, check);
});
