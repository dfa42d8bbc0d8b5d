// Qwen 2 and 2.5 (arXiv:2412.15115): biases on queries, keys and values, and pairs half a head apart.

import type { Architecture } from "../architecture.ts";
import { HF_NAMES } from "../hf.ts";
import { basicKeys, expectLayerTypes, HF_DEFAULTS } from "../hf-keys.ts";
import { LLAMA_NAMES } from "../names.ts";
import {
  attention,
  feedForward,
  HARMLESS_KEYS,
  logits,
  type RopeHyper,
  readRopeHyper,
  ropeSettings,
} from "./common.ts";

export const qwen2: Architecture<RopeHyper> = {
  name: "qwen2",
  models: "Qwen 2 and 2.5, QwQ, DeepSeek-R1-Distill-Qwen",
  names: LLAMA_NAMES,
  hf: {
    classes: ["Qwen2ForCausalLM"],
    defaults: { "": HF_DEFAULTS, qwen2: { max_position_embeddings: 32768 } },
    names: HF_NAMES,
    tokenizer: { sentencePiece: "optional" },
    keys(c, k) {
      expectLayerTypes(c, () => "full_attention");
      basicKeys(c, k);
    },
  },
  harmlessKeys: HARMLESS_KEYS,
  hasSmallValues: ({ nLayers }) => nLayers === 80, // 72B
  readHyper: readRopeHyper,
  build(g, h) {
    const eps = h.rmsNormEps;
    const x = g.embed("token_embd", h.nVocab, h.nEmbd); // (n, nEmbd): the residual stream
    const angles = g.angles(ropeSettings(h));
    for (const layer of g.layers(h.nLayers)) {
      g.add(x, attention(g, g.norm(x, layer("attn_norm"), eps), layer, h, { pairing: "halves", angles }));
      g.add(x, feedForward(g, g.norm(x, layer("ffn_norm"), eps), layer, h));
    }
    logits(g, x, "output_norm", h, { bias: "optional" });
  },
};
