// gpt-oss (arXiv:2508.10925): experts in every layer, biases everywhere, sinks of attention; every other layer slides.

import type { Architecture } from "../architecture.ts";
import { everySecond, HF_NAMES, type HfPart } from "../hf.ts";
import { basicKeys, expectLayerTypes, expectNumber, HF_DEFAULTS } from "../hf-keys.ts";
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

/** Rows of the gate and of what it opens for take turns; matrices are MXFP4 blocks in two tensors, or lie on their sides. */
function expertParts(name: string): readonly HfPart[] | undefined {
  const [, layer, matrix, kind] =
    /^model\.layers\.(\d+)\.mlp\.experts\.(gate_up_proj|down_proj)(_blocks|_scales|_bias|)$/.exec(name) ?? [];
  if (layer === undefined) return undefined;
  const ending = kind === "_bias" ? "bias" : "weight";
  const both = {
    ...(kind === "_blocks" ? { mxfp4: "nibbles" as const } : kind === "_scales" ? { mxfp4: "exponents" as const } : {}),
    ...(kind === "" ? { isTransposed: true } : {}),
  };
  const part = (role: string, own: Pick<HfPart, "rows" | "columns">): HfPart => ({
    name: `blk.${layer}.${role}.${ending}`,
    ...both,
    ...own,
  });
  if (matrix === "down_proj") return [part("ffn_down_exps", {})];
  const turns = (i: number) => (kind === "_bias" ? { columns: everySecond(i) } : { rows: everySecond(i) });
  return [part("ffn_gate_exps", turns(0)), part("ffn_up_exps", turns(1))];
}

export const gptOss: Architecture<GptOssHyper> = {
  name: "gpt-oss",
  models: "gpt-oss 20B and 120B",
  names: [...LLAMA_NAMES, ...perLayer("attn_sinks", "post_attention_norm")],
  hf: {
    classes: ["GptOssForCausalLM"],
    defaults: {
      "": { ...HF_DEFAULTS, head_dim: 64, rms_norm_eps: 1e-5, rope_theta: 150000, sliding_window: 128 },
    },
    names: {
      ...HF_NAMES,
      post_attention_layernorm: "post_attention_norm",
      "mlp.router": "ffn_gate_inp",
      "self_attn.sinks": "attn_sinks.weight",
    },
    tokenizer: { sentencePiece: "never" },
    quantMethods: ["mxfp4"],
    parts: expertParts,
    keys(c, k) {
      expectLayerTypes(c, (i) => (i % 2 === 0 ? "sliding_attention" : "full_attention"));
      expectNumber(c, "swiglu_limit", 7);
      basicKeys(c, k);
      k.u32("attention.sliding_window", c.count("sliding_window"));
      k.u32("expert_feed_forward_length", c.count("intermediate_size"));
    },
  },
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
