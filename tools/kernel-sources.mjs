// Which sources compiled kernels are of: build-kernels.mjs notes it beside them, and tests are not run with kernels of others, which
// would fall back to the scalar tier without a word.

import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** @param {string} folder of the package */
function hashOfSources(folder) {
  const hash = createHash("sha256");
  const names = readdirSync(join(folder, "asm")).filter((name) => name.endsWith(".ts"));
  for (const name of names.sort()) hash.update(`${name}\0`).update(readFileSync(join(folder, "asm", name)));
  return hash.digest("hex");
}

/** @param {string} folder */
const noteIn = (folder) => join(folder, "asm", "build", "sources.sha256");

/** Notes that the kernels of the package in `folder` are those of its sources. @param {string} folder */
export function noteKernelSources(folder) {
  writeFileSync(noteIn(folder), `${hashOfSources(folder)}\n`);
}

/** Whether the kernels of the package in `folder` are there, and those of its sources. @param {string} folder */
export function areKernelsCurrent(folder) {
  const note = noteIn(folder);
  return existsSync(note) && readFileSync(note, "utf8").trim() === hashOfSources(folder);
}

/** Before any test: vitest calls it. @throws Error that says what to run */
export default function assertKernelsAreCurrent() {
  for (const name of ["quant", "llama"]) {
    if (areKernelsCurrent(join(import.meta.dirname, "..", "packages", name))) continue;
    throw new Error(
      `the kernels of packages/${name} are not those of its asm folder: run npm test, or npx pnpm exec turbo run kernels`,
    );
  }
}
