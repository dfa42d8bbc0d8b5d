// LoRA adapters of ggml, applied to a model that is then used.

import { memorySource } from "@ll/bytes";
import { openLora } from "@ll/ggml-format";
import { withLora } from "@ll/llama";
import { loraBytes } from "../../../packages/ggml-format/test/lora-bytes.ts";
import { ALLOWANCE_BYTES, asProgram, isForKernels, load, runMain, soundModel } from "./small-engine.ts";

const pair = (target: string, rows: number, columns: number) => [
  { name: `${target}.loraA`, ne: [2, columns] },
  { name: `${target}.loraB`, ne: [2, rows] },
];

export const seeds: readonly Uint8Array[] = [
  loraBytes({ tensors: pair("layers.0.attention.wq.weight", 32, 32) }),
  loraBytes({ tensors: [...pair("norm.weight", 1, 32), ...pair("layers.0.feed_forward.w2.weight", 32, 96)] }),
];
export const dictionary: readonly string[] = [".loraA", ".loraB", "output.weight", "layers.0.attention.wk.weight"];
export const allowanceBytes: number = ALLOWANCE_BYTES;

export function fuzz(data: Uint8Array): Promise<void> {
  return asProgram(async () => {
    const adapter = await openLora(memorySource(data));
    const { tensors, config, tokenizer } = await soundModel();
    const model = await load({ tensors: withLora(tensors, adapter), config }, isForKernels(data));
    try {
      await runMain(model, tokenizer);
    } finally {
      await model.dispose();
    }
  });
}
