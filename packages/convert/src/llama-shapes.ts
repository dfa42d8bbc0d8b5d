// Whether tensors are those of one LLaMA model, before anything is written that nobody could load.

import type { SourceTensor } from "@ll/bytes";
import { llamaTensorNames } from "@ll/ggml-format";
import { ConvertError } from "./errors.ts";

export interface LlamaSizes {
  readonly nVocab: number;
  readonly nEmbd: number;
  readonly nHeads: number;
  readonly nKvHeads: number;
  readonly nLayers: number;
  readonly nFf: number;
}

/** Layers that the containers have room for; also keeps a hostile number from making as many names. */
const MAX_LAYERS = 454;

/** @throws ConvertError `E_LIMIT`, `E_MISSING_TENSOR`, `E_UNKNOWN_TENSOR` or `E_SHAPE` */
export function assertLlamaTensors(tensors: readonly SourceTensor[], sizes: LlamaSizes, file: string): void {
  if (sizes.nLayers > MAX_LAYERS)
    fail(file, "E_LIMIT", "n_layer", `at most ${MAX_LAYERS}`, sizes.nLayers, "too many layers");
  const byName = new Map(tensors.map((tensor) => [tensor.name, tensor]));
  for (const name of llamaTensorNames(sizes.nLayers)) {
    const tensor = byName.get(name);
    if (tensor === undefined) fail(file, "E_MISSING_TENSOR", name, "a tensor", "none", `tensor '${name}' is missing`);
    byName.delete(name);
    const [expected, got] = [shapeOf(name, sizes).join(" x "), tensor.shape.join(" x ")];
    if (got !== expected)
      fail(file, "E_SHAPE", name, expected, got, `tensor '${name}' is ${got}, expected ${expected}`);
  }
  for (const name of byName.keys()) {
    fail(file, "E_UNKNOWN_TENSOR", name, "tensors of a LLaMA", name, `tensor '${name}' is no part of a LLaMA model`);
  }
}

/** Slowest dimension first. */
function shapeOf(name: string, { nVocab, nEmbd, nHeads, nKvHeads, nFf }: LlamaSizes): number[] {
  if (name.endsWith("norm.weight")) return [nEmbd];
  if (name.endsWith(".wk.weight") || name.endsWith(".wv.weight")) return [(nEmbd / nHeads) * nKvHeads, nEmbd];
  if (name.endsWith(".w1.weight") || name.endsWith(".w3.weight")) return [nFf, nEmbd];
  if (name.endsWith(".w2.weight")) return [nEmbd, nFf];
  return name.startsWith("layers.") ? [nEmbd, nEmbd] : [nVocab, nEmbd];
}

function fail(
  file: string,
  code: string,
  field: string,
  expected: string,
  got: string | number,
  message: string,
): never {
  throw new ConvertError({ code, file, field, expected, got, message });
}
