// Small models of each family with logits that llama.cpp of August 2026 recorded.

import { readFileSync } from "node:fs";
import { memorySource } from "@ll/bytes";
import { metadataGetter, openGguf } from "@ll/gguf";
import { testData } from "../../../../tools/test-data.ts";
import { configFromGguf, type ModelConfig, type TensorSource } from "../../src/index.ts";

/** One recording: all logits of a prompt, and the ids that arg-max chooses behind it. */
export interface FamilyRun {
  /** Name of the file: `model.gguf` is f32, `model-f16.gguf`, `model-mix.gguf` has quantised tensors. */
  readonly model: string;
  /** What the run is about, if a model has several. */
  readonly note: string;
  readonly nCtx: number;
  readonly logits: string;
  readonly nVocab: number;
  readonly rms: number;
  readonly greedy: readonly number[];
  /** Most that a logit may differ by. */
  readonly tolerance: number;
  /** Part of the logits' root mean square that that of the differences may be, with quantised weights. */
  readonly rmsTolerance: number;
}

/** Folders of the test data. */
const FAMILIES = [
  "gemma2",
  "gemma3",
  "gemma4",
  "gemma4moe",
  "gpt-oss",
  "granite",
  "granitemoe",
  "lfm2",
  "lfm2moe",
  "llama3",
  "mistral",
  "mistral3",
  "mixtral",
  "olmo2",
  "olmo3",
  "phi3",
  "qwen2",
  "qwen3",
  "qwen35",
  "qwen35moe",
  "qwen3moe",
  "smollm3",
];

/** Every recording: folder, file, and what there is to know of it. */
export function familyRuns(): (readonly [name: string, model: string, run: FamilyRun])[] {
  return FAMILIES.flatMap((name) => {
    const { runs } = JSON.parse(readFileSync(testData(`models/families/${name}/golden.json`), "utf8"));
    return (runs as FamilyRun[]).map((run) => [name, run.model, run] as const);
  });
}

export function familyTokens(name: string): readonly number[] {
  return JSON.parse(readFileSync(testData(`models/families/${name}/tokens.json`), "utf8"));
}

/** (tokens, nVocab) */
export function familyLogits(name: string, { logits }: FamilyRun): Float32Array {
  return new Float32Array(new Uint8Array(readFileSync(testData(`models/families/${name}/${logits}`))).buffer);
}

export async function openFamilyModel(
  name: string,
  file: string,
): Promise<{ source: TensorSource; config: ModelConfig }> {
  const source = await openGguf(
    memorySource(new Uint8Array(readFileSync(testData(`models/families/${name}/${file}`)))),
  );
  return { source, config: configFromGguf(metadataGetter(source.metadata)) };
}
