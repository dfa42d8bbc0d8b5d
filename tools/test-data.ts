// Where tests find reference data: committed fixtures, and third-party models and recordings that are never committed.

import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe } from "vitest";

const ROOT = join(import.meta.dirname, "..");

/** Folder with third-party models and recorded outputs of the reference program. */
const TEST_DATA = process.env["LL_TEST_DATA"] ?? join(ROOT, "..", "shared");

/** Path of a committed fixture, such as `tiny/meta/params.json`. */
export function fixture(path: string): string {
  return join(ROOT, "fixtures", path);
}

/** Path of a file in the third-party test data; use it inside `describeWithTestData`. */
export function testData(path: string): string {
  return join(TEST_DATA, path);
}

/**
 * A `describe` block that needs the third-party test data. Without the data it is skipped, and says so; on CI, where the data
 * must be present, it runs and fails.
 */
export function describeWithTestData(name: string, body: () => void): void {
  const present = existsSync(testData("golden")) || process.env["CI"] === "true";
  describe.skipIf(!present)(present ? name : `${name} (third-party test data is absent: set LL_TEST_DATA)`, () => {
    // a skipped describe still runs its body to collect tests, and bodies read the data
    if (present) body();
    else describe.todo(name);
  });
}
