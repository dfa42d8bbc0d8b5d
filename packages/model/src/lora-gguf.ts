// Low-rank adapters in GGUF files (convert_lora_to_gguf.py and llama-adapter.cpp of llama.cpp):
//
//   general.type = "adapter", general.architecture, adapter.type = "lora", adapter.lora.alpha
//   NAME.lora_a (rank, columns of NAME), NAME.lora_b (rows of NAME, rank)
//
// of token_embd.weight, whose rows are looked up, lora_a (rows, rank) and lora_b (columns, rank). Without alpha nothing is scaled.
// llama.cpp passes over norms; here an adapter is whole or refused.

import { ARCHITECTURES, type MetadataGetter, metaName, type NameRow } from "@ll/architectures";
import type { SourceTensor, TensorSource } from "@ll/bytes";
import { type ModelConfig, ModelError } from "@ll/llama";
import type { LoraAdapter, LoraPair } from "./lora.ts";

const HALF = /^(.+)\.lora_[ab]$/s;
const EMBEDDING = "token_embd.weight";

/** Of an adapter that is switched on by tokens ("aLoRA"). */
const INVOCATION_KEY = "adapter.alora.invocation_tokens";

/**
 * An adapter from a GGUF file, for `withLora`.
 *
 * @param get the file's metadata
 * @param adapter the file's tensors
 * @param model what it will be applied to, under the names of GGUF files or of ggml files
 * @param file shown in errors
 * @throws ModelError `E_UNSUPPORTED` for another kind of file, an adapter of another family, one that only works behind certain tokens,
 * and for what is no pair of factors of a matrix: norms, biases, stacks of experts, an embedding that is the output matrix, too;
 * `E_HPARAM` for an alpha that is no number; `E_MISSING_TENSOR` for half a pair, or for none at all
 */
export function loraFromGguf(
  get: MetadataGetter,
  adapter: TensorSource,
  model: TensorSource,
  config: ModelConfig,
  file?: string,
): LoraAdapter {
  const fail = (code: string, field: string, expected: string, got: string): never => {
    const message = `this adapter cannot be applied: ${field} is ${got}, expected ${expected}`;
    throw new ModelError({ code, file, field, expected, got, message });
  };
  const expected = { "general.type": "adapter", "adapter.type": "lora", "general.architecture": config.architecture };
  for (const [key, value] of Object.entries(expected)) {
    if (get(key) !== value) fail("E_UNSUPPORTED", key, value, plainly(get(key)));
  }
  if (get(INVOCATION_KEY) !== undefined) {
    fail("E_UNSUPPORTED", INVOCATION_KEY, "nothing: such an adapter works behind these tokens only", "there");
  }
  const alpha = get("adapter.lora.alpha") ?? 0;
  if (typeof alpha !== "number" || !Number.isFinite(alpha)) {
    return fail("E_HPARAM", "adapter.lora.alpha", "a finite number", plainly(alpha));
  }

  const names: readonly NameRow[] = ARCHITECTURES.find(({ name }) => name === config.architecture)?.names ?? [];
  const half = (name: string): SourceTensor =>
    adapter.tensor(name) ?? fail("E_MISSING_TENSOR", name, "the partner of a tensor that is there", "missing");
  const pairOf = (role: string): LoraPair => {
    const target = model.tensor(role) === undefined ? (metaName(names, role) ?? role) : role;
    const a = half(`${role}.lora_a`);
    const b = half(`${role}.lora_b`);
    const { shape } = model.tensor(target) ?? { shape: [1, 1] }; // `withLora` says that there is none
    if (shape.length !== 2) fail("E_UNSUPPORTED", role, "a matrix", `of the shape ${shape.join(" x ")}`);
    if (role !== EMBEDDING) return { target, a, b, isTransposed: true };
    // its adapter was trained beside an output matrix that stays as it is
    const output = "output.weight";
    if (model.tensor(metaName(names, output) ?? output) === undefined && model.tensor(output) === undefined) {
      fail("E_UNSUPPORTED", role, "an embedding alone", "the output matrix, too");
    }
    return { target, a: b, b: a };
  };
  const roles = new Set<string>();
  for (const name of adapter.names()) {
    const role = HALF.exec(name)?.[1];
    roles.add(role ?? fail("E_UNSUPPORTED", name, "a name that ends in .lora_a or .lora_b", "something else"));
  }
  if (roles.size === 0) fail("E_MISSING_TENSOR", "adapter", "at least one pair of tensors", "empty");
  return {
    alpha: alpha === 0 ? undefined : alpha,
    pairs: Array.from(roles, pairOf),
    assertUnchanged: async () => adapter.assertUnchanged?.(),
  };
}

function plainly(value: ReturnType<MetadataGetter>): string {
  return typeof value === "object" ? "an array" : String(value ?? "nothing");
}
