// Kernels that were compiled of other sources are noticed before a test runs with what stands in for them.

import { appendFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { areKernelsCurrent, noteKernelSources } from "../kernel-sources.mjs";

test("kernels are current until a source is changed, added or taken away, and not where there are none", () => {
  const folder = mkdtempSync(join(tmpdir(), "ll-kernels-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const source = (name: string): string => join(folder, "asm", name);
  mkdirSync(source("build"), { recursive: true });
  writeFileSync(source("index.ts"), "export {};\n");
  writeFileSync(source("dot.ts"), "\n");
  expect(areKernelsCurrent(folder)).toBe(false);
  const changes = [
    () => appendFileSync(source("dot.ts"), " "),
    () => writeFileSync(source("more.ts"), ""),
    () => rmSync(source("dot.ts")),
  ];
  for (const change of changes) {
    noteKernelSources(folder);
    expect(areKernelsCurrent(folder)).toBe(true);
    change();
    expect(areKernelsCurrent(folder)).toBe(false);
  }
});
