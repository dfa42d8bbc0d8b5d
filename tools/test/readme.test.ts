// The snippets in the READMEs run, and print what their comments say.

import { execFileSync } from "node:child_process";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { PACKAGES, SNIPPETS } from "../readme-snippets.ts";

const ROOT = join(import.meta.dirname, "..", "..");

describe("README snippets", () => {
  it.each(PACKAGES)("%s has one", (folder) => {
    expect(SNIPPETS.some((snippet) => snippet.folder === folder)).toBe(true);
  });

  it.each(SNIPPETS.map((snippet) => [snippet.name, snippet] as const))("%s", (_name, snippet) => {
    const file = join(ROOT, snippet.folder, `.readme-${process.pid}-${SNIPPETS.indexOf(snippet)}.ts`);
    writeFileSync(file, snippet.code);
    try {
      const output = execFileSync(process.execPath, ["--conditions=@ll/source", file], {
        cwd: join(ROOT, snippet.folder),
        encoding: "utf8",
      });
      expect(snippet.output.length).toBeGreaterThan(0);
      expect(output.trimEnd().split("\n")).toEqual(snippet.output);
    } finally {
      rmSync(file);
    }
  });
});
