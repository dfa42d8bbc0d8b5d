// The tensors of a GGUF file as ggml files name them, and back. Only names differ: rows and columns are in the same order, also those of
// the query and key matrices, whose rotated channels stand in pairs (converters from Hugging Face's order, which halves them, bring
// them into this one).

import { metaName, roleOfMetaName } from "@ll/architectures";
import type { SourceTensor } from "@ll/bytes";
import type { GgufContents } from "@ll/gguf";
import { LLAMA } from "./llama-shapes.ts";

/** A name that no LLaMA tensor has stays as it is. */
export function ggufName(name: string): string {
  return roleOfMetaName(LLAMA.names, name) ?? name;
}

/**
 * Under the names of Meta, the embeddings in place of an output matrix that is not there. Nothing is checked but names: tensors that no
 * LLaMA has keep theirs, so that they are refused.
 */
export function metaNamed({ tensors }: Pick<GgufContents, "tensors">): SourceTensor[] {
  const used = tensors.filter(({ name }) => LLAMA.isUnused?.(name, {}) !== true);
  const named = used.map((tensor) => renamed(tensor, metaName(LLAMA.names, tensor.name) ?? tensor.name));
  const embeddings = named.find(({ name }) => name === "tok_embeddings.weight");
  const isTied = embeddings !== undefined && !named.some(({ name }) => name === "output.weight");
  return isTied ? [...named, renamed(embeddings, "output.weight")] : named;
}

function renamed(tensor: SourceTensor, name: string): SourceTensor {
  const { type, shape, byteLength } = tensor;
  return { name, type, shape, byteLength, read: (offset, target) => tensor.read(offset, target) };
}
