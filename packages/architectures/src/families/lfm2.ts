// LFM2 (Liquid AI, arXiv:2511.23404), dense and with experts: most layers have a short gated convolution in the place of attention.

import type { Architecture, KeyReader } from "../architecture.ts";
import type { Value } from "../graph.ts";
import type { GraphBuilder } from "../graph-builder.ts";
import type { Layer } from "../graph-specs.ts";
import { HF_NAMES, type HfConfig, type HfFamily, type HfKeys, hfKvHeads } from "../hf.ts";
import { basicKeys, HF_DEFAULTS } from "../hf-keys.ts";
import { LLAMA_NAMES, perLayer } from "../names.ts";
import {
  attention,
  feedForward,
  HARMLESS_KEYS,
  logits,
  type RopeHyper,
  readRopeHyper,
  readSizes,
  ropeSettings,
  toStream,
} from "./common.ts";
import { type MixtureHyper, type MixtureOptions, mixture, readExperts } from "./experts.ts";

export interface Lfm2Hyper extends RopeHyper {
  /** Key heads of each layer; 0: a convolution. */
  readonly layerKvHeads: readonly number[];
  /** Tokens that a convolution sees. */
  readonly nTaps: number;
  readonly window?: number;
}

export interface Lfm2MoeHyper extends Lfm2Hyper, MixtureHyper {
  /** The first layers, which have no experts. */
  readonly nDenseLayers: number;
  readonly routing: NonNullable<MixtureOptions["routing"]>["scores"];
}

const hf: HfFamily = {
  classes: ["Lfm2ForCausalLM"],
  defaults: {
    "": {
      ...HF_DEFAULTS,
      norm_eps: 1e-5,
      rope_theta: 1e6,
      max_position_embeddings: 128000,
      conv_L_cache: 3,
      block_multiple_of: 256,
      block_auto_adjust_ff_dim: true,
      block_ffn_dim_multiplier: 1,
    },
  },
  names: {
    ...HF_NAMES,
    operator_norm: "attn_norm",
    ffn_norm: "ffn_norm",
    "self_attn.out_proj": "attn_output",
    "self_attn.q_layernorm": "attn_q_norm",
    "self_attn.k_layernorm": "attn_k_norm",
    "conv.in_proj": "shortconv.in_proj",
    "conv.conv": "shortconv.conv",
    "conv.out_proj": "shortconv.out_proj",
    "feed_forward.w1": "ffn_gate",
    "feed_forward.w2": "ffn_down",
    "feed_forward.w3": "ffn_up",
    "model.embedding_norm": "token_embd_norm",
  },
  unused: /audio|codebook|conformer|depth_/,
  tokenizer: { sentencePiece: "never" },
  change: (role) => ({ isFlat: role.endsWith(".shortconv.conv.weight") }),
  keys(c, k) {
    writeKeys(c, k);
    let nFf = c.count(c.has("block_ff_dim") ? "block_ff_dim" : "intermediate_size");
    if (c.flag("block_auto_adjust_ff_dim")) {
      const multiple = c.count("block_multiple_of");
      nFf = Math.trunc(c.float("block_ffn_dim_multiplier") * Math.trunc((2 * nFf) / 3));
      nFf = Math.ceil(nFf / multiple) * multiple;
    }
    k.u32("feed_forward_length", nFf);
  },
};

function writeKeys(c: HfConfig, k: HfKeys): void {
  basicKeys(c, k);
  const types = c.texts("layer_types");
  k.i32s(
    "attention.head_count_kv",
    types.map((type) => (type === "conv" ? 0 : hfKvHeads(c))),
  );
  k.u32("vocab_size", c.count("vocab_size"));
  k.u32("shortconv.l_cache", c.count("conv_L_cache"));
}

export const lfm2: Architecture<Lfm2Hyper> = {
  name: "lfm2",
  models: "LFM2 and LFM2.5, dense: short convolutions, attention in few layers",
  hf,
  names: [
    ...LLAMA_NAMES.filter(({ gguf }) => gguf !== "output_norm"),
    { gguf: "token_embd_norm", inLayers: false },
    ...perLayer("attn_q_norm", "attn_k_norm", "shortconv.in_proj", "shortconv.conv", "shortconv.out_proj"),
  ],
  harmlessKeys: HARMLESS_KEYS,
  readHyper,
  build(g, h) {
    record(g, h, (x, layer) => feedForward(g, x, layer, h));
  },
};

export const lfm2moe: Architecture<Lfm2MoeHyper> = {
  ...lfm2,
  name: "lfm2moe",
  models: "LFM2 with experts: 8B-A1B",
  hf: {
    ...hf,
    classes: ["Lfm2MoeForCausalLM"],
    names: {
      ...hf.names,
      "feed_forward.gate": "ffn_gate_inp",
      "feed_forward.experts.*.w1": "ffn_gate_exps",
      "feed_forward.experts.*.w2": "ffn_down_exps",
      "feed_forward.experts.*.w3": "ffn_up_exps",
      "feed_forward.expert_bias": "exp_probs_b.bias",
    },
    keys(c, k) {
      writeKeys(c, k);
      k.u32("expert_feed_forward_length", c.count("moe_intermediate_size"));
      k.u32("leading_dense_block_count", c.count("num_dense_layers"));
      k.u32("expert_gating_func", 2); // the sigmoid
    },
  },
  harmlessKeys: [...HARMLESS_KEYS, "expert_weights_norm", "expert_weights_scale"], // llama.cpp does not read them either
  readHyper(keys) {
    const gating = keys.count("expert_gating_func");
    if (gating !== 1 && gating !== 2) keys.refuse("expert_gating_func", "1 for softmax, or 2 for sigmoid");
    return {
      ...readHyper(keys),
      experts: readExperts(keys, keys.count("expert_feed_forward_length")),
      nDenseLayers: keys.count("leading_dense_block_count", 0),
      routing: gating === 1 ? "softmax" : "sigmoid",
    };
  },
  build(g, h) {
    record(g, h, (x, layer) => {
      if (layer.index < h.nDenseLayers) return feedForward(g, x, layer, h);
      const bias = g.has(`${layer("exp_probs_b")}.bias`) ? { bias: layer("exp_probs_b") } : {};
      return mixture(g, x, layer, h, { routing: { scores: h.routing, isNormalised: true, ...bias } });
    });
  },
};

function readHyper(keys: KeyReader): Lfm2Hyper {
  const layerKvHeads = keys.perLayer("attention.head_count_kv", keys.count("block_count"));
  const hyper = readRopeHyper(keys, readSizes(keys, { nKvHeads: Math.max(1, ...layerKvHeads) }));
  keys.expect("rope.dimension_count", hyper.headDim);
  if (!layerKvHeads.every((n) => n === 0 || (n > 0 && hyper.nHeads % n === 0))) {
    keys.refuse("attention.head_count_kv", `0 or a divisor of the ${hyper.nHeads} heads for each layer`);
  }
  const nTaps = keys.count("shortconv.l_cache");
  if (nTaps < 1) keys.refuse("shortconv.l_cache", "at least 1");
  const window = keys.count("attention.sliding_window", 0);
  return { ...hyper, layerKvHeads, nTaps, ...(window > 0 ? { window } : {}) };
}

function record(g: GraphBuilder, h: Lfm2Hyper, block: (x: Value, layer: Layer) => Value): void {
  const eps = h.rmsNormEps;
  const x = g.embed("token_embd", h.nVocab, h.nEmbd); // (n, nEmbd): the residual stream
  const angles = g.angles(ropeSettings(h));
  for (const layer of g.layers(h.nLayers)) {
    const normed = g.norm(x, layer("attn_norm"), eps);
    const nKvHeads = h.layerKvHeads[layer.index] ?? 0;
    const options = { pairing: "halves", angles, hasHeadNorms: true, window: h.window } as const;
    g.add(
      x,
      nKvHeads === 0 ? convolution(g, normed, layer, h) : attention(g, normed, layer, { ...h, nKvHeads }, options),
    );
    g.add(x, block(g.norm(x, layer("ffn_norm"), eps), layer));
  }
  logits(g, x, "token_embd_norm", h);
}

/** out · (c ⊙ convolved(b ⊙ u)), where b, c and u are one product of the input. */
function convolution(g: GraphBuilder, x: Value, layer: Layer, { nEmbd: rows, nTaps }: Lfm2Hyper): Value {
  const piece = (i: number) => ({
    name: layer("shortconv.in_proj"),
    rows,
    axis: g.rows("channels", rows),
    fused: { first: i * rows, of: 3 * rows },
  });
  const [b, c, u] = g.project(x, piece(0), piece(1), piece(2));
  const convolved = g.convolve(g.gate("none", b, u), layer("shortconv.conv"), nTaps);
  return toStream(g, g.gate("none", convolved, c), layer("shortconv.out_proj"), rows);
}
