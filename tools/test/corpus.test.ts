// Is every row of the corpus of bad inputs tested? A row is a number under which tests keep the inputs of one kind; its tests name it.

import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

const ROOT = join(import.meta.dirname, "../..");

/** Rows of each family. */
const FAMILIES = {
  /** ggjt files. */
  GJ: 28,
  /** SentencePiece models. */
  TM: 20,
  /** Archives of PyTorch. */
  PZ: 16,
  /** Pickles. */
  PP: 17,
  /** safetensors and their index. */
  ST: 20,
  /** Configurations. */
  CF: 8,
  /** Sessions. */
  SS: 7,
  /** The command line. */
  CL: 11,
  /** tokenizer.json. */
  TJ: 12,
  /** tekken.json. */
  TK: 7,
  /** generation_config.json. */
  GC: 6,
  /** The index of safetensors files as JSON; where it leads is among ST. */
  SI: 5,
  /** Split sets. */
  SP: 6,
  /** Answers of a hub. */
  HA: 11,
} as const;

const sources = globSync(["packages/*/test/**/*.ts", "apps/*/test/**/*.ts"], {
  cwd: ROOT,
  exclude: ["**/node_modules/**"],
}).map((path) => readFileSync(join(ROOT, path), "utf8"));

/** What tests are called: ids behind the first quotation mark of a line, not in comments. */
const lines = sources.flatMap((text) => text.split("\n")).map((line) => /["`].*/.exec(line)?.[0] ?? "");
const named = new Set(lines.flatMap((text) => text.match(/\b[A-Z]{2}\d{2}\b/g) ?? []));

test("174 rows", () => {
  expect(Object.values(FAMILIES).reduce((sum, n) => sum + n, 0)).toBe(174);
});

test.each(Object.entries(FAMILIES))("%s: each of the %i rows has a test of its name, and no other has", (family, n) => {
  const rows = Array.from({ length: n }, (_, i) => `${family}${String(i + 1).padStart(2, "0")}`);
  expect([...named].filter((id) => id.startsWith(family)).sort()).toEqual(rows);
});
