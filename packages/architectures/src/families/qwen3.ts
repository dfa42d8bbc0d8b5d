// Qwen 3 (arXiv:2505.09388), dense and with experts: a norm of every head before it is rotated, and pairs half a head apart.

import type { Architecture } from "../architecture.ts";
import type { Value } from "../graph.ts";
import type { GraphBuilder } from "../graph-builder.ts";
import type { Layer } from "../graph-specs.ts";
import { HF_NAMES, type HfFamily } from "../hf.ts";
import { basicKeys, expectLayerTypes, expectNumber, HF_DEFAULTS } from "../hf-keys.ts";
import { LLAMA_NAMES, perLayer } from "../names.ts";
import {
  attention,
  feedForward,
  HARMLESS_KEYS,
  logits,
  type RopeHyper,
  readRopeHyper,
  readSections,
  readSizes,
  ropeSettings,
} from "./common.ts";
import { type MixtureHyper, mixture, readExperts } from "./experts.ts";

const hf: HfFamily = {
  classes: ["Qwen3ForCausalLM"],
  defaults: { "": HF_DEFAULTS, qwen3: { max_position_embeddings: 32768, head_dim: 128 } },
  names: HF_NAMES,
  tokenizer: { sentencePiece: "optional" },
  keys(c, k) {
    expectLayerTypes(c, () => "full_attention");
    basicKeys(c, k);
  },
};

/** Experts of a layer. */
export const QWEN_EXPERTS: Readonly<Record<string, string>> = {
  "mlp.gate": "ffn_gate_inp",
  "mlp.experts.*.gate_proj": "ffn_gate_exps",
  "mlp.experts.*.up_proj": "ffn_up_exps",
  "mlp.experts.*.down_proj": "ffn_down_exps",
};

const hfWithExperts: HfFamily = {
  ...hf,
  classes: ["Qwen3MoeForCausalLM"],
  defaults: { "": HF_DEFAULTS, qwen3_moe: { max_position_embeddings: 32768 } },
  names: { ...HF_NAMES, ...QWEN_EXPERTS },
  keys(c, k) {
    // every layer has experts, and their weights add up to 1
    expectNumber(c, "decoder_sparse_step", 1);
    if (c.has("mlp_only_layers") && c.numbers("mlp_only_layers").length > 0) c.refuse("mlp_only_layers", "none");
    if (c.has("norm_topk_prob") && !c.flag("norm_topk_prob")) c.refuse("norm_topk_prob", "true");
    hf.keys(c, k);
    k.u32("expert_feed_forward_length", c.count("moe_intermediate_size"));
  },
};

export const qwen3: Architecture<RopeHyper> = {
  name: "qwen3",
  models: "Qwen 3, dense; DeepSeek-R1-0528-Qwen3-8B",
  names: [...LLAMA_NAMES, ...perLayer("attn_q_norm", "attn_k_norm")],
  hf,
  harmlessKeys: HARMLESS_KEYS,
  readHyper: readRopeHyper,
  build(g, h) {
    record(g, h, (x, layer) => feedForward(g, x, layer, h));
  },
};

export const qwen3moe: Architecture<RopeHyper & MixtureHyper> = {
  ...qwen3,
  name: "qwen3moe",
  models: "Qwen 3 with experts: 30B-A3B, Coder 30B",
  hf: hfWithExperts,
  harmlessKeys: [...HARMLESS_KEYS, "expert_weights_norm", "expert_weights_scale"], // llama.cpp does not read them either
  readHyper(keys) {
    const key = "expert_feed_forward_length";
    const nFf = keys.count("feed_forward_length", keys.has(key) ? 0 : undefined); // of all experts of a token
    const nUsed = keys.count("expert_used_count");
    const nExpertFf = keys.count(key, nUsed > 0 ? Math.floor(nFf / nUsed) : 0);
    const experts = readExperts(keys, nExpertFf);
    return { ...readRopeHyper(keys, readSizes(keys, { nFf: nFf || nExpertFf })), experts };
  },
  build(g, h) {
    record(g, h, (x, layer) => mixture(g, x, layer, h));
  },
};

/** Their twins that also see pictures: text alone. */
const withPictures = <H extends RopeHyper>(family: Architecture<H>, name: string, models: string): Architecture<H> => ({
  ...family,
  name,
  models,
  hf: undefined,
  harmlessKeys: [...family.harmlessKeys, "n_deepstack_layers"],
  readHyper: (keys) => ({ ...family.readHyper(keys), ...readSections(keys) }),
});

export const qwen3vl: Architecture<RopeHyper> = withPictures(qwen3, "qwen3vl", "Qwen 3 VL, dense; text");
export const qwen3vlmoe: Architecture<RopeHyper & MixtureHyper> = withPictures(
  qwen3moe,
  "qwen3vlmoe",
  "Qwen 3 VL with experts; text",
);

function record(g: GraphBuilder, h: RopeHyper, block: (x: Value, layer: Layer) => Value): void {
  const eps = h.rmsNormEps;
  const x = g.embed("token_embd", h.nVocab, h.nEmbd); // (n, nEmbd): the residual stream
  const angles = g.angles(ropeSettings(h));
  for (const layer of g.layers(h.nLayers)) {
    const normed = g.norm(x, layer("attn_norm"), eps);
    g.add(x, attention(g, normed, layer, h, { pairing: "halves", angles, hasHeadNorms: true }));
    g.add(x, block(g.norm(x, layer("ffn_norm"), eps), layer));
  }
  logits(g, x, "output_norm", h);
}
