// SHA256SUMS.

import { parseSums } from "../../../apps/cli/src/commands/verify/sums-file.ts";

const sum = "0123456789abcdef".repeat(4);

export const seeds: readonly Uint8Array[] = [`${sum}  a.bin\n${sum}  b/c.bin\r\n`, "", `${sum}  x`].map((text) =>
  new TextEncoder().encode(text),
);
export const dictionary: readonly string[] = ["  ", "../", "/", "\\", "C:", "\0", "\n", "\r\n", "..", `${sum}  x\n`];

const decoder = new TextDecoder();

/** @throws Error if a path that was accepted leaves the folder */
export function fuzz(data: Uint8Array): void {
  for (const { path } of parseSums(decoder.decode(data), "SHA256SUMS")) {
    const isBad = path.startsWith("/") || path.includes("\0") || path.split("/").includes("..");
    if (isBad) throw new Error(`the path ${JSON.stringify(path)} was accepted`);
  }
}
