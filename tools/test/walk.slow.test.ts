import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { recordWalk, WALK_FILE } from "../record-walk.ts";

test("docs/walk.md is what the programs print: else record it anew with tools/record-walk.ts", () => {
  expect(recordWalk()).toBe(readFileSync(WALK_FILE, "utf8"));
});
