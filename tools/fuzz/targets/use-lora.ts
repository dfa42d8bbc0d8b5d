// LoRA adapters of ggml and of GGUF files, applied to a model that is then used.

import { memorySource } from "@ll/bytes";
import { openLora } from "@ll/ggml-format";
import { GGUF_MAGIC, metadataGetter, openGguf } from "@ll/gguf";
import type { ModelConfig, TensorSource } from "@ll/llama";
import { type LoraAdapter, loraFromGguf, withLora } from "@ll/model";
import { loraBytes } from "../../../packages/ggml-format/test/lora-bytes.ts";
import { f32, ggufBytes, STRING, text } from "../../../packages/gguf/test/support/gguf-bytes.ts";
import { ALLOWANCE_BYTES, asProgram, isForKernels, load, runMain, soundModel } from "./small-engine.ts";

const pair = (target: string, rows: number, columns: number) => [
  { name: `${target}.loraA`, ne: [2, columns] },
  { name: `${target}.loraB`, ne: [2, rows] },
];

const F32 = 6; // of a value

const gguf = (type: number): Uint8Array =>
  ggufBytes({
    pairs: [
      { key: "general.type", type: STRING, value: text("adapter") },
      { key: "general.architecture", type: STRING, value: text("llama") },
      { key: "adapter.type", type: STRING, value: text("lora") },
      { key: "adapter.lora.alpha", type: F32, value: f32(4) },
    ],
    tensors: [
      { name: "blk.0.attn_q.weight.lora_a", ne: [32, 2], type },
      { name: "blk.0.attn_q.weight.lora_b", ne: [2, 32], type },
    ],
  });

export const seeds: readonly Uint8Array[] = [
  loraBytes({ tensors: pair("layers.0.attention.wq.weight", 32, 32) }),
  loraBytes({ tensors: [...pair("norm.weight", 1, 32), ...pair("layers.0.feed_forward.w2.weight", 32, 96)] }),
  gguf(0),
  gguf(1),
];
export const dictionary: readonly string[] = [
  ".loraA",
  ".loraB",
  "output.weight",
  "layers.0.attention.wk.weight",
  ".lora_a",
  "token_embd.weight",
];
export const allowanceBytes: number = ALLOWANCE_BYTES;

export function fuzz(data: Uint8Array): Promise<void> {
  return asProgram(async () => {
    const { tensors, config, tokenizer } = await soundModel();
    const adapter = await open(data, tensors, config);
    const model = await load({ tensors: withLora(tensors, adapter), config }, isForKernels(data));
    try {
      await runMain(model, tokenizer);
    } finally {
      await model.dispose();
    }
  });
}

async function open(data: Uint8Array, model: TensorSource, config: ModelConfig): Promise<LoraAdapter> {
  const source = memorySource(data);
  const isGguf = data.length >= 4 && new DataView(data.buffer, data.byteOffset).getUint32(0, true) === GGUF_MAGIC;
  if (!isGguf) return openLora(source);
  const file = await openGguf(source);
  return loraFromGguf(metadataGetter(file.metadata), file, model, config);
}
