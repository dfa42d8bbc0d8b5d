import type { Texts } from "../../src/index.ts";

/** Many texts in two arrays. */
export function textsOf(texts: readonly (string | Uint8Array)[]): Texts {
  const parts = texts.map((text) => (typeof text === "string" ? new TextEncoder().encode(text) : text));
  const starts = new Uint32Array(parts.length + 1);
  for (const [i, { length }] of parts.entries()) starts[i + 1] = (starts[i] as number) + length;
  return { bytes: new Uint8Array(Buffer.concat(parts)), starts };
}
