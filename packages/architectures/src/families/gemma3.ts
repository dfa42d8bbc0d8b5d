// Gemma 3 (arXiv:2503.19786), text: Gemma 2 with norms of heads instead of a cap on scores; five of six layers slide.

import type { Architecture } from "../architecture.ts";
import { changeNorms, HF_NAMES, HF_NORMS_BEHIND } from "../hf.ts";
import { basicKeys, expectLayerTypes, expectNumber, HF_DEFAULTS } from "../hf-keys.ts";
import { perLayer } from "../names.ts";
import { HARMLESS_KEYS, isSliding, logits, readPositive, readRopeHyper, readSliding, ropeSettings } from "./common.ts";
import {
  expectQueryScalar,
  GEMMA_NAMES,
  type GemmaHyper,
  gemmaEmbedding,
  gemmaLayer,
  queryScale,
  readSoftCap,
} from "./gemma2.ts";

export const gemma3: Architecture<GemmaHyper> = {
  name: "gemma3",
  models: "Gemma 3, MedGemma, TranslateGemma, FunctionGemma; text",
  names: [...GEMMA_NAMES, ...perLayer("attn_q_norm", "attn_k_norm")],
  hf: {
    classes: ["Gemma3ForCausalLM", "Gemma3ForConditionalGeneration"],
    defaults: {
      "": {
        ...HF_DEFAULTS,
        head_dim: 256,
        num_attention_heads: 8,
        num_key_value_heads: 4,
        max_position_embeddings: 131072,
        sliding_window: 4096,
        vocab_size: 262208,
        rope_theta: 1e6,
        rope_local_base_freq: 1e4,
      },
    },
    names: { ...HF_NAMES, ...HF_NORMS_BEHIND },
    activation: "gelu_pytorch_tanh",
    tokenizer: { sentencePiece: "optional", spacePrefix: "never" },
    knownFields: ["final_logit_softcapping", "query_pre_attn_scalar"],
    change(role, _c, nTokens) {
      // rows behind the vocabulary are of no token
      if (role === "token_embd.weight") return { rows: (n) => ({ n: Math.min(n, nTokens), from: (row) => row }) };
      return changeNorms(role);
    },
    keys(c, k) {
      expectLayerTypes(c, (i) => ((i + 1) % 6 === 0 ? "full_attention" : "sliding_attention"));
      expectQueryScalar(c, 62);
      const pattern = c.has("sliding_window_pattern") ? c.count("sliding_window_pattern") : 6;
      if (pattern !== 1) expectNumber(c, "sliding_window_pattern", 6);
      basicKeys(c, k);
      if (pattern !== 1) k.u32("attention.sliding_window", c.count("sliding_window"));
      const cap = c.has("final_logit_softcapping") ? c.float("final_logit_softcapping") : 0;
      if (cap !== 0) k.f32("final_logit_softcapping", cap);
    },
  },
  harmlessKeys: HARMLESS_KEYS,
  readHyper(keys) {
    const hyper = readRopeHyper(keys);
    return {
      ...hyper,
      ...readSliding(keys, 6),
      slidingFreqBase: readPositive(keys, "rope.freq_base_swa", 10000),
      queryScale: queryScale(hyper, 62),
      finalSoftCap: readSoftCap(keys, "final_logit_softcapping", 0),
    };
  },
  build(g, h) {
    const x = gemmaEmbedding(g, h);
    const full = g.angles(ropeSettings(h));
    const { ropeScaling: _, ...plain } = { ...h, ropeFreqScale: 1 }; // layers that slide never look far
    const sliding = g.angles(ropeSettings(plain, h.slidingFreqBase));
    for (const layer of g.layers(h.nLayers)) {
      const slides = isSliding(h, layer.index);
      gemmaLayer(g, x, layer, h, {
        pairing: "halves",
        angles: slides ? sliding : full,
        scale: h.queryScale,
        hasHeadNorms: true,
        window: slides ? h.window : undefined,
      });
    }
    logits(g, x, "output_norm", h, { softCap: h.finalSoftCap });
  },
};
