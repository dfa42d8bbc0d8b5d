// Gemma 4, text, dense and with experts: Gemma 3 with heads of two sizes, layers that take keys and values of an earlier one, an embedding
// of its own for each layer, and experts beside the dense block.

import type { Architecture, KeyReader } from "../architecture.ts";
import type { Value } from "../graph.ts";
import type { GraphBuilder } from "../graph-builder.ts";
import type { Layer } from "../graph-specs.ts";
import { HF_NAMES, HF_NORMS_BEHIND, type HfConfig, type HfFamily, type HfMadeTensor, hfKvHeads } from "../hf.ts";
import { basicKeys, HF_DEFAULTS, hfRope } from "../hf-keys.ts";
import { perLayer } from "../names.ts";
import {
  feedForward,
  HARMLESS_KEYS,
  isSliding,
  logits,
  type RopeHyper,
  readPositive,
  readRopeHyper,
  readSizes,
  readSliding,
  ropeSettings,
  type SlidingHyper,
  toStream,
} from "./common.ts";
import { type MixtureHyper, mixture, readOptionalExperts } from "./experts.ts";
import { GEMMA_NAMES, gemmaEmbedding, readSoftCap } from "./gemma2.ts";

export interface Gemma4Hyper extends SlidingHyper {
  readonly experts?: MixtureHyper["experts"];
  readonly layerKvHeads: readonly number[];
  readonly layerFf: readonly number[];
  /** Of layers that slide. */
  readonly sliding: Pick<RopeHyper, "headDim" | "ropeFreqBase"> & { readonly nRotated: number };
  /** The last layers, which take the keys and values of the last earlier one of their kind. */
  readonly nSharing: number;
  /** Channels of a layer's own embedding; 0: there are none. */
  readonly nLayerEmbd: number;
  readonly finalSoftCap: number | undefined;
}

const f = Math.fround;

const hf: HfFamily = {
  classes: ["Gemma4ForConditionalGeneration", "Gemma4ForCausalLM"],
  defaults: { "": HF_DEFAULTS },
  names: {
    ...HF_NAMES,
    ...HF_NORMS_BEHIND,
    "model.embed_tokens_per_layer": "per_layer_token_embd",
    "model.per_layer_model_projection": "per_layer_model_proj",
    "model.per_layer_projection_norm": "per_layer_proj_norm",
    per_layer_input_gate: "inp_gate",
    per_layer_projection: "proj",
    post_per_layer_input_norm: "post_norm",
    layer_scalar: "layer_output_scale.weight",
    pre_feedforward_layernorm_2: "pre_ffw_norm_2",
    post_feedforward_layernorm_1: "post_ffw_norm_1",
    post_feedforward_layernorm_2: "post_ffw_norm_2",
    "router.proj": "ffn_gate_inp",
    "router.scale": "ffn_gate_inp.scale",
    "router.per_expert_scale": "ffn_down_exps.scale",
    "experts.gate_up_proj": "ffn_gate_up_exps.weight",
    "experts.down_proj": "ffn_down_exps.weight",
  },
  activation: "gelu_pytorch_tanh",
  tokenizer: { sentencePiece: "never", spacePrefix: "never", isPlain: true },
  knownFields: ["final_logit_softcapping"],
  made: rotatedPairs,
  tokenizerKeys: (_c, k) => k.flag("add_bos_token", true),
  keys(c, k) {
    const nLayers = c.count("num_hidden_layers");
    const [headDim, slidingDim] = [c.count("global_head_dim"), c.count("head_dim")];
    const nSharing = c.has("num_kv_shared_layers") ? c.count("num_kv_shared_layers") : 0;
    const types = c.texts("layer_types");
    basicKeys(c, k, { headDim });
    const cap = c.has("final_logit_softcapping") ? c.float("final_logit_softcapping") : 0;
    if (cap !== 0) k.f32("final_logit_softcapping", cap);
    k.u32("attention.sliding_window", c.count("sliding_window"));
    k.u32("attention.shared_kv_layers", nSharing);
    const perLayerInput = "hidden_size_per_layer_input";
    k.u32("embedding_length_per_layer_input", c.has(perLayerInput) ? c.count(perLayerInput) : 0);
    k.flags(
      "attention.sliding_window_pattern",
      types.map((type) => type === "sliding_attention"),
    );
    k.u32("attention.key_length_swa", slidingDim);
    k.u32("attention.value_length_swa", slidingDim);
    if (c.has("moe_intermediate_size")) k.u32("expert_feed_forward_length", c.count("moe_intermediate_size"));
    if (c.flag("use_double_wide_mlp")) {
      const nFf = c.count("intermediate_size");
      const sizes = Array.from({ length: nLayers }, (_, i) => (i < nLayers - nSharing ? nFf : 2 * nFf));
      k.i32s("feed_forward_length", sizes);
    }
    if (c.has("num_global_key_value_heads")) {
      const [sliding, full] = [hfKvHeads(c), c.count("num_global_key_value_heads")];
      k.i32s(
        "attention.head_count_kv",
        types.map((type) => (type === "sliding_attention" ? sliding : full)),
      );
    }
    const { own } = hfRope(c);
    const partial = own?.has("partial_rotary_factor") ? own.float("partial_rotary_factor") : 1;
    k.u32("rope.dimension_count", headDim);
    k.u32("rope.dimension_count_swa", Math.trunc(slidingDim * partial));
  },
};

/** Of layers that see everything, only the first pairs turn: the others by angles divided by next to infinity. */
function rotatedPairs(c: HfConfig): HfMadeTensor[] {
  const { type, partialFactor = 1 } = hfRope(c);
  if (type !== "proportional") c.refuse("rope_parameters", "proportional for layers that see everything");
  const headDim = c.count("global_head_dim");
  const n = Math.trunc((headDim * partialFactor) / 2);
  return [{ name: "rope_freqs.weight", values: new Float32Array(headDim / 2).fill(1e30).fill(1, 0, n) }];
}

export const gemma4: Architecture<Gemma4Hyper> = {
  name: "gemma4",
  models: "Gemma 4, dense and with experts: E2B to 31B; text",
  hf,
  names: [
    ...GEMMA_NAMES,
    ...["rope_freqs", "per_layer_token_embd", "per_layer_model_proj", "per_layer_proj_norm"].map((gguf) => ({
      gguf,
      inLayers: false,
    })),
    ...perLayer("attn_q_norm", "attn_k_norm", "inp_gate", "proj", "post_norm", "layer_output_scale"),
    ...perLayer("pre_ffw_norm_2", "post_ffw_norm_1", "post_ffw_norm_2"),
  ],
  harmlessKeys: HARMLESS_KEYS,
  isUnused(name, { nLayers = 0, nSharing = 0 }) {
    const [, layer] = /^blk\.(\d+)\.attn_(?:k|v|k_norm)\.weight$/.exec(name) ?? [];
    return layer !== undefined && Number(layer) >= nLayers - nSharing;
  },
  readHyper(keys) {
    const nLayers = keys.count("block_count");
    const layerKvHeads = keys.perLayer("attention.head_count_kv", nLayers);
    const layerFf = keys.perLayer("feed_forward_length", nLayers);
    const [nKvHeads = 1, nFf = 1] = [layerKvHeads[0], layerFf[0]];
    const hyper = readRopeHyper(keys, readSizes(keys, { nKvHeads, nFf }));
    if (layerFf.some((n) => n < 1)) keys.refuse("feed_forward_length", "at least 1 in each layer");
    if (layerKvHeads.some((n) => n < 1 || hyper.nHeads % n !== 0)) {
      keys.refuse("attention.head_count_kv", `a divisor of the ${hyper.nHeads} heads for each layer`);
    }
    const { headDim, nRotated = headDim } = hyper;
    const experts = readOptionalExperts(keys, keys.count("expert_feed_forward_length", 0));
    const nLayerEmbd = keys.count("embedding_length_per_layer_input");
    const finalSoftCap = readSoftCap(keys, "final_logit_softcapping", 30);
    const sizes = { ...hyper, ...experts, layerKvHeads, layerFf, nLayerEmbd, finalSoftCap };
    const kinds = { ...readKinds(keys), sliding: readSlidingHeads(keys, headDim, nRotated) };
    return { ...sizes, ...kinds, nSharing: readSharing(keys, { ...hyper, ...kinds }) };
  },
  build(g, h) {
    const x = gemmaEmbedding(g, h);
    const inputs = h.nLayerEmbd === 0 ? undefined : layerInputs(g, x, h);
    const full = g.angles(ropeSettings(h), { name: "rope_freqs" });
    const { ropeScaling: _, ...plain } = { ...h, ...h.sliding, ropeFreqScale: 1 }; // layers that slide never look far
    const sliding = g.angles(ropeSettings(plain));
    for (const layer of g.layers(h.nLayers)) {
      const angles = isSliding(h, layer.index) ? sliding : full;
      const attended = attention(g, g.norm(x, layer("attn_norm"), h.rmsNormEps), layer, h, angles);
      g.add(x, g.norm(attended, layer("post_attention_norm"), h.rmsNormEps));
      g.add(x, g.norm(block(g, x, layer, h), layer("post_ffw_norm"), h.rmsNormEps));
      if (inputs !== undefined) g.add(x, layerInput(g, x, layer, h, inputs));
      if (g.has(`${layer("layer_output_scale")}.weight`)) g.scale(x, layer("layer_output_scale"));
    }
    logits(g, x, "output_norm", h, { softCap: h.finalSoftCap });
  },
};

function readKinds(keys: KeyReader): Pick<SlidingHyper, "window" | "slidingPattern"> {
  const pattern = "attention.sliding_window_pattern";
  if (!keys.isArray(pattern)) keys.count(pattern); // it must be there
  return readSliding(keys, 1, keys.count("attention.sliding_window"));
}

function readSlidingHeads(keys: KeyReader, fullDim: number, fullRotated: number): Gemma4Hyper["sliding"] {
  const headDim = keys.count("attention.key_length_swa", fullDim);
  keys.expect("attention.value_length_swa", headDim);
  if (headDim < 2 || headDim % 2 !== 0) keys.refuse("attention.key_length_swa", "an even number");
  const key = "rope.dimension_count_swa";
  const nRotated = keys.count(key, fullRotated);
  if (nRotated < 2 || nRotated % 2 !== 0 || nRotated > headDim) keys.refuse(key, `an even number up to ${headDim}`);
  return { headDim, nRotated, ropeFreqBase: readPositive(keys, "rope.freq_base_swa", 10000) };
}

/** Two layers, one of each kind, are the last that have keys and values of their own. */
function readSharing(keys: KeyReader, h: SlidingHyper): number {
  const key = "attention.shared_kv_layers";
  const nSharing = keys.count(key, 0);
  const nOwn = h.nLayers - nSharing;
  if (nSharing > 0 && keys.has(key) && (nOwn < 2 || isSliding(h, nOwn - 1) || !isSliding(h, nOwn - 2))) {
    keys.refuse(key, "a layer that slides and one that does not before those that share");
  }
  return nSharing;
}

/** (n, nLayers · nLayerEmbd): what each layer gets besides the stream, of the token and of its embedding. */
function layerInputs(
  g: GraphBuilder,
  x: Value,
  { nVocab, nEmbd, nLayers, nLayerEmbd, rmsNormEps }: Gemma4Hyper,
): Value {
  const rows = nLayers * nLayerEmbd;
  const axis = g.axis("layers", nLayers);
  const ofToken = g.scale(g.embed("per_layer_token_embd", nVocab, rows), f(Math.sqrt(nLayerEmbd)));
  const [ofStream] = g.project(x, { name: "per_layer_model_proj", rows, axis });
  g.headNorm(g.scale(ofStream, f(1 / Math.sqrt(nEmbd))), "per_layer_proj_norm", nLayerEmbd, rmsNormEps);
  return g.whole(g.scale(g.add(ofStream, g.cut(ofToken, axis)), f(Math.SQRT1_2)));
}

/** What a layer makes of its part of `inputs`. */
function layerInput(g: GraphBuilder, x: Value, layer: Layer, h: Gemma4Hyper, inputs: Value): Value {
  const { nLayerEmbd: rows, nEmbd, rmsNormEps } = h;
  const axis = g.rows("layer's channels", rows);
  const own = g.cut(g.slice(inputs, inputs.width, layer.index * rows, rows), axis);
  const [gate] = g.project(x, { name: layer("inp_gate"), rows, axis });
  const out = toStream(g, g.gate("gelu", gate, own), layer("proj"), nEmbd);
  return g.norm(out, layer("post_norm"), rmsNormEps);
}

function attention(g: GraphBuilder, x: Value, layer: Layer, h: Gemma4Hyper, angles: Value): Value {
  const { nLayers, nHeads, nSharing, nEmbd, rmsNormEps: eps } = h;
  const slides = isSliding(h, layer.index);
  const { headDim } = slides ? h.sliding : h;
  const nOwn = nLayers - nSharing;
  const owner = layer.index < nOwn ? layer.index : nOwn - (slides ? 2 : 1); // of the keys and values
  const nKvHeads = h.layerKvHeads[owner] ?? 1;
  const axis = g.axis("heads", nKvHeads);
  const scores = { headDim, scale: 1, window: slides ? h.window : undefined };
  const query = { name: layer("attn_q"), rows: nHeads * headDim, axis };
  const finish = (q: Value): Value =>
    g.rope(g.headNorm(q, layer("attn_q_norm"), headDim, eps), angles, headDim, "halves");
  const out = (attended: Value): Value => toStream(g, attended, layer("attn_output"), nEmbd);
  if (owner !== layer.index) {
    const [q] = g.project(x, query);
    return out(g.attend({ q: finish(q), cache: owner, ...scores }));
  }
  const rows = nKvHeads * headDim;
  const key = { name: layer("attn_k"), rows, axis };
  const hasValues = g.has(`${layer("attn_v")}.weight`);
  const [q, k, values] = g.project(x, query, key, ...(hasValues ? [{ name: layer("attn_v"), rows, axis }] : [])) as [
    ...[Value, Value],
    Value?,
  ];
  const v = g.headNorm(values ?? g.slice(k, headDim, 0, headDim), undefined, headDim, eps); // a copy of the keys
  g.rope(g.headNorm(k, layer("attn_k_norm"), headDim, eps), angles, headDim, "halves");
  return out(g.attend({ q: finish(q), k, v, ...scores }));
}

/** The feed-forward block, and the experts beside it in layers that have them. */
function block(g: GraphBuilder, x: Value, layer: Layer, h: Gemma4Hyper): Value {
  const { rmsNormEps: eps, experts, nEmbd } = h;
  const sizes = { nEmbd, nFf: h.layerFf[layer.index] ?? 1 };
  const dense = feedForward(g, g.norm(x, layer("ffn_norm"), eps), layer, sizes, { activation: "gelu" });
  const router = layer("ffn_gate_inp");
  if (experts === undefined || !g.has(`${router}.weight`)) return dense;
  const routed = g.scale(g.norm(x, `${router}.scale`, eps), f(1 / Math.sqrt(nEmbd)));
  const rows = experts.nExperts;
  const [logits] = g.project(routed, { name: router, rows, axis: g.rows("experts", rows), isUnscaled: true });
  const normed = g.norm(x, layer("pre_ffw_norm_2"), eps);
  const mixed = mixture(g, normed, layer, { nEmbd, experts }, { logits, activation: "gelu" });
  return g.add(g.norm(dense, layer("post_ffw_norm_1"), eps), g.norm(mixed, layer("post_ffw_norm_2"), eps));
}
