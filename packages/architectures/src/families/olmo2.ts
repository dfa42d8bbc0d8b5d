// OLMo 2 (arXiv:2501.00656) and 3: norms only behind blocks, and of all queries and all keys together. In OLMo 3 most layers slide.

import type { Architecture } from "../architecture.ts";
import { HF_NAMES, HF_NORMS_BEHIND } from "../hf.ts";
import { basicKeys, expectLayerTypes, HF_DEFAULTS } from "../hf-keys.ts";
import { LLAMA_NAMES, perLayer } from "../names.ts";
import {
  attentionScale,
  feedForward,
  HARMLESS_KEYS,
  isSliding,
  readRopeHyper,
  readSliding,
  ropeSettings,
  type SlidingHyper,
  toStream,
} from "./common.ts";

export const olmo2: Architecture<SlidingHyper> = {
  name: "olmo2",
  models: "OLMo 2 and 3",
  names: [...LLAMA_NAMES, ...perLayer("attn_q_norm", "attn_k_norm", "post_attention_norm", "post_ffw_norm")],
  hf: {
    classes: ["Olmo2ForCausalLM", "Olmo3ForCausalLM"],
    defaults: {
      "": { ...HF_DEFAULTS, rms_norm_eps: 1e-5 },
      olmo3: { sliding_window: 4096 },
    },
    names: { ...HF_NAMES, ...HF_NORMS_BEHIND },
    tokenizer: { sentencePiece: "never" },
    keys(c, k) {
      basicKeys(c, k);
      if (!c.has("sliding_window")) return expectLayerTypes(c, () => "full_attention");
      const types = c.has("layer_types") ? c.texts("layer_types") : undefined;
      const slides = (i: number): boolean =>
        types === undefined ? (i + 1) % 4 !== 0 : types[i] === "sliding_attention";
      k.u32("attention.sliding_window", c.count("sliding_window"));
      k.flags(
        "attention.sliding_window_pattern",
        Array.from({ length: c.count("num_hidden_layers") }, (_, i) => slides(i)),
      );
    },
  },
  harmlessKeys: HARMLESS_KEYS,
  readHyper: (keys) => ({ ...readRopeHyper(keys), ...readSliding(keys, 4) }),
  build(g, h) {
    const { nHeads, nKvHeads, headDim, rmsNormEps: eps } = h;
    const heads = g.axis("heads", nKvHeads);
    const x = g.embed("token_embd", h.nVocab, h.nEmbd); // (n, nEmbd): the residual stream
    const stretched = g.angles(ropeSettings(h));
    const { ropeScaling: _, ...plain } = { ...h, ropeFreqScale: 1 }; // layers that slide never look far
    for (const layer of g.layers(h.nLayers)) {
      const slides = isSliding(h, layer.index);
      const [q, k, v] = g.project(
        x,
        { name: layer("attn_q"), rows: nHeads * headDim, axis: heads },
        { name: layer("attn_k"), rows: nKvHeads * headDim, axis: heads },
        { name: layer("attn_v"), rows: nKvHeads * headDim, axis: heads },
      );
      const angles = slides ? g.angles(ropeSettings(plain)) : stretched;
      const normed = {
        q: g.rope(g.cut(g.norm(q, layer("attn_q_norm"), eps), heads), angles, headDim, "halves"),
        k: g.rope(g.cut(g.norm(k, layer("attn_k_norm"), eps), heads), angles, headDim, "halves"),
      };
      const window = slides ? h.window : undefined;
      const attended = g.attend({ ...normed, v, headDim, scale: attentionScale(headDim), window });
      g.add(x, g.norm(toStream(g, attended, layer("attn_output"), h.nEmbd), layer("post_attention_norm"), eps));
      g.add(x, g.norm(feedForward(g, x, layer, h), layer("post_ffw_norm"), eps));
    }
    g.logits(g.norm(g.select(x), "output_norm", eps), "output", h.nVocab);
  },
};
