// A Hugging Face directory of any family to a GGUF file, as llama.cpp's converter of August 2026 makes it.

import { fileTypeOf, HfKeys } from "@ll/architectures";
import type { SourceTensor } from "@ll/bytes";
import type { HfModel } from "@ll/checkpoint";
import type { WritableValue } from "@ll/gguf";
import { type GgufConversion, type GgufOutType, plannedConversion, targetType } from "./conversion.ts";
import { ConvertError } from "./errors.ts";
import { type HfVocabulary, hfMetadata } from "./hf-metadata.ts";
import { assertRuns, newTensors } from "./hf-tensors.ts";

export interface HfConversionInput {
  readonly model: HfModel;
  readonly vocabulary: HfVocabulary;
  readonly outType: GgufOutType;
  /** `general.name`; `modelNameOf` makes one of a directory's. */
  readonly name: string;
  /** Metadata that goes before what the files say. */
  readonly overrides?: ReadonlyMap<string, WritableValue>;
}

/**
 * Plans the file: its header is known, no weight is read.
 * @throws ConvertError `E_UNKNOWN_TENSOR`, `E_MISSING_TENSOR`, `E_SHAPE`, `E_DTYPE`, `E_UNSUPPORTED`, `E_MISMATCH`, `E_LIMIT`;
 *   CheckpointError `E_FIELD`, `E_UNSUPPORTED` for what config.json says
 */
export function planHf({ model, vocabulary, outType, name, overrides = new Map() }: HfConversionInput): GgufConversion {
  const { family, config } = model;
  const nTokens = vocabulary.tokens.starts.length - 1;
  const keys = new HfKeys();
  family.keys(config, keys);
  const tensors = newTensors(model, nTokens);
  assertVocabularyFits(tensors, nTokens);
  assertRuns(model, keys.values, tensors, nTokens);
  const type = outType === "auto" ? firstHalfType(model.tensors) : outType;
  const isMxfp4 = tensors.some((tensor) => tensor.type === "mxfp4");
  const ftype = fileTypeOf(isMxfp4 && type !== "q8_0" ? "mxfp4" : type) ?? 0;
  const metadata = hfMetadata(model, keys.values, vocabulary, { name, tensors, ftype });
  for (const [key, value] of overrides) metadata.set(key, value);
  const typed = tensors.map(
    (tensor) => [tensor, tensor.type === "mxfp4" ? "mxfp4" : targetType(tensor, type)] as const,
  );
  return plannedConversion(metadata, typed, windowWarnings(model, keys));
}

function firstHalfType(tensors: readonly SourceTensor[]): "bf16" | "f16" {
  const first = tensors.find(({ type, shape }) => shape.length > 1 && (type === "bf16" || type === "f16"));
  return first?.type === "bf16" ? "bf16" : "f16";
}

/** @throws ConvertError `E_MISMATCH` for more tokens than rows: no program could look them up */
function assertVocabularyFits(tensors: readonly SourceTensor[], nTokens: number): void {
  const nRows = tensors.find(({ name }) => name === "token_embd.weight")?.shape[0];
  if (nRows === undefined || nRows === nTokens) return;
  throw new ConvertError({
    code: "E_MISMATCH",
    field: "vocab_size",
    expected: nRows,
    got: nTokens,
    message: `the embeddings have ${nRows} rows, the vocabulary ${nTokens} tokens`,
  });
}

/** A window that the new file does not tell of, and that no program applies. */
function windowWarnings({ config }: HfModel, { values }: HfKeys): string[] {
  const isOff = config.has("use_sliding_window") && !config.flag("use_sliding_window");
  if (isOff || values.has("attention.sliding_window") || !config.has("sliding_window")) return [];
  const window = config.count("sliding_window");
  if (window === 0 || window >= config.count("max_position_embeddings")) return [];
  return [`sliding_window is not used: texts of up to ${window} tokens are exact`];
}
