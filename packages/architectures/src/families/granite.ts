// Granite 3 and 4, dense: LLaMA with factors on embeddings, scores, what blocks add, and logits.

import type { Architecture, KeyReader } from "../architecture.ts";
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

/** Factors; 0 where there is none. */
export interface GraniteHyper extends RopeHyper {
  readonly embeddingScale: number;
  readonly attentionScale: number;
  readonly residualScale: number;
  /** Logits are divided by it. */
  readonly logitScale: number;
  readonly isRotated: boolean;
}

export function readGraniteHyper(keys: KeyReader): GraniteHyper {
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
      const fed = feedForward(g, g.norm(x, layer("ffn_norm"), eps), layer, h, { bias });
      g.add(x, residualScale === 0 ? fed : g.scale(fed, residualScale));
    }
    logits(g, x, "output_norm", h, { factor: Math.fround(1 / h.logitScale) });
  },
};
