// Granite 3 and 4, dense and with experts: LLaMA with factors on embeddings, scores, what blocks add, and logits.

import type { Architecture, KeyReader } from "../architecture.ts";
import type { Value } from "../graph.ts";
import type { GraphBuilder } from "../graph-builder.ts";
import type { Layer } from "../graph-specs.ts";
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

export const granite: Architecture<GraniteHyper> = {
  name: "granite",
  names: LLAMA_NAMES,
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
