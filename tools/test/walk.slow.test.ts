import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { hasPseudoTerminals } from "../pseudo-terminal.ts";
import { recordWalk, WALK_FILE } from "../record-walk.ts";

test.runIf(hasPseudoTerminals() || process.env["CI"] === "true")(
  "docs/walk.md is what the programs print: else record it anew with tools/record-walk.ts",
  async () => {
    expect(await recordWalk()).toBe(readFileSync(WALK_FILE, "utf8"));
  },
);
