// Qwen 3 (arXiv:2505.09388), dense: a norm of every head before it is rotated, and pairs half a head apart.

import type { Architecture } from "../architecture.ts";
import { LLAMA_NAMES, perLayer } from "../names.ts";
import {
  attentionScale,
  feedForward,
  HARMLESS_KEYS,
  logits,
  queryKeyValue,
  type RopeHyper,
  readRopeHyper,
  ropeSettings,
  toStream,
} from "./common.ts";

export const qwen3: Architecture<RopeHyper> = {
  name: "qwen3",
  names: [...LLAMA_NAMES, ...perLayer("attn_q_norm", "attn_k_norm")],
  harmlessKeys: HARMLESS_KEYS,
  readHyper: readRopeHyper,
  build(g, h) {
    const { headDim, rmsNormEps: eps } = h;
    const heads = g.axis("heads", h.nKvHeads);
    const x = g.embed("token_embd", h.nVocab, h.nEmbd); // (n, nEmbd): the residual stream
    const angles = g.angles(ropeSettings(h));
    for (const layer of g.layers(h.nLayers)) {
      const [q, k, v] = g.project(g.norm(x, layer("attn_norm"), eps), ...queryKeyValue(g, layer, heads, h));
      g.rope(g.headNorm(q, layer("attn_q_norm"), headDim, eps), angles, headDim, "halves");
      g.rope(g.headNorm(k, layer("attn_k_norm"), headDim, eps), angles, headDim, "halves");
      const attended = g.attend({ q, k, v, headDim, scale: attentionScale(headDim) });
      g.add(x, toStream(g, attended, layer("attn_output"), h.nEmbd));
      g.add(x, feedForward(g, g.norm(x, layer("ffn_norm"), eps), layer, h));
    }
    logits(g, x, "output_norm", h);
  },
};
