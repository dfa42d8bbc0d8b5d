// The tables of what runs are those that the families, tokenizers and types of weights make today.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { WRITTEN, written } from "../what-runs.ts";

test.each(WRITTEN)("%s: node --conditions=@ll/source tools/what-runs.ts writes it anew", (path) => {
  expect(readFileSync(join(import.meta.dirname, "../..", path), "utf8")).toBe(written(path));
});
