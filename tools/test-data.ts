// Where tests find reference data: committed fixtures, and third-party models and recordings that are never committed.

import { join } from "node:path";
import { describe, test } from "vitest";

const ROOT = join(import.meta.dirname, "..");

/** Folder with third-party models and recorded outputs of the reference program; empty if there is none. */
const TEST_DATA = process.env["LL_TEST_DATA"] ?? "";

/** Path of a committed fixture, such as `tiny/meta/params.json`. */
export function fixture(path: string): string {
  return join(ROOT, "fixtures", path);
}

/** Path of a file in the third-party test data; use it inside `describeWithTestData`. */
export function testData(path: string): string {
  return join(TEST_DATA, path);
}

/**
 * A `describe` block that needs the third-party test data. Without `LL_TEST_DATA` it is one skipped test that says so; with it, the
 * data must be there.
 */
export function describeWithTestData(name: string, body: () => void): void {
  if (TEST_DATA !== "") describe(name, body);
  else test(name, ({ skip }) => skip("no third-party test data: LL_TEST_DATA is not set"));
}
