// A row of the checklist: a promise of the command line, and what proves it.

import { globSync, readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "vitest";
import { tinyModel } from "../../../../tools/tiny-model.ts";
import { temporaryDirectory } from "../programs.ts";

const ROOT = join(import.meta.dirname, "../../../..");

export interface Row {
  readonly promise: string;
  /** Fails if the promise is not kept. */
  readonly check: () => void | Promise<void>;
}

/** One entry of the checklist, which may promise several things. */
export interface Item {
  readonly title: string;
  readonly rows: readonly Row[];
}

/** A promise that is checked here. */
export function row(promise: string, check: () => void | Promise<void>): Row {
  return { promise, check };
}

/** A promise that a test elsewhere checks, by its path from the root and its name; the row fails if there is no such test. */
export function shownBy(promise: string, path: string, ...names: readonly string[]): Row {
  return {
    promise,
    check: () => {
      const lines = readFileSync(join(ROOT, path), "utf8").split("\n");
      const counts = (line: string): boolean => !/^\s*\/\/|\.(?:skip|todo|fails)\(/.test(line);
      const isNamed = (name: string): boolean => lines.some((line) => counts(line) && line.includes(`("${name}"`));
      expect(names.filter((name) => !isNamed(name))).toEqual([]);
    },
  };
}

/** A file with the embedded model, gone after the test. */
export async function tinyFile(type: Parameters<typeof tinyModel>[0] = "q4_0"): Promise<string> {
  const path = join(await temporaryDirectory(), "model.bin");
  await writeFile(path, await tinyModel(type));
  return path;
}

/** Paths from the root of all sources that are shipped and match `pattern`. */
export function sourcesWith(pattern: RegExp): string[] {
  const paths = globSync(["apps/cli/src/**/*.ts", "packages/*/src/**/*.ts"], { cwd: ROOT });
  return paths.filter((path) => pattern.test(textOf(path)));
}

/** The text of a file, by its path from the root. */
export function textOf(path: string): string {
  return readFileSync(join(ROOT, path), "utf8");
}

/** The same with its lines joined, so that a sentence is found wherever it is broken. */
export function proseOf(path: string): string {
  return textOf(path).replace(/\s+/g, " ");
}
