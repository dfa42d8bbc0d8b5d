// Qwen 3 (arXiv:2505.09388), dense: a norm of every head before it is rotated, and pairs half a head apart.

import type { Architecture } from "../architecture.ts";
import { LLAMA_NAMES, perLayer } from "../names.ts";
import {
  attention,
  feedForward,
  HARMLESS_KEYS,
  logits,
  type RopeHyper,
  readRopeHyper,
  ropeSettings,
} from "./common.ts";

export const qwen3: Architecture<RopeHyper> = {
  name: "qwen3",
  names: [...LLAMA_NAMES, ...perLayer("attn_q_norm", "attn_k_norm")],
  harmlessKeys: HARMLESS_KEYS,
  readHyper: readRopeHyper,
  build(g, h) {
    const eps = h.rmsNormEps;
    const x = g.embed("token_embd", h.nVocab, h.nEmbd); // (n, nEmbd): the residual stream
    const angles = g.angles(ropeSettings(h));
    for (const layer of g.layers(h.nLayers)) {
      const normed = g.norm(x, layer("attn_norm"), eps);
      g.add(x, attention(g, normed, layer, h, { pairing: "halves", angles, hasHeadNorms: true }));
      g.add(x, feedForward(g, g.norm(x, layer("ffn_norm"), eps), layer, h));
    }
    logits(g, x, "output_norm", h);
  },
};
