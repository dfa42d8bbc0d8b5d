// Granite 3 and 4, dense and with experts: LLaMA with factors on embeddings, scores, what blocks add, and logits.

import type { Architecture, KeyReader } from "../architecture.ts";
import type { Value } from "../graph.ts";
import type { GraphBuilder } from "../graph-builder.ts";
import type { Layer } from "../graph-specs.ts";
import { changePairs, HF_NAMES, type HfFamily } from "../hf.ts";
import { basicKeys, HF_DEFAULTS, vocabAndRotaryKeys } from "../hf-keys.ts";
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
import { type MixtureHyper, mixture, readExperts, sharedExpert } from "./experts.ts";

/** Factors; 0 where there is none. */
export interface GraniteHyper extends RopeHyper {
  readonly embeddingScale: number;
  readonly attentionScale: number;
  readonly residualScale: number;
  /** Logits are divided by it. */
  readonly logitScale: number;
  readonly isRotated: boolean;
}

function readGraniteHyper(keys: KeyReader): GraniteHyper {
  const hyper = {
    ...readRopeHyper(keys),
    embeddingScale: keys.float("embedding_scale", 0),
    attentionScale: keys.float("attention.scale", 0),
    residualScale: keys.float("residual_scale", 0),
    logitScale: keys.float("logit_scale"),
    isRotated: keys.flag("rope.scaling.finetuned", true),
  };
  if (hyper.logitScale === 0) keys.refuse("logit_scale", "a number by which logits can be divided");
  return hyper;
}

const MULTIPLIERS = ["attention_multiplier", "embedding_multiplier", "residual_multiplier", "logits_scaling"] as const;
const MULTIPLIER_KEYS = ["attention.scale", "embedding_scale", "residual_scale", "logit_scale"] as const;

const hf: HfFamily = {
  classes: ["GraniteForCausalLM"],
  defaults: { "": { ...HF_DEFAULTS, ...Object.fromEntries(MULTIPLIERS.map((name) => [name, 1])) } },
  names: HF_NAMES,
  unused: /image_/,
  tokenizer: { sentencePiece: "optional", spacePrefix: "as configured" },
  knownFields: MULTIPLIERS,
  change: changePairs,
  keys(c, k) {
    basicKeys(c, k, { headDim: undefined });
    vocabAndRotaryKeys(c, k, Math.floor(c.count("hidden_size") / c.count("num_attention_heads")));
    for (const [i, name] of MULTIPLIERS.entries()) {
      if (c.float(name) !== 0) k.f32(MULTIPLIER_KEYS[i] as string, c.float(name));
    }
  },
};

export const granite: Architecture<GraniteHyper> = {
  name: "granite",
  models: "Granite 3 and 4, dense",
  names: LLAMA_NAMES,
  hf,
  harmlessKeys: HARMLESS_KEYS,
  readHyper: readGraniteHyper,
  build(g, h) {
    record(g, h, (x, layer) => feedForward(g, x, layer, h, { bias: "optional" }));
  },
};

export interface GraniteMoeHyper extends GraniteHyper, MixtureHyper {
  /** Channels of the block that all tokens go through besides; 0: there is none. */
  readonly nSharedFf: number;
}

export const granitemoe: Architecture<GraniteMoeHyper> = {
  ...granite,
  name: "granitemoe",
  models: "Granite 3 and 4 with experts",
  hf: {
    ...hf,
    classes: ["GraniteMoeForCausalLM", "GraniteMoeSharedForCausalLM"],
    names: {
      ...HF_NAMES,
      "block_sparse_moe.router.layer": "ffn_gate_inp",
      "block_sparse_moe.input_linear": ["ffn_gate_exps", "ffn_up_exps"],
      "block_sparse_moe.output_linear": "ffn_down_exps",
      "shared_mlp.input_linear": ["ffn_gate_shexp", "ffn_up_shexp"],
      "shared_mlp.output_linear": "ffn_down_shexp",
    },
    keys(c, k) {
      hf.keys(c, k);
      const nShared = c.has("shared_intermediate_size") ? c.count("shared_intermediate_size") : 0;
      if (nShared > 0) k.u32("expert_shared_feed_forward_length", nShared);
    },
  },
  readHyper(keys) {
    const hyper = readGraniteHyper(keys);
    const nSharedFf = keys.count("expert_shared_feed_forward_length", 0);
    return { ...hyper, experts: readExperts(keys, hyper.nFf), nSharedFf };
  },
  build(g, h) {
    record(g, h, (x, layer) => {
      const mixed = mixture(g, x, layer, h);
      if (h.nSharedFf === 0) return mixed;
      return g.add(mixed, sharedExpert(g, x, layer, { ...h, nFf: h.nSharedFf }));
    });
  },
};

function record(g: GraphBuilder, h: GraniteHyper, block: (x: Value, layer: Layer) => Value): void {
  const { rmsNormEps: eps, residualScale } = h;
  const bias = "optional";
  const x = g.embed("token_embd", h.nVocab, h.nEmbd); // (n, nEmbd): the residual stream
  if (h.embeddingScale !== 0) g.scale(x, h.embeddingScale);
  const angles = h.isRotated ? g.angles(ropeSettings(h), ropeFactors(g, h)) : undefined;
  const scale = h.attentionScale === 0 ? {} : { scale: h.attentionScale };
  for (const layer of g.layers(h.nLayers)) {
    const normed = g.norm(x, layer("attn_norm"), eps);
    const attended = attention(g, normed, layer, h, { pairing: "adjacent", angles, bias, ...scale });
    g.add(x, residualScale === 0 ? attended : g.scale(attended, residualScale));
    const fed = block(g.norm(x, layer("ffn_norm"), eps), layer);
    g.add(x, residualScale === 0 ? fed : g.scale(fed, residualScale));
  }
  logits(g, x, "output_norm", h, { factor: Math.fround(1 / h.logitScale) });
}
