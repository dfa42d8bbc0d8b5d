// Tensors that a LLaMA model has no place for. What would change its answers is refused: a file without it is another model.

import type { SourceTensor } from "@ll/bytes";
import { asType } from "./cast.ts";
import { CheckpointError } from "./errors.ts";
import { PIECE_BYTES } from "./limits.ts";

type Tensors = ReadonlyMap<string, SourceTensor>;

/** Tables of angles that follow from the parameters, and the number that stands for "masked". */
const CONSTANT = /(?:^|\.)(?:rope\.freqs|inv_freq|freqs?_cis|cos_cached|sin_cached|masked_bias)$/;

/** Causal masks; of these names, one with a single dimension would be a bias. */
const MASK = /(?:^|\.)(?:(?:self_)?attn\.bias|attention\.bias)$/;

/** The halves of an adapter: `….lora_A.weight`, `….lora_B.default.weight`. It adds B · A to a matrix. */
const ADAPTER = /\.lora_(?:embedding_)?([AB])(?=\.|$)/;

/** Element types that weights may have. */
const FLOATS: ReadonlySet<string> = new Set(["f64", "f32", "f16", "bf16"]);

const QUANTIZED_HINT = "the model is quantised: convert it as it was before";

/** @throws `E_DTYPE` for weights of whole numbers, which mean nothing without scales that nobody reads here */
export function assertFloatWeights(tensors: Tensors, file: string): void {
  for (const { name, type } of tensors.values()) {
    if (!name.endsWith(".weight") || FLOATS.has(type)) continue;
    throw new CheckpointError({
      code: "E_DTYPE",
      file,
      offset: 0,
      field: name,
      expected: "F16, BF16, F32 or F64",
      got: type.toUpperCase(),
      message: `dtype ${type.toUpperCase()} of tensor "${name}" is not read as a weight`,
      hint: QUANTIZED_HINT,
    });
  }
}

/**
 * Makes sure that `unread` can be left out: tables of angles, masks, biases of zeros, adapters that add nothing.
 * @throws `E_UNKNOWN_TENSOR` naming the first few that cannot
 */
export async function assertHarmless(unread: readonly string[], tensors: Tensors, file: string): Promise<void> {
  const other: string[] = [];
  for (const name of unread) if (!(await isHarmless(name, tensors))) other.push(name);
  if (other.length > 0) throw unknownTensors(other, file);
}

async function isHarmless(name: string, tensors: Tensors): Promise<boolean> {
  const tensor = tensors.get(name) as SourceTensor;
  if (CONSTANT.test(name) || (MASK.test(name) && tensor.shape.length !== 1)) return true;
  if (name.endsWith(".bias")) return isZero(tensor);
  if (!ADAPTER.test(name)) return false;
  // a new adapter: B is still zero
  const b = tensors.get(name.replace(ADAPTER, (half) => half.replace("_A", "_B")));
  return b !== undefined && (await isZero(b));
}

async function isZero(tensor: SourceTensor): Promise<boolean> {
  if (!FLOATS.has(tensor.type)) return false;
  const floats = asType(tensor, "f32");
  const piece = new Float32Array(Math.min(PIECE_BYTES, floats.byteLength) / 4);
  for (let offset = 0; offset < floats.byteLength; offset += piece.byteLength) {
    const part = piece.subarray(0, Math.min(piece.length, (floats.byteLength - offset) / 4));
    await floats.read(offset, new Uint8Array(part.buffer, 0, part.byteLength));
    if (part.some((value) => value !== 0)) return false;
  }
  return true;
}

/** The error for tensors that may not be left out; the caller throws it. */
export function unknownTensors(names: readonly string[], file: string): CheckpointError {
  const isAdapter = names.some((name) => ADAPTER.test(name) || name.startsWith("base_model."));
  return new CheckpointError({
    code: "E_UNKNOWN_TENSOR",
    file,
    offset: 0,
    field: names[0] as string,
    expected: "the tensors of a LLaMA model",
    got: `${names.length} more`,
    message: `tensors that a LLaMA model does not have, and that would change what it says: ${list(names)}`,
    hint: isAdapter
      ? "merge the adapter into the model first (merge_and_unload of PEFT), or convert it on its own"
      : "it is another kind of model; if it is known to do without them, remove them from its files",
  });
}

/** The first few names. */
export function list(names: readonly string[]): string {
  const shown = names.slice(0, 5).join(", ");
  return names.length > 5 ? `${shown} and ${names.length - 5} more` : shown;
}
