// A parser with every fault that the fuzzer has to notice.

import { parse } from "../self-test-parser.ts";

export const seeds: readonly Uint8Array[] = [new TextEncoder().encode("good input")];

export function fuzz(data: Uint8Array): void {
  parse(data);
}
