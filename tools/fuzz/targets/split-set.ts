// Two files of a split GGUF set. The first four bytes of an input say where the second one begins.

import { memorySource } from "@ll/bytes";
import { openGgufSet } from "@ll/gguf";
import { ggufBytes, I32, U32, u8, u32 } from "../../../packages/gguf/test/support/gguf-bytes.ts";
import { readTensors } from "./read-tensors.ts";

const part = (no: number): Uint8Array =>
  ggufBytes({
    pairs: [
      { key: "split.no", type: U32, value: u32(no) },
      { key: "split.count", type: U32, value: u32(2) },
      { key: "split.tensors.count", type: I32, value: u32(2) },
    ],
    tensors: [{ name: `t${no}`, type: 24, ne: [2], data: u8(no, no + 10) }],
  });
const both = (first: Uint8Array, second: Uint8Array): Uint8Array =>
  Uint8Array.from([...u32(first.length), ...first, ...second]);

export const seeds: readonly Uint8Array[] = [both(part(0), part(1)), both(part(1), part(0)), both(part(0), part(0))];
export const dictionary: readonly string[] = ["split.no", "split.count", "split.tensors.count", "GGUF", "t0", "t1"];

export async function fuzz(data: Uint8Array): Promise<void> {
  const bytes = data.length < 4 ? new Uint8Array(4) : data;
  const at = 4 + (new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true) % (bytes.length - 3));
  const sources = [bytes.subarray(4, at), bytes.subarray(at)].map((file, i) => memorySource(file, `m-${i}.gguf`));
  for (const sourcesOfSet of [sources, sources.slice(0, 1)]) {
    const set = await openGgufSet(sourcesOfSet, { damaged: true });
    if (set.damage === undefined) await readTensors(set.tensors);
  }
}
