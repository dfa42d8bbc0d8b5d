// Gemma 3 (arXiv:2503.19786), text: Gemma 2 with norms of heads instead of a cap on scores; five of six layers slide.

import type { Architecture } from "../architecture.ts";
import { perLayer } from "../names.ts";
import { HARMLESS_KEYS, isSliding, logits, readPositive, readRopeHyper, readSliding, ropeSettings } from "./common.ts";
import { GEMMA_NAMES, type GemmaHyper, gemmaEmbedding, gemmaLayer, queryScale, readSoftCap } from "./gemma2.ts";

export const gemma3: Architecture<GemmaHyper> = {
  name: "gemma3",
  names: [...GEMMA_NAMES, ...perLayer("attn_q_norm", "attn_k_norm")],
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
