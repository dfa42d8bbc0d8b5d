// All tensors of a GGUF file out of those of a Hugging Face directory.

import { type HfPart, type HfValue, hfParts, plannedWeights } from "@ll/architectures";
import { printable, type SourceTensor } from "@ll/bytes";
import type { HfModel } from "@ll/checkpoint";
import { ConvertError } from "./errors.ts";
import { changedTensor, mxfp4Blocks, stackedExperts } from "./hf-views.ts";

/**
 * Those that follow from the configuration, then MXFP4 blocks, then the others where they are stored; a stack of experts where its last
 * part is.
 * @param nTokens entries of the vocabulary
 * @throws ConvertError `E_UNKNOWN_TENSOR` for one that the family does not know, `E_MISSING_TENSOR` for an expert, `E_SHAPE`, `E_DTYPE`
 */
export function newTensors({ family, config, tensors }: HfModel, nTokens: number): SourceTensor[] {
  const made = family.made?.(config) ?? [];
  const blocks = new Map<string, Partial<Record<"nibbles" | "exponents", SourceTensor>> & Pick<HfPart, "rows">>();
  const others = new Map<string, SourceTensor | Map<number, SourceTensor>>();
  const unknown: string[] = [];
  for (const tensor of tensors) {
    const parts = hfParts(family, tensor.name, config, nTokens);
    if (parts === undefined) unknown.push(tensor.name);
    for (const part of parts ?? []) {
      const { name, expert, mxfp4 } = part;
      if (mxfp4 !== undefined) {
        blocks.set(name, { ...blocks.get(name), [mxfp4]: tensor, ...(part.rows && { rows: part.rows }) });
        continue;
      }
      const changed = changedTensor(tensor, name, part);
      const known = others.get(name);
      if (expert === undefined && known === undefined) others.set(name, changed);
      else if (expert !== undefined && (known === undefined || known instanceof Map) && !known?.has(expert)) {
        others.delete(name); // it moves to the end
        others.set(name, new Map([...(known ?? []), [expert, changed]]));
      } else throw tensorError("E_UNKNOWN_TENSOR", tensor.name, "one tensor", `another one that becomes ${name}`);
    }
  }
  if (unknown.length > 0) {
    const shown = unknown.slice(0, 5).join("', '");
    const more = unknown.length > 5 ? ` and ${unknown.length - 5} more` : "";
    const message = `cannot map tensor '${shown}'${more}: this family has none of that name`;
    throw tensorError(
      "E_UNKNOWN_TENSOR",
      unknown[0] as string,
      "tensors of the family",
      `${unknown.length} more`,
      message,
    );
  }
  return [
    ...made.map(({ name, values }) => heldTensor(name, values)),
    ...[...blocks].map(([name, { nibbles, exponents, rows }]) => {
      if (nibbles !== undefined && exponents !== undefined) return mxfp4Blocks(name, nibbles, exponents, rows);
      throw tensorError(
        "E_MISSING_TENSOR",
        name,
        "blocks and scales",
        nibbles === undefined ? "no blocks" : "no scales",
      );
    }),
    ...[...others].map(([name, tensor]) => (tensor instanceof Map ? allExperts(name, tensor, config) : tensor)),
  ];
}

function allExperts(name: string, experts: ReadonlyMap<number, SourceTensor>, config: HfModel["config"]): SourceTensor {
  const field = config.has("num_local_experts") ? "num_local_experts" : "num_experts";
  const nExperts = config.count(field);
  const stack: SourceTensor[] = [];
  for (let i = 0; i < nExperts; i++) {
    const expert = experts.get(i);
    if (expert === undefined) throw tensorError("E_MISSING_TENSOR", name, `${nExperts} experts`, `none of number ${i}`);
    stack.push(expert);
  }
  if (experts.size > nExperts) throw tensorError("E_UNKNOWN_TENSOR", name, `${nExperts} experts`, `${experts.size}`);
  return stackedExperts(name, stack);
}

function heldTensor(name: string, values: Float32Array): SourceTensor {
  const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  return {
    name,
    type: "f32",
    shape: [values.length],
    byteLength: bytes.length,
    async read(offset, target) {
      target.set(bytes.subarray(offset, offset + target.length));
    },
  };
}

/**
 * Holds the file that is about to be written against the family: what it needs is there, what is there is of use, and both are of the
 * sizes that config.json gives.
 * @throws ConvertError `E_MISSING_TENSOR`, `E_UNKNOWN_TENSOR`, `E_SHAPE`, `E_UNSUPPORTED`
 */
export function assertRuns(
  { architecture }: HfModel,
  values: ReadonlyMap<string, HfValue>,
  tensors: readonly SourceTensor[],
  nVocab: number,
): void {
  const byName = new Map(tensors.map((tensor) => [tensor.name, tensor]));
  const { weights, isUnused } = plannedWeights(architecture, {
    values,
    names: new Set(byName.keys()),
    nVocab,
    refuse(key, expected) {
      const value = values.get(key);
      const got = value === undefined ? "nothing" : value.type === "array" ? "an array" : String(value.value);
      const message = `config.json makes a model that cannot be computed: ${key} is ${got}, expected ${expected}`;
      throw new ConvertError({ code: "E_UNSUPPORTED", field: key, expected, got, message });
    },
  });
  const wanted = new Set<string>();
  for (const { role, tensorShape } of weights) {
    wanted.add(role);
    const tensor = byName.get(role);
    if (tensor === undefined) throw tensorError("E_MISSING_TENSOR", role, "a tensor", "none");
    const [got, expected] = [tensor.shape, tensorShape].map((shape) => shape.filter((n) => n !== 1).join(" x "));
    if (got !== expected) throw tensorError("E_SHAPE", role, tensorShape.join(" x "), tensor.shape.join(" x "));
  }
  const surplus = [...byName.keys()].find((name) => !wanted.has(name) && !isUnused(name));
  if (surplus !== undefined) throw tensorError("E_UNKNOWN_TENSOR", surplus, "a tensor that the family uses", "another");
}

function tensorError(code: string, field: string, expected: string, got: string, message?: string): ConvertError {
  const text = message ?? `tensor '${field}': expected ${expected}, got ${got}`;
  return new ConvertError({ code, field, expected, got, message: printable(text, 1000) });
}
