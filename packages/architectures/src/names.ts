// Names of tensors: in GGUF files, which are the roles of weights here; in Meta's checkpoints, which ggml files took over; and in those of
// Hugging Face.

/** A tensor's names, without `.weight` and without the beginning that names the layer. */
export interface NameRow {
  readonly gguf: string;
  /** Undefined: models with Meta's names have no such tensor. */
  readonly meta?: string;
  /** Undefined: models with Hugging Face's names have no such tensor. */
  readonly hf?: string;
  /** Every layer has one. */
  readonly inLayers: boolean;
}

/** In the order in which build 803 of llama.cpp looks for them. */
export const LLAMA_NAMES: readonly NameRow[] = [
  { gguf: "token_embd", meta: "tok_embeddings", hf: "model.embed_tokens", inLayers: false },
  { gguf: "output_norm", meta: "norm", hf: "model.norm", inLayers: false },
  { gguf: "output", meta: "output", hf: "lm_head", inLayers: false },
  { gguf: "attn_norm", meta: "attention_norm", hf: "input_layernorm", inLayers: true },
  { gguf: "attn_q", meta: "attention.wq", hf: "self_attn.q_proj", inLayers: true },
  { gguf: "attn_k", meta: "attention.wk", hf: "self_attn.k_proj", inLayers: true },
  { gguf: "attn_v", meta: "attention.wv", hf: "self_attn.v_proj", inLayers: true },
  { gguf: "attn_output", meta: "attention.wo", hf: "self_attn.o_proj", inLayers: true },
  { gguf: "ffn_norm", meta: "ffn_norm", hf: "post_attention_layernorm", inLayers: true },
  { gguf: "ffn_gate", meta: "feed_forward.w1", hf: "mlp.gate_proj", inLayers: true },
  { gguf: "ffn_down", meta: "feed_forward.w2", hf: "mlp.down_proj", inLayers: true },
  { gguf: "ffn_up", meta: "feed_forward.w3", hf: "mlp.up_proj", inLayers: true },
];

/** Tensors of layers that models with Meta's names do not have. */
export function perLayer(...names: string[]): NameRow[] {
  return names.map((gguf) => ({ gguf, inLayers: true }));
}

/** Numbers of layers without leading zeros, so that no two names become one. */
const GGUF_LAYER = /^blk\.(0|[1-9]\d{0,8})\.(.*)\.weight$/;
const META_LAYER = /^layers\.(0|[1-9]\d{0,8})\.(.*)\.weight$/;

/** `blk.3.attn_q.weight` → `layers.3.attention.wq.weight`; undefined for a tensor that has no such name. */
export function metaName(names: readonly NameRow[], role: string): string | undefined {
  return translated(role, GGUF_LAYER, names, "gguf", "meta", "layers");
}

/** `layers.3.attention.wq.weight` → `blk.3.attn_q.weight`; undefined for a tensor that the family has not. */
export function roleOfMetaName(names: readonly NameRow[], name: string): string | undefined {
  return translated(name, META_LAYER, names, "meta", "gguf", "blk");
}

function translated(
  name: string,
  pattern: RegExp,
  names: readonly NameRow[],
  from: "gguf" | "meta",
  to: "gguf" | "meta",
  prefix: string,
): string | undefined {
  const [, layer, part] = pattern.exec(name) ?? [];
  const stem = part ?? (name.endsWith(".weight") ? name.slice(0, -".weight".length) : undefined);
  if (stem === undefined) return undefined;
  const other = names.find((row) => row[from] === stem && row.inLayers === (layer !== undefined))?.[to];
  if (other === undefined) return undefined;
  return layer === undefined ? `${other}.weight` : `${prefix}.${layer}.${other}.weight`;
}
