// Files of importance, of both formats.

import { memorySource } from "@ll/bytes";
import { openImportance } from "@ll/convert";
import { ggufImportance, oldImportance } from "../../../packages/convert/test/support/importance-bytes.ts";

export const seeds: readonly Uint8Array[] = [
  await ggufImportance({
    "blk.0.attn_q.weight": [
      [1, 2, 3, 4],
      [1, 2],
    ],
  }),
  oldImportance([{ name: "blk.0.attn_q.weight", nCalls: 2, values: [1, 2] }], { nChunks: 1, dataset: "text" }),
];
export const dictionary: readonly string[] = ["GGUF", "imatrix.datasets", "imatrix.chunk_count", ".in_sum2", ".counts"];

export async function fuzz(data: Uint8Array): Promise<void> {
  const { entries } = await openImportance(memorySource(data));
  for (const entry of entries.values()) await entry.read(0, entry.length);
}
