// SmolLM 3: LLaMA without positions in every fourth layer (Yang et al., arXiv:2501.18795).

import type { Architecture } from "../architecture.ts";
import { changePairs, HF_NAMES } from "../hf.ts";
import { basicKeys, expectLayerTypes, HF_DEFAULTS, vocabAndRotaryKeys } from "../hf-keys.ts";
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
  models: "SmolLM 3",
  names: LLAMA_NAMES,
  hf: {
    classes: ["SmolLM3ForCausalLM"],
    defaults: { "": HF_DEFAULTS, smollm3: { num_key_value_heads: 4, rope_theta: 2e6 } },
    names: HF_NAMES,
    tokenizer: { sentencePiece: "optional", spacePrefix: "as configured" },
    change: changePairs,
    keys(c, k) {
      expectLayerTypes(c, () => "full_attention");
      if (c.has("no_rope_layers")) {
        const isWrong = c.numbers("no_rope_layers").some((isRotated, i) => isRotated !== Number((i + 1) % 4 !== 0));
        if (isWrong) c.refuse("no_rope_layers", "0 for every fourth layer, 1 for the others");
      }
      basicKeys(c, k);
      vocabAndRotaryKeys(c, k);
    },
  },
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
