// Several files of one model as one set of tensors. Nothing is copied: a merged tensor is a view over its parts.

import type { SourceTensor } from "@ll/bytes";
import { CheckpointError } from "./errors.ts";
import { HF_EMBED_TOKENS } from "./llama-names.ts";
import { concatColumns, concatRows } from "./tensor-views.ts";

/** The tensors of one file, in its order. */
export interface CheckpointPart {
  readonly file: string;
  readonly tensors: ReadonlyMap<string, SourceTensor>;
}

/**
 * Merges the parts as build 803 does: files of Hugging Face hold different tensors, files of Meta and ggml hold a slice of
 * each matrix and all of each vector.
 * @throws `E_SHARD` if a tensor is in two Hugging Face files, or if other files disagree in names, types or shapes.
 */
export function mergeParts(parts: readonly CheckpointPart[]): Map<string, SourceTensor> {
  const [first] = parts as [CheckpointPart];
  if (parts.length === 1) return new Map(first.tensors);
  return parts.some((part) => part.tensors.has(HF_EMBED_TOKENS)) ? unite(parts) : joinSlices(parts);
}

/** Build 803 lets the later file win; two versions of a tensor are more likely a mistake. */
function unite(parts: readonly CheckpointPart[]): Map<string, SourceTensor> {
  const all = new Map<string, SourceTensor>();
  for (const part of parts) {
    for (const [name, tensor] of part.tensors) {
      if (all.has(name)) throw shardError(part, name, "in one file", "in two files");
      all.set(name, tensor);
    }
  }
  return all;
}

/** Every file has the same names, in the order of the first. */
function joinSlices(parts: readonly CheckpointPart[]): Map<string, SourceTensor> {
  const [first] = parts as [CheckpointPart];
  for (const part of parts) {
    for (const name of first.tensors.keys()) {
      if (!part.tensors.has(name)) throw shardError(part, name, `a slice of it, as in ${first.file}`, "none");
    }
    for (const name of part.tensors.keys()) {
      if (!first.tensors.has(name)) throw shardError(part, name, "only names of the first file", "another name");
    }
  }
  const joined = new Map<string, SourceTensor>();
  for (const name of first.tensors.keys()) joined.set(name, joinTensor(parts, name));
  return joined;
}

function joinTensor(parts: readonly CheckpointPart[], name: string): SourceTensor {
  const slices = parts.map((part) => part.tensors.get(name) as SourceTensor);
  const [first] = slices as [SourceTensor];
  const isMatrix = first.shape.length === 2;
  for (const [p, slice] of slices.entries()) {
    const isSame = slice.type === first.type && slice.shape.join() === first.shape.join();
    if (!isSame) throw shardError(parts[p] as CheckpointPart, name, describe(first), describe(slice));
  }
  if (first.shape.length === 1) return first; // vectors are whole in every file
  return isMatrix && isSplitByColumns(name) ? concatColumns(name, slices) : concatRows(name, slices);
}

/** Meta splits the matrices that feed the residual stream, and the embeddings, along their columns. */
function isSplitByColumns(name: string): boolean {
  return (
    name.startsWith("tok_embeddings.") ||
    name.endsWith(".attention.wo.weight") ||
    name.endsWith(".feed_forward.w2.weight")
  );
}

function describe(tensor: SourceTensor): string {
  return `${tensor.type} ${tensor.shape.join(" x ")}`;
}

function shardError(part: CheckpointPart, name: string, expected: string, got: string): CheckpointError {
  const message = `the files of this model disagree about tensor "${name}": ${expected} expected, got ${got}`;
  return new CheckpointError({ code: "E_SHARD", file: part.file, offset: 0, field: name, expected, got, message });
}
