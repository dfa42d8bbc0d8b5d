// Every promise of SECURITY.md names the files that test it, and every file that it names is there.

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

const ROOT = join(import.meta.dirname, "../..");
const page = readFileSync(join(ROOT, "SECURITY.md"), "utf8");
const promises = Array.from(section("Promises").matchAll(/^- \*\*(.+?)\.?\*\*/gm), ([, promise]) => promise as string);
const [table] = section("How it is tested").split("\n\nIn addition:");
const rows = Array.from(
  (table as string).matchAll(/^\| (?!Promise|-)(.+?) +\| (.+?) +\|$/gm),
  ([, promise, tests]) => ({
    promise: promise as string,
    files: Array.from((tests as string).matchAll(/`([^`]+)`/g), ([, file]) => file as string),
  }),
);

function section(title: string): string {
  return page.split(/^## /m).find((text) => text.startsWith(`${title}\n`)) ?? "";
}

test("every promise has its row, and every row its promise", () => {
  expect(promises.length).toBeGreaterThan(0);
  expect(rows.map(({ promise }) => promise)).toEqual(promises);
});

test.each(rows.map((row) => [row.promise, row.files] as const))("%s", (_promise, files) => {
  expect(files.length).toBeGreaterThan(0);
  for (const file of files) {
    expect(file).toMatch(/\.test\.ts$/);
    expect(existsSync(join(ROOT, file)), file).toBe(true);
  }
});
