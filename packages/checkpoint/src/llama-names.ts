// The names of a LLaMA model's tensors: Meta's, which ggml files use too, and Hugging Face's.

/** Per layer, in the order of a converted file; each stands for `layers.I.NAME.weight`. */
const LAYER_TENSORS = [
  "attention.wq",
  "attention.wk",
  "attention.wv",
  "attention.wo",
  "attention_norm",
  "feed_forward.w1",
  "feed_forward.w2",
  "feed_forward.w3",
  "ffn_norm",
] as const;

export type LayerTensor = (typeof LAYER_TENSORS)[number];

/** Meta's name → Hugging Face's, per layer. */
export const HF_LAYER_TENSORS: ReadonlyMap<LayerTensor, string> = new Map([
  ["attention.wq", "self_attn.q_proj"],
  ["attention.wk", "self_attn.k_proj"],
  ["attention.wv", "self_attn.v_proj"],
  ["attention.wo", "self_attn.o_proj"],
  ["attention_norm", "input_layernorm"],
  ["feed_forward.w1", "mlp.gate_proj"],
  ["feed_forward.w2", "mlp.down_proj"],
  ["feed_forward.w3", "mlp.up_proj"],
  ["ffn_norm", "post_attention_layernorm"],
]);

/** Baichuan keeps q, k and v in one matrix of three equal blocks of rows. */
export const HF_PACKED_QKV = "self_attn.W_pack";

export const TOK_EMBEDDINGS = "tok_embeddings.weight";
export const NORM = "norm.weight";
export const OUTPUT = "output.weight";

export const HF_EMBED_TOKENS = "model.embed_tokens.weight";
export const HF_NORM = "model.norm.weight";
export const HF_LM_HEAD = "lm_head.weight";

export function layerName(layer: number, tensor: LayerTensor): string {
  return `layers.${layer}.${tensor}.weight`;
}

export function hfLayerName(layer: number, tensor: string): string {
  return `model.layers.${layer}.${tensor}.weight`;
}

/** All names that a model of `nLayers` layers needs, in the order of a converted file: 3 + 9·nLayers of them. */
export function canonicalNames(nLayers: number): string[] {
  const names = [TOK_EMBEDDINGS, NORM, OUTPUT];
  for (let layer = 0; layer < nLayers; layer++) {
    for (const tensor of LAYER_TENSORS) names.push(layerName(layer, tensor));
  }
  return names;
}
