import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { hasPseudoTerminals } from "../pseudo-terminal.ts";
import { recordWalk, WALK_FILE } from "../record-walk.ts";

const isPresent = hasPseudoTerminals();
const name = "docs/walk.md is what the programs print: else record it anew with tools/record-walk.ts";

test.skipIf(!isPresent)(isPresent ? name : `${name} (needs script of util-linux)`, async () => {
  expect(await recordWalk()).toBe(readFileSync(WALK_FILE, "utf8"));
});
