// Phi 3 and 4 (arXiv:2404.14219): matrices that are several in one, and in models for long texts angles that depend on how much the
// context has room for.

import type { Architecture } from "../architecture.ts";
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

export const phi3: Architecture<Phi3Hyper> = {
  name: "phi3",
  names: [...LLAMA_NAMES, ...perLayer("attn_qkv")],
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
