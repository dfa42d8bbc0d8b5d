// LLaMA (Touvron et al., arXiv:2302.13971): LLaMA 1 to 3, Mistral, and what was built after them.

import type { Architecture } from "../architecture.ts";
import { LLAMA_NAMES } from "../names.ts";
import {
  attentionScale,
  feedForward,
  HARMLESS_KEYS,
  logits,
  queryKeyValue,
  type RopeHyper,
  readRope,
  readSizes,
  ropeFactors,
  ropeSettings,
  toStream,
} from "./common.ts";

export const llama: Architecture<RopeHyper> = {
  name: "llama",
  names: LLAMA_NAMES,
  // files of Mistral 7B v0.1 have a window: llama.cpp does not read it either
  harmlessKeys: [...HARMLESS_KEYS, "attention.sliding_window", "attention.sliding_window_pattern"],
  unusedTensors: /^blk\.\d+\.attn_rot_embd$/, // inverse frequencies in early files: every reader computes them
  readHyper(keys) {
    const hyper = { ...readSizes(keys), ...readRope(keys) };
    keys.expect("rope.dimension_count", hyper.headDim);
    return hyper;
  },
  build(g, h) {
    const { headDim, rmsNormEps: eps } = h;
    const heads = g.axis("heads", h.nKvHeads);
    const x = g.embed("token_embd", h.nVocab, h.nEmbd); // (n, nEmbd): the residual stream
    const angles = g.angles(ropeSettings(h), ropeFactors(g, h));
    const bias = { bias: "optional" } as const;
    for (const layer of g.layers(h.nLayers)) {
      const [q, k, v] = g.project(g.norm(x, layer("attn_norm"), eps), ...queryKeyValue(g, layer, heads, h));
      g.rope(q, angles, headDim, "adjacent");
      g.rope(k, angles, headDim, "adjacent");
      const attended = g.attend({ q, k, v, headDim, scale: attentionScale(headDim) });
      g.add(x, toStream(g, attended, layer("attn_output"), h.nEmbd, bias));
      g.add(x, feedForward(g, g.norm(x, layer("ffn_norm"), eps), layer, h, bias));
    }
    logits(g, x, "output_norm", h);
  },
};
