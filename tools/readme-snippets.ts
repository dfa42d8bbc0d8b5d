// The snippets of the READMEs that say what they print.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const ROOT = join(import.meta.dirname, "..");

export interface Snippet {
  /** Where it is, such as `packages/quant`; paths in it start there. */
  readonly folder: string;
  readonly name: string;
  /** TypeScript. */
  readonly code: string;
  /** The comment behind each `console.log(…); // text`, in order. */
  readonly output: readonly string[];
}

/** Folders of the packages with a README of their own. */
export const PACKAGES: readonly string[] = readdirSync(join(ROOT, "packages")).map((name) => `packages/${name}`);

/** Code fences marked `ts run`, of all READMEs. */
export const SNIPPETS: readonly Snippet[] = [".", ...PACKAGES].flatMap(snippetsOf);

function snippetsOf(folder: string): Snippet[] {
  const path = join(ROOT, folder, "README.md");
  if (!existsSync(path)) return [];
  const fences = readFileSync(path, "utf8").matchAll(/^```ts run\n(.*?)^```/gms);
  return [...fences].map(([, code = ""], index) => ({
    folder,
    name: `${folder}/README.md #${index + 1}`,
    code,
    output: [...code.matchAll(/console\.log\(.*\); \/\/ (.*)$/gm)].map(([, line = ""]) => line),
  }));
}
