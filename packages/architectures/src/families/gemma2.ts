// Gemma 2 (arXiv:2408.00118): norms before and behind blocks, GeGLU, caps on scores and logits, every other layer slides.

import type { Architecture, Hyper, KeyReader } from "../architecture.ts";
import type { Value } from "../graph.ts";
import type { GraphBuilder } from "../graph-builder.ts";
import type { Layer } from "../graph-specs.ts";
import { changeNorms, HF_NAMES, HF_NORMS_BEHIND, type HfConfig, hfKvHeads } from "../hf.ts";
import { expectLayerTypes, expectNumber, HF_DEFAULTS } from "../hf-keys.ts";
import { LLAMA_NAMES, type NameRow, perLayer } from "../names.ts";
import {
  type AttentionOptions,
  attention,
  attentionScale,
  feedForward,
  HARMLESS_KEYS,
  isSliding,
  readPositive,
  readRopeHyper,
  readSliding,
  ropeSettings,
  type SlidingHyper,
} from "./common.ts";

export interface GemmaHyper extends SlidingHyper {
  /** θ of layers that slide. */
  readonly slidingFreqBase: number;
  /** On products of queries and keys. */
  readonly queryScale: number;
  /** Undefined: logits have none. */
  readonly finalSoftCap: number | undefined;
}

interface Gemma2Hyper extends GemmaHyper {
  /** Undefined: scores have none. */
  readonly attentionSoftCap: number | undefined;
}

export const GEMMA_NAMES: readonly NameRow[] = [...LLAMA_NAMES, ...perLayer("post_attention_norm", "post_ffw_norm")];

export const gemma2: Architecture<Gemma2Hyper> = {
  name: "gemma2",
  models: "Gemma 2",
  names: GEMMA_NAMES,
  hf: {
    classes: ["Gemma2ForCausalLM"],
    defaults: {
      "": {
        ...HF_DEFAULTS,
        head_dim: 256,
        num_attention_heads: 8,
        num_key_value_heads: 4,
        max_position_embeddings: 8192,
        sliding_window: 4096,
        attn_logit_softcapping: 50,
        final_logit_softcapping: 30,
      },
    },
    names: { ...HF_NAMES, ...HF_NORMS_BEHIND },
    unused: /^lm_head\.weight$/, // a copy of the embeddings
    activation: "gelu_pytorch_tanh",
    tokenizer: { sentencePiece: "required", spacePrefix: "never" },
    knownFields: ["attn_logit_softcapping", "final_logit_softcapping", "query_pre_attn_scalar"],
    change: changeNorms,
    keys(c, k) {
      expectLayerTypes(c, (i) => (i % 2 === 0 ? "sliding_attention" : "full_attention"));
      expectQueryScalar(c, 46);
      expectNumber(c, "rope_theta", 10000); // files have no key for it
      k.u32("context_length", c.count("max_position_embeddings"));
      k.u32("embedding_length", c.count("hidden_size"));
      k.u32("block_count", c.count("num_hidden_layers"));
      k.u32("feed_forward_length", c.count("intermediate_size"));
      k.u32("attention.head_count", c.count("num_attention_heads"));
      k.u32("attention.head_count_kv", hfKvHeads(c));
      k.f32("attention.layer_norm_rms_epsilon", c.float("rms_norm_eps"));
      k.u32("attention.key_length", c.count("head_dim"));
      k.u32("attention.value_length", c.count("head_dim"));
      k.f32("attn_logit_softcapping", c.float("attn_logit_softcapping"));
      k.f32("final_logit_softcapping", c.float("final_logit_softcapping"));
      k.u32("attention.sliding_window", c.count("sliding_window"));
    },
  },
  harmlessKeys: HARMLESS_KEYS,
  readHyper(keys) {
    const hyper = readRopeHyper(keys);
    return {
      ...hyper,
      ...readSliding(keys, 2, 4096),
      slidingFreqBase: readPositive(keys, "rope.freq_base_swa", hyper.ropeFreqBase),
      queryScale: queryScale(hyper, 46),
      attentionSoftCap: readSoftCap(keys, "attn_logit_softcapping", 50),
      finalSoftCap: readSoftCap(keys, "final_logit_softcapping", 30),
    };
  },
  build(g, h) {
    const x = gemmaEmbedding(g, h);
    const [full, sliding] = [g.angles(ropeSettings(h)), g.angles(ropeSettings(h, h.slidingFreqBase))];
    for (const layer of g.layers(h.nLayers)) {
      const slides = isSliding(h, layer.index);
      gemmaLayer(g, x, layer, h, {
        pairing: "halves",
        angles: slides ? sliding : full,
        scale: h.queryScale,
        window: slides ? h.window : undefined,
        softCap: h.attentionSoftCap,
      });
    }
    g.logits(g.norm(g.select(x), "output_norm", h.rmsNormEps), "token_embd", h.nVocab, { softCap: h.finalSoftCap });
  },
};

/** Files have no key for the scale of queries: readers take it from the sizes, as `queryScale` does. */
export function expectQueryScalar(c: HfConfig, layersOfLargest: number): void {
  const isLargest = c.count("num_hidden_layers") === layersOfLargest;
  const ofStream = Math.floor(c.count("hidden_size") / c.count("num_attention_heads"));
  expectNumber(c, "query_pre_attn_scalar", isLargest ? ofStream : c.count("head_dim"));
}

/** A cap; 0 is none. */
export function readSoftCap(keys: KeyReader, key: string, fallback: number): number | undefined {
  const cap = keys.float(key, fallback);
  if (cap < 0) keys.refuse(key, "0 or more");
  return cap === 0 ? undefined : cap;
}

/** The largest model, known by its number of layers, has that of the channels that a head would have in the stream. */
export function queryScale({ nLayers, nEmbd, nHeads, headDim }: Hyper, layersOfLargest: number): number {
  return attentionScale(nLayers === layersOfLargest ? Math.floor(nEmbd / nHeads) : headDim);
}

/** (n, nEmbd): the residual stream, of embeddings times √nEmbd. */
export function gemmaEmbedding(g: GraphBuilder, { nVocab, nEmbd }: Hyper): Value {
  return g.scale(g.embed("token_embd", nVocab, nEmbd), Math.fround(Math.sqrt(nEmbd)));
}

/** Adds a layer's blocks, each normed before and behind, to the stream. */
export function gemmaLayer(g: GraphBuilder, x: Value, layer: Layer, h: Hyper, options: AttentionOptions): void {
  const eps = h.rmsNormEps;
  const attended = attention(g, g.norm(x, layer("attn_norm"), eps), layer, h, options);
  g.add(x, g.norm(attended, layer("post_attention_norm"), eps));
  const fed = feedForward(g, g.norm(x, layer("ffn_norm"), eps), layer, h, { activation: "gelu" });
  g.add(x, g.norm(fed, layer("post_ffw_norm"), eps));
}
