// LLaMA (Touvron et al., arXiv:2302.13971): LLaMA 1 to 3, Mistral, and what was built after them.

import type { Architecture } from "../architecture.ts";
import { changePairs, HF_NAMES } from "../hf.ts";
import { basicKeys, expectLayerTypes, HF_DEFAULTS, hfHeadDim, llama3Factors, vocabAndRotaryKeys } from "../hf-keys.ts";
import { LLAMA_NAMES } from "../names.ts";
import {
  attention,
  feedForward,
  HARMLESS_KEYS,
  logits,
  type RopeHyper,
  readRopeHyper,
  ropeFactors,
  ropeSettings,
} from "./common.ts";
import { type MixtureHyper, mixture, readOptionalExperts } from "./experts.ts";

export const llama: Architecture<RopeHyper & Partial<MixtureHyper>> = {
  name: "llama",
  models: "LLaMA 1 to 3.3, Mistral, Mixtral, TinyLlama, SmolLM2, Yi, and alike",
  names: LLAMA_NAMES,
  hf: {
    classes: ["LlamaForCausalLM", "LLaMAForCausalLM", "LlamaModel", "MistralForCausalLM", "MixtralForCausalLM"],
    defaults: {
      "": HF_DEFAULTS,
      llama: { max_position_embeddings: 2048 },
      mistral: { num_key_value_heads: 8, max_position_embeddings: 131072 },
      mixtral: {
        rope_theta: 1e6,
        rms_norm_eps: 1e-5,
        num_key_value_heads: 8,
        num_local_experts: 8,
        num_experts_per_tok: 2,
        max_position_embeddings: 131072,
      },
    },
    names: {
      ...HF_NAMES,
      "block_sparse_moe.gate": "ffn_gate_inp",
      "block_sparse_moe.experts.*.w1": "ffn_gate_exps",
      "block_sparse_moe.experts.*.w2": "ffn_down_exps",
      "block_sparse_moe.experts.*.w3": "ffn_up_exps",
    },
    tokenizer: { sentencePiece: "optional", spacePrefix: "as configured" },
    change: changePairs,
    made: llama3Factors,
    tokenizerKeys(c, k) {
      const nVocab = c.count("vocab_size");
      if (nVocab === 49152) k.flag("add_bos_token", false); // SmolLM and StarCoder
      if (nVocab !== 32016) return;
      const names = ["prefix", "suffix", "middle", "eot"]; // Code Llama fills in the middle
      for (const [i, name] of names.entries()) k.u32(`${name}_token_id`, 32007 + i);
    },
    keys(c, k) {
      expectLayerTypes(c, () => "full_attention");
      const isLlama = c.has("model_type") && c.text("model_type") === "llama";
      basicKeys(c, k, isLlama ? { headDim: hfHeadDim(c) } : {});
      vocabAndRotaryKeys(c, k);
    },
  },
  // files of Mistral 7B v0.1 have a window: llama.cpp does not read it either
  harmlessKeys: [...HARMLESS_KEYS, "attention.sliding_window", "attention.sliding_window_pattern"],
  isUnused: (name) => /^blk\.\d+\.attn_rot_embd$/.test(name), // inverse frequencies in early files: every reader computes them
  hasSmallValues: ({ nLayers, nHeads, nKvHeads }) => nLayers === 80 && nHeads !== nKvHeads, // 70B
  readHyper(keys) {
    const hyper = readRopeHyper(keys);
    keys.expect("rope.dimension_count", hyper.headDim);
    return { ...hyper, ...readOptionalExperts(keys, hyper.nFf) }; // Mixtral has them
  },
  build(g, h) {
    const eps = h.rmsNormEps;
    const x = g.embed("token_embd", h.nVocab, h.nEmbd); // (n, nEmbd): the residual stream
    const angles = g.angles(ropeSettings(h), ropeFactors(g, h));
    const bias = "optional";
    for (const layer of g.layers(h.nLayers)) {
      g.add(x, attention(g, g.norm(x, layer("attn_norm"), eps), layer, h, { pairing: "adjacent", angles, bias }));
      const normed = g.norm(x, layer("ffn_norm"), eps);
      const { experts } = h;
      g.add(x, experts ? mixture(g, normed, layer, { ...h, experts }) : feedForward(g, normed, layer, h, { bias }));
    }
    logits(g, x, "output_norm", h);
  },
};
