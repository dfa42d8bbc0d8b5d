// Phi 3 and 4 (arXiv:2404.14219): matrices that are several in one, and in models for long texts angles that depend on how much the
// context has room for.

import type { Architecture } from "../architecture.ts";
import { HF_NAMES, type HfConfig, type HfMadeTensor, hfKvHeads } from "../hf.ts";
import { HF_DEFAULTS, hfRope } from "../hf-keys.ts";
import { LLAMA_NAMES, perLayer } from "../names.ts";
import {
  attention,
  HARMLESS_KEYS,
  logits,
  longFactors,
  type RopeHyper,
  readOriginalTokens,
  readRopeHyper,
  ropeSettings,
  toStream,
} from "./common.ts";

interface Phi3Hyper extends RopeHyper {
  /** Positions of a context up to which the short factors hold. */
  readonly originalTokens: number;
}

function rotatedChannels(c: HfConfig): number {
  const { partialFactor = 1 } = hfRope(c);
  return Math.floor(Math.trunc(partialFactor * c.count("hidden_size")) / c.count("num_attention_heads"));
}

/** Factor on cosines and sines of a context that was stretched. */
function stretchFactor(c: HfConfig): number {
  const { type, originalTokens = 0 } = hfRope(c);
  const scale = c.count("max_position_embeddings") / originalTokens;
  if (type === "yarn") return scale > 1 ? 0.1 * Math.log(scale) + 1 : 1;
  if (type !== "longrope" && type !== "su") return c.refuse("rope_scaling", "longrope, su or yarn");
  return scale > 1 ? Math.sqrt(1 + Math.log(scale) / Math.log(originalTokens)) : 1;
}

function longFactorTensors(c: HfConfig): HfMadeTensor[] {
  const { full } = hfRope(c);
  if (!full?.has("long_factor")) return [];
  return (["long", "short"] as const).map((which) => {
    const values = Float32Array.from(full.numbers(`${which}_factor`));
    const n = rotatedChannels(c) / 2;
    if (values.length !== n) c.refuse("rope_scaling", `${n} factors of each kind`);
    return { name: `rope_factors_${which}.weight`, values };
  });
}

export const phi3: Architecture<Phi3Hyper> = {
  name: "phi3",
  models: "Phi-3, Phi-3.5 mini, Phi-4, Phi-4-mini",
  names: [...LLAMA_NAMES, ...perLayer("attn_qkv")],
  hf: {
    classes: ["Phi3ForCausalLM"],
    defaults: {
      "": {
        ...HF_DEFAULTS,
        rms_norm_eps: 1e-5,
        original_max_position_embeddings: 4096,
        max_position_embeddings: 4096,
        partial_rotary_factor: 1,
      },
    },
    names: { ...HF_NAMES, "self_attn.qkv_proj": "attn_qkv", "mlp.gate_up_proj": "ffn_up" },
    tokenizer: { sentencePiece: "required", keepsAddedTokens: true },
    made: longFactorTensors,
    keys(c, k) {
      const { theta, originalTokens = 0, full } = hfRope(c);
      if (full?.has("long_factor")) k.f32("rope.scaling.attn_factor", stretchFactor(c));
      k.u32("context_length", c.count("max_position_embeddings"));
      k.u32("rope.scaling.original_context_length", originalTokens);
      k.u32("embedding_length", c.count("hidden_size"));
      k.u32("feed_forward_length", c.count("intermediate_size"));
      k.u32("block_count", c.count("num_hidden_layers"));
      k.u32("attention.head_count", c.count("num_attention_heads"));
      k.u32("attention.head_count_kv", hfKvHeads(c));
      k.f32("attention.layer_norm_rms_epsilon", c.float("rms_norm_eps"));
      k.u32("rope.dimension_count", rotatedChannels(c));
      k.f32("rope.freq_base", theta);
      k.u32("attention.sliding_window", c.has("sliding_window") ? c.count("sliding_window") : 0);
    },
  },
  // files of Phi 3 have a window: llama.cpp does not apply it either
  harmlessKeys: [...HARMLESS_KEYS, "attention.sliding_window", "attention.sliding_window_pattern"],
  readHyper: (keys) => ({ ...readRopeHyper(keys), originalTokens: readOriginalTokens(keys) }),
  build(g, h) {
    const { nFf, rmsNormEps: eps } = h;
    const inner = g.rows("inner channels", nFf);
    const x = g.embed("token_embd", h.nVocab, h.nEmbd); // (n, nEmbd): the residual stream
    const angles = g.angles(ropeSettings(h), longFactors(g, h.originalTokens));
    for (const layer of g.layers(h.nLayers)) {
      g.add(x, attention(g, g.norm(x, layer("attn_norm"), eps), layer, h, { pairing: "halves", angles }));
      const name = layer("ffn_up"); // the rows of the gate, then those of what it opens for
      const [gate, up] = g.project(
        g.norm(x, layer("ffn_norm"), eps),
        { name, rows: nFf, axis: inner, fused: { first: 0, of: 2 * nFf } },
        { name, rows: nFf, axis: inner, fused: { first: nFf, of: 2 * nFf } },
      );
      g.add(x, toStream(g, g.gate("silu", gate, up), layer("ffn_down"), h.nEmbd));
    }
    logits(g, x, "output_norm", h);
  },
};
