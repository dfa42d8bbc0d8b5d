// Opening low-rank adapters (LoRA): of ggml, and in GGUF files.

import type { TensorSource } from "@ll/bytes";
import { openLora } from "@ll/ggml-format";
import { metadataGetter, openGguf } from "@ll/gguf";
import type { ModelConfig } from "@ll/llama";
import { containerOf } from "./container.ts";
import type { LoraAdapter } from "./lora.ts";
import { loraFromGguf } from "./lora-gguf.ts";
import { type ModelInput, sourceOf } from "./open-model-file.ts";

/**
 * An adapter for `withLora`. Its tensors are read with those of the model: whoever opened a source closes it then.
 * @param model what it will be applied to
 * @throws FormatError of the readers; ModelError for one that does not go with the model; IoError
 */
export async function openAdapter(from: ModelInput, model: TensorSource, config: ModelConfig): Promise<LoraAdapter> {
  const source = await sourceOf(from);
  if ((await containerOf(source)) !== "gguf") return openLora(source);
  const file = await openGguf(source);
  return loraFromGguf(metadataGetter(file.metadata), file, model, config, file.name);
}
