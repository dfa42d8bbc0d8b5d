// The line that `--version` prints.

import { readFileSync } from "node:fs";

/** Commit of a built program, maybe empty; the build puts it here, a run from the sources has none. */
declare const LL_COMMIT: string | undefined;

/** Version of this package. */
export function manifestVersion(): string {
  // package.json lies one folder up from src/ and from dist/
  const manifest = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as { version: string };
  return manifest.version;
}

/** Such as `ll-convert 0.1.0 (1d656d6), Node 26.10.0`. */
export function versionLine(bin: string): string {
  const commit = typeof LL_COMMIT === "string" && LL_COMMIT !== "" ? ` (${LL_COMMIT})` : "";
  return `${bin} ${manifestVersion()}${commit}, Node ${process.versions.node}\n`;
}
