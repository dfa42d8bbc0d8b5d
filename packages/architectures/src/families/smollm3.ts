// SmolLM 3: LLaMA without positions in every fourth layer (Yang et al., arXiv:2501.18795).

import type { Architecture } from "../architecture.ts";
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

export const smollm3: Architecture<RopeHyper> = {
  name: "smollm3",
  names: LLAMA_NAMES,
  harmlessKeys: HARMLESS_KEYS,
  readHyper: readRopeHyper,
  build(g, h) {
    const eps = h.rmsNormEps;
    const x = g.embed("token_embd", h.nVocab, h.nEmbd); // (n, nEmbd): the residual stream
    const turned = g.angles(ropeSettings(h));
    for (const layer of g.layers(h.nLayers)) {
      const angles = (layer.index + 1) % 4 === 0 ? undefined : turned;
      g.add(x, attention(g, g.norm(x, layer("attn_norm"), eps), layer, h, { pairing: "adjacent", angles }));
      g.add(x, feedForward(g, g.norm(x, layer("ffn_norm"), eps), layer, h));
    }
    logits(g, x, "output_norm", h);
  },
};
