// LoRA adapters of ggml.

import { memorySource } from "@ll/bytes";
import { openLora } from "@ll/ggml-format";
import { loraBytes, rawPair } from "../../../packages/ggml-format/test/lora-bytes.ts";
import { readTensors } from "./read-tensors.ts";

export const seeds: readonly Uint8Array[] = [
  loraBytes({ tensors: rawPair("layers.0.attention.wq.weight") }),
  loraBytes({ tensors: [...rawPair("a"), ...rawPair("b").reverse()] }),
];
export const dictionary: readonly string[] = ["alag", ".loraA", ".loraB", "weight", "__proto__"];

export async function fuzz(data: Uint8Array): Promise<void> {
  const file = await openLora(memorySource(data));
  for (const { a, b } of file.pairs) await readTensors([a, b]);
}
