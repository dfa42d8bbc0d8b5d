// The snippets in the READMEs run, and print what their comments say.

import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

const ROOT = join(import.meta.dirname, "..", "..");

interface Snippet {
  readonly folder: string;
  readonly name: string;
  readonly code: string;
}

/** Code fences marked `ts run`. */
function snippetsOf(folder: string): Snippet[] {
  const path = join(ROOT, folder, "README.md");
  if (!existsSync(path)) return [];
  const fences = readFileSync(path, "utf8").matchAll(/^```ts run\n(.*?)^```/gms);
  return [...fences].map((match, index) => ({
    folder,
    name: `${folder}/README.md #${index + 1}`,
    code: match[1] ?? "",
  }));
}

/** The comment behind each `console.log(…); // text`, in order. */
function expectedLines(code: string): string[] {
  return [...code.matchAll(/console\.log\(.*\); \/\/ (.*)$/gm)].map((match) => match[1] ?? "");
}

const packages = readdirSync(join(ROOT, "packages")).map((name) => `packages/${name}`);
const snippets = [".", ...packages].flatMap(snippetsOf);

describe("README snippets", () => {
  it.each(packages)("%s has one", (folder) => {
    expect(snippets.some((snippet) => snippet.folder === folder)).toBe(true);
  });

  it.each(snippets.map((snippet) => [snippet.name, snippet] as const))("%s", (_name, snippet) => {
    const file = join(ROOT, snippet.folder, `.readme-${process.pid}-${snippets.indexOf(snippet)}.ts`);
    writeFileSync(file, snippet.code);
    try {
      const output = execFileSync(process.execPath, ["--conditions=@ll/source", file], {
        cwd: join(ROOT, snippet.folder),
        encoding: "utf8",
      });
      const expected = expectedLines(snippet.code);
      expect(expected.length).toBeGreaterThan(0);
      expect(output.trimEnd().split("\n")).toEqual(expected);
    } finally {
      rmSync(file);
    }
  });
});
