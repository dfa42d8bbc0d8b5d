// LLaMA (Touvron et al., arXiv:2302.13971): LLaMA 1 to 3, Mistral, and what was built after them.

import type { Architecture } from "../architecture.ts";
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
  names: LLAMA_NAMES,
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
