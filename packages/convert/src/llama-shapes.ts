// Whether tensors are those of one LLaMA model, before anything is written that nobody could load.

import { type Architecture, llama, metaTensors, type RopeHyper } from "@ll/architectures";
import type { SourceTensor } from "@ll/bytes";
import { ConvertError } from "./errors.ts";

/** The family that ggml files hold. */
export const LLAMA: Architecture<RopeHyper> = llama;

/** What shapes do not depend on. */
const NUMBERS = { rmsNormEps: 1, ropeFreqBase: 1, ropeFreqScale: 1 };

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
  const headDim = sizes.nEmbd / sizes.nHeads;
  for (const [name, shape] of metaTensors(LLAMA, { ...sizes, headDim, ...NUMBERS })) {
    const tensor = byName.get(name);
    if (tensor === undefined) fail(file, "E_MISSING_TENSOR", name, "a tensor", "none", `tensor '${name}' is missing`);
    byName.delete(name);
    const [expected, got] = [shape.join(" x "), tensor.shape.join(" x ")];
    if (got !== expected)
      fail(file, "E_SHAPE", name, expected, got, `tensor '${name}' is ${got}, expected ${expected}`);
  }
  for (const name of byName.keys()) {
    fail(file, "E_UNKNOWN_TENSOR", name, "tensors of a LLaMA", name, `tensor '${name}' is no part of a LLaMA model`);
  }
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
