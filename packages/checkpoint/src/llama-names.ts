// The names of a LLaMA model's tensors as they stand in checkpoints, which have them in full.

import { LLAMA_NAMES, type NameRow } from "@ll/architectures";

/** Baichuan keeps q, k and v in one matrix of three equal blocks of rows. */
export const HF_PACKED_QKV = "self_attn.W_pack";

export const TOK_EMBEDDINGS = "tok_embeddings.weight";
export const NORM = "norm.weight";
export const OUTPUT = "output.weight";

export const HF_EMBED_TOKENS = "model.embed_tokens.weight";
export const HF_NORM = "model.norm.weight";
export const HF_LM_HEAD = "lm_head.weight";

/** @param tensor Meta's, such as `attention.wq` */
export function layerName(layer: number, tensor: string): string {
  return `layers.${layer}.${tensor}.weight`;
}

/** @param tensor Hugging Face's, such as `self_attn.q_proj` */
export function hfLayerName(layer: number, tensor: string): string {
  return `model.layers.${layer}.${tensor}.weight`;
}

/** Tensors of a layer, under Meta's and Hugging Face's name. */
export const LAYER_TENSORS: readonly (readonly [meta: string, hf: string])[] = LLAMA_NAMES.flatMap(
  ({ inLayers, meta, hf }: NameRow) =>
    inLayers && meta !== undefined && hf !== undefined ? [[meta, hf] as const] : [],
);

/** All names that a model of `nLayers` layers needs, in the order of a converted file: the norm of a block stands behind its matrices. */
export function canonicalNames(nLayers: number): string[] {
  const inLayer: string[] = [];
  let norm: string | undefined;
  for (const [meta] of LAYER_TENSORS) {
    if (!meta.endsWith("norm")) inLayer.push(meta);
    else {
      if (norm !== undefined) inLayer.push(norm);
      norm = meta;
    }
  }
  if (norm !== undefined) inLayer.push(norm);
  const names = [TOK_EMBEDDINGS, NORM, OUTPUT];
  for (let layer = 0; layer < nLayers; layer++) names.push(...inLayer.map((tensor) => layerName(layer, tensor)));
  return names;
}
