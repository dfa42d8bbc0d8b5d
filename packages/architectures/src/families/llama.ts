// LLaMA (Touvron et al., arXiv:2302.13971): LLaMA 1 and 2, and what was built after them.

import type { Architecture, Hyper } from "../architecture.ts";
import { LLAMA_NAMES } from "../names.ts";

export interface LlamaHyper extends Hyper {
  /** θ of the rotary embedding. */
  readonly ropeFreqBase: number;
  /** Factor on every position. */
  readonly ropeFreqScale: number;
}

export const llama: Architecture<LlamaHyper> = {
  name: "llama",
  names: LLAMA_NAMES,
  build(g, h) {
    const { nEmbd, headDim, nFf, rmsNormEps: eps } = h;
    const heads = g.axis("heads", h.nKvHeads);
    const inner = g.rows("inner channels", nFf);
    const channels = g.rows("channels", nEmbd);
    const scale = Math.fround(1 / Math.fround(Math.sqrt(headDim)));
    const x = g.embed("token_embd", h.nVocab, nEmbd); // (n, nEmbd): the residual stream
    const angles = g.angles({ nRot: headDim, base: h.ropeFreqBase, scale: h.ropeFreqScale });

    for (const layer of g.layers(h.nLayers)) {
      const [q, k, v] = g.project(
        g.norm(x, layer("attn_norm"), eps),
        { name: layer("attn_q"), rows: h.nHeads * headDim, axis: heads },
        { name: layer("attn_k"), rows: h.nKvHeads * headDim, axis: heads },
        { name: layer("attn_v"), rows: h.nKvHeads * headDim, axis: heads },
      );
      g.rope(q, angles, headDim, "adjacent");
      g.rope(k, angles, headDim, "adjacent");
      const attended = g.attend({ q, k, v, headDim, scale });
      const [attention] = g.project(attended, { name: layer("attn_output"), rows: nEmbd, axis: channels });
      g.add(x, attention);

      const [gate, up] = g.project(
        g.norm(x, layer("ffn_norm"), eps),
        { name: layer("ffn_gate"), rows: nFf, axis: inner },
        { name: layer("ffn_up"), rows: nFf, axis: inner },
      );
      const gated = g.gate("silu", gate, up);
      const [feedForward] = g.project(gated, { name: layer("ffn_down"), rows: nEmbd, axis: channels });
      g.add(x, feedForward);
    }
    g.logits(g.norm(g.select(x), "output_norm", eps), "output", h.nVocab);
  },
};
