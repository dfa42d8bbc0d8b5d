// gpt-oss (arXiv:2508.10925): experts in every layer, biases everywhere, sinks of attention; every other layer slides.

import type { Architecture } from "../architecture.ts";
import { LLAMA_NAMES, perLayer } from "../names.ts";
import {
  attention,
  HARMLESS_KEYS,
  isSliding,
  readRopeHyper,
  readSizes,
  readSliding,
  ropeSettings,
  type SlidingHyper,
} from "./common.ts";
import { type MixtureHyper, mixture, readExperts } from "./experts.ts";

export interface GptOssHyper extends SlidingHyper, MixtureHyper {
  /** θ of layers that slide. */
  readonly slidingFreqBase: number;
}

export const gptOss: Architecture<GptOssHyper> = {
  name: "gpt-oss",
  names: [...LLAMA_NAMES, ...perLayer("attn_sinks", "post_attention_norm")],
  harmlessKeys: HARMLESS_KEYS,
  readHyper(keys) {
    const nExpertFf = keys.count("expert_feed_forward_length");
    const nFf = keys.count("feed_forward_length", 0) || nExpertFf; // there is no dense block
    const hyper = readRopeHyper(keys, readSizes(keys, { nFf }));
    return {
      ...hyper,
      ...readSliding(keys, 2),
      window: keys.count("attention.sliding_window"),
      slidingFreqBase: keys.float("rope.freq_base_swa", hyper.ropeFreqBase),
      experts: readExperts(keys, nExpertFf),
    };
  },
  build(g, h) {
    const eps = h.rmsNormEps;
    const x = g.embed("token_embd", h.nVocab, h.nEmbd); // (n, nEmbd): the residual stream
    const [full, sliding] = [g.angles(ropeSettings(h)), g.angles(ropeSettings(h, h.slidingFreqBase))];
    const block = {
      routing: { scores: "softmax of chosen", isNormalised: false },
      activation: "clamped swiglu",
      bias: "required",
    } as const;
    for (const [i, layer] of [...g.layers(h.nLayers)].entries()) {
      const slides = isSliding(h, i);
      const attended = attention(g, g.norm(x, layer("attn_norm"), eps), layer, h, {
        pairing: "halves",
        angles: slides ? sliding : full,
        window: slides ? h.window : undefined,
        sinks: layer("attn_sinks"),
        bias: "optional",
      });
      g.add(x, attended);
      // the name says what it stands behind: it is the norm in front of the experts
      g.add(x, mixture(g, g.norm(x, layer("post_attention_norm"), eps), layer, h, block));
    }
    g.logits(g.norm(g.select(x), "output_norm", eps), "output", h.nVocab);
  },
};
