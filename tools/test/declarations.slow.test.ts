// The packed packages' declarations compile in the projects of others: with older TypeScript, with and without the DOM.

import { spawnSync } from "node:child_process";
import { copyFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { missing, packedProject, TYPESCRIPTS } from "../runtimes.ts";

const ENTRY_POINTS = join(import.meta.dirname, "..", "declarations", "entry-points.ts");
const STRICT = {
  target: "ES2022",
  types: [],
  strict: true,
  noUncheckedIndexedAccess: true,
  exactOptionalPropertyTypes: true,
  skipLibCheck: false,
  noEmit: true,
};

describe.skipIf(missing !== undefined)(missing ?? "every entry point", () => {
  let project: string;

  beforeAll(() => {
    project = packedProject();
    copyFileSync(ENTRY_POINTS, join(project, "entry-points.ts"));
  });

  afterAll(() => rmSync(project, { recursive: true }));

  describe.each(Object.entries(TYPESCRIPTS))("TypeScript %s", (_, tsc) => {
    test.each([
      ["Node", { lib: ["ES2022"], module: "NodeNext", moduleResolution: "NodeNext" }],
      ["a bundler", { lib: ["ES2022", "DOM"], module: "ESNext", moduleResolution: "Bundler" }],
    ])("for %s", (_name, options) => {
      const config = { compilerOptions: { ...STRICT, ...options }, include: ["entry-points.ts"] };
      writeFileSync(join(project, "tsconfig.json"), JSON.stringify(config));
      const { stdout } = spawnSync(process.execPath, [tsc, "--project", project], { encoding: "utf8" });
      expect(stdout).toBe("");
    });
  });
});
