// Qwen 3.5 and 3.6, dense and with experts: three of four layers are gated delta nets (arXiv:2412.06464), and attention is gated.

import type { Architecture, Hyper, KeyReader } from "../architecture.ts";
import type { Value } from "../graph.ts";
import type { GraphBuilder } from "../graph-builder.ts";
import type { Layer, ProductSpec } from "../graph-specs.ts";
import { changeNorms, HF_NAMES, type HfConfig, type HfFamily, type HfOrder } from "../hf.ts";
import { basicKeys, expectLayerTypes, HF_DEFAULTS, hfHeadDim, hfRope } from "../hf-keys.ts";
import { LLAMA_NAMES, perLayer } from "../names.ts";
import {
  attentionScale,
  feedForward,
  HARMLESS_KEYS,
  logits,
  queryKeyValue,
  type RopeHyper,
  readRopeHyper,
  readSections,
  readSizes,
  ropeSettings,
  toStream,
} from "./common.ts";
import { type MixtureHyper, mixture, readExperts, sharedExpert } from "./experts.ts";
import { QWEN_EXPERTS } from "./qwen3.ts";

export interface Qwen35Hyper extends RopeHyper {
  /** Which layers are delta nets: all but the last one of so many, or those that are told. */
  readonly recurrentLayers: number | readonly boolean[];
  readonly delta: DeltaSizes;
}

/** Of the delta nets. */
interface DeltaSizes {
  /** Heads of queries and keys. */
  readonly nKeyHeads: number;
  /** A multiple: value head i belongs to key head i mod nKeyHeads. */
  readonly nValueHeads: number;
  readonly headDim: number;
  /** Tokens that the convolution in front of them sees. */
  readonly nTaps: number;
}

const hf: HfFamily = {
  classes: ["Qwen3_5ForConditionalGeneration", "Qwen3_5ForCausalLM"],
  defaults: { "": { ...HF_DEFAULTS, full_attention_interval: 4 } },
  names: {
    ...HF_NAMES,
    post_attention_layernorm: "post_attention_norm",
    "linear_attn.in_proj_qkv": "attn_qkv",
    "linear_attn.in_proj_z": "attn_gate",
    "linear_attn.in_proj_a": "ssm_alpha",
    "linear_attn.in_proj_b": "ssm_beta",
    "linear_attn.conv1d": "ssm_conv1d",
    "linear_attn.A_log": "ssm_a",
    "linear_attn.dt_bias": "ssm_dt.bias",
    "linear_attn.norm": "ssm_norm",
    "linear_attn.out_proj": "ssm_out",
    // of the layers that draft tokens
    "mtp.fc": "nextn.eh_proj",
    "mtp.pre_fc_norm_embedding": "nextn.enorm",
    "mtp.pre_fc_norm_hidden": "nextn.hnorm",
    "mtp.norm": "nextn.shared_head_norm",
  },
  tokenizer: { sentencePiece: "optional" },
  rename(name, c) {
    if (!name.startsWith("mtp.")) return name;
    const [, layer, rest] = /^mtp\.layers\.(\d+)\.(.*)$/.exec(name) ?? [];
    const nLayers = c.count("num_hidden_layers");
    return layer === undefined ? `model.layers.${nLayers}.${name}` : `model.layers.${nLayers + Number(layer)}.${rest}`;
  },
  fromNames(names) {
    const drafting = new Set<string>();
    for (const name of names) {
      const [, layer] = /^mtp\.layers\.(\d+)\./.exec(name) ?? [];
      if (layer !== undefined) drafting.add(layer);
    }
    return { mtp_num_hidden_layers: drafting.size };
  },
  change(role, c) {
    if (role.endsWith("ssm_a")) return { rows: valueHeads(c, 1), value: (x) => -Math.exp(x) };
    const width = c.has("linear_value_head_dim") ? c.count("linear_value_head_dim") : 0;
    if (role.endsWith("attn_qkv.weight")) return { rows: valueHeads(c, width) };
    if (role.endsWith("ssm_conv1d.weight")) return { rows: valueHeads(c, width), isFlat: true };
    if (role.endsWith("attn_gate.weight")) return { rows: valueHeads(c, width) };
    if (/ssm_(?:alpha|beta)\.weight$|ssm_dt\.bias$/.test(role)) return { rows: valueHeads(c, 1) };
    if (role.endsWith("ssm_out.weight")) return { columns: valueHeads(c, width) };
    return role.endsWith("ssm_norm.weight") ? {} : changeNorms(role);
  },
  keys(c, k) {
    const interval = c.count("full_attention_interval");
    expectLayerTypes(c, (i) => ((i + 1) % interval === 0 ? "full_attention" : "linear_attention"));
    const nDrafting = c.count("mtp_num_hidden_layers");
    basicKeys(c, k, { nLayers: c.count("num_hidden_layers") + nDrafting });
    const { own, partialFactor = 0.25 } = hfRope(c);
    if (!own?.has("mrope_section")) k.i32s("rope.dimension_sections", [11, 11, 10, 0]);
    if (nDrafting > 0) k.u32("nextn_predict_layers", nDrafting);
    k.u32("ssm.conv_kernel", c.count("linear_conv_kernel_dim"));
    k.u32("ssm.state_size", c.count("linear_key_head_dim"));
    k.u32("ssm.group_count", c.count("linear_num_key_heads"));
    k.u32("ssm.time_step_rank", c.count("linear_num_value_heads"));
    k.u32("ssm.inner_size", c.count("linear_value_head_dim") * c.count("linear_num_value_heads"));
    k.u32("full_attention_interval", interval);
    k.u32("rope.dimension_count", Math.trunc(hfHeadDim(c) * partialFactor));
  },
};

/** Value heads of one key head stand together in the publisher's files: here the first of each key head come first. */
function valueHeads(c: HfConfig, width: number): (n: number) => HfOrder | undefined {
  const nKeyHeads = c.count("linear_num_key_heads");
  const nHeads = c.count("linear_num_value_heads");
  const perKeyHead = nHeads / nKeyHeads;
  return (n) => {
    const first = n - nHeads * width; // queries and keys stay in front
    if (first < 0 || !Number.isInteger(perKeyHead)) return undefined;
    return {
      n,
      from(row) {
        if (row < first) return row;
        const head = Math.floor((row - first) / width);
        const from = (head % nKeyHeads) * perKeyHead + Math.floor(head / nKeyHeads);
        return first + from * width + ((row - first) % width);
      },
    };
  };
}

export const qwen35: Architecture<Qwen35Hyper> = {
  name: "qwen35",
  models: "Qwen 3.5 and 3.6, dense: 0.8B to 27B; text, without the layers that draft",
  hf,
  names: [
    ...LLAMA_NAMES.filter(({ gguf }) => gguf !== "ffn_norm"),
    ...perLayer("post_attention_norm", "attn_q_norm", "attn_k_norm", "attn_qkv", "attn_gate", "ssm_conv1d"),
    ...perLayer("ssm_alpha", "ssm_beta", "ssm_norm", "ssm_out"),
  ],
  harmlessKeys: HARMLESS_KEYS,
  // the last layers of a file may be those that draft tokens
  isUnused: (name, { nLayers = 0 }) => Number(/^blk\.(\d+)\./.exec(name)?.[1] ?? -1) >= nLayers,
  readHyper: (keys) => readHyper(keys, readSizes(keys)),
  build(g, h) {
    record(g, h, (x, layer) => feedForward(g, x, layer, h));
  },
};

export const qwen35moe: Architecture<Qwen35Hyper & MixtureHyper> = {
  ...qwen35,
  name: "qwen35moe",
  models: "Qwen 3.5 and 3.6 with experts: 35B-A3B; text, without the layers that draft",
  hf: {
    ...hf,
    classes: ["Qwen3_5MoeForConditionalGeneration", "Qwen3_5MoeForCausalLM"],
    names: {
      ...hf.names,
      ...QWEN_EXPERTS,
      "mlp.experts.gate_up_proj": ["ffn_gate_exps.weight", "ffn_up_exps.weight"],
      "mlp.experts.down_proj": "ffn_down_exps.weight",
      "mlp.shared_expert.gate_proj": "ffn_gate_shexp",
      "mlp.shared_expert.up_proj": "ffn_up_shexp",
      "mlp.shared_expert.down_proj": "ffn_down_shexp",
      "mlp.shared_expert_gate": "ffn_gate_inp_shexp",
    },
    keys(c, k) {
      hf.keys(c, k);
      k.u32("expert_feed_forward_length", c.count("moe_intermediate_size"));
      k.u32("expert_shared_feed_forward_length", c.count("shared_expert_intermediate_size"));
    },
  },
  names: qwen35.names.filter(({ gguf }) => !/^ffn_(gate|up|down)$/.test(gguf)),
  readHyper(keys) {
    const nShared = keys.count("expert_shared_feed_forward_length");
    keys.count("feed_forward_length", 0); // there is no dense block
    return {
      ...readHyper(keys, readSizes(keys, { nFf: nShared })),
      experts: readExperts(keys, keys.count("expert_feed_forward_length")),
    };
  },
  build(g, h) {
    record(g, h, (x, layer) => g.add(mixture(g, x, layer, h), sharedExpert(g, x, layer, h, { isGated: true })));
  },
};

function readHyper(keys: KeyReader, sizes: Hyper): Qwen35Hyper {
  const hyper = readRopeHyper(keys, sizes);
  const key = "nextn_predict_layers"; // those that draft tokens
  const nLayers = sizes.nLayers - keys.count(key, 0);
  if (nLayers < 1 && keys.has(key)) keys.refuse(key, `fewer than the ${sizes.nLayers} layers`);
  const interval = keys.count("full_attention_interval", 4);
  const list = "attention.recurrent_layers";
  const recurrentLayers = keys.has(list) ? keys.perLayer(list, nLayers).map(Boolean) : interval;
  return { ...hyper, ...readSections(keys), nLayers, recurrentLayers, delta: readDelta(keys) };
}

function readDelta(keys: KeyReader): DeltaSizes {
  const headDim = keys.count("ssm.state_size");
  const nKeyHeads = keys.count("ssm.group_count");
  const nValueHeads = keys.count("ssm.time_step_rank");
  const nTaps = keys.count("ssm.conv_kernel");
  if (nKeyHeads < 1) keys.refuse("ssm.group_count", "at least 1");
  if (nTaps < 1) keys.refuse("ssm.conv_kernel", "at least 1");
  if (nValueHeads < 1 || nValueHeads % nKeyHeads !== 0) keys.refuse("ssm.time_step_rank", `a multiple of ${nKeyHeads}`);
  keys.count("ssm.inner_size"); // it must be there
  keys.expect("ssm.inner_size", headDim * nValueHeads);
  return { nKeyHeads, nValueHeads, headDim, nTaps };
}

function record(g: GraphBuilder, h: Qwen35Hyper, block: (x: Value, layer: Layer) => Value): void {
  const eps = h.rmsNormEps;
  const x = g.embed("token_embd", h.nVocab, h.nEmbd); // (n, nEmbd): the residual stream
  const angles = g.angles(ropeSettings(h));
  const { recurrentLayers: recurrent } = h;
  for (const layer of g.layers(h.nLayers)) {
    const normed = g.norm(x, layer("attn_norm"), eps);
    const isRecurrent =
      typeof recurrent === "number" ? (layer.index + 1) % recurrent !== 0 : recurrent[layer.index] === true;
    g.add(x, isRecurrent ? deltaNets(g, normed, layer, h) : gatedAttention(g, normed, layer, h, angles));
    g.add(x, block(g.norm(x, layer("post_attention_norm"), eps), layer));
  }
  logits(g, x, "output_norm", h);
}

/** Attention whose output is multiplied by the sigmoid of a gate: rows of the queries and of the gate take turns, head by head. */
function gatedAttention(g: GraphBuilder, x: Value, layer: Layer, h: Qwen35Hyper, angles: Value): Value {
  const { headDim, rmsNormEps: eps } = h;
  const both = { ...h, nHeads: 2 * h.nHeads };
  const [queryAndGate, k, v] = g.project(x, ...queryKeyValue(g, layer, g.axis("heads", h.nKvHeads), both));
  const [q, gate] = [0, headDim].map((first) => g.slice(queryAndGate, 2 * headDim, first, headDim)) as [Value, Value];
  g.headNorm(q, layer("attn_q_norm"), headDim, eps);
  g.headNorm(k, layer("attn_k_norm"), headDim, eps);
  for (const value of [q, k]) g.rope(value, angles, headDim, "halves");
  const attended = g.attend({ q, k, v, headDim, scale: attentionScale(headDim) });
  return toStream(g, g.gate("sigmoid", gate, attended), layer("attn_output"), h.nEmbd);
}

/** The value heads of all key heads are one delta net, those of all key heads again the next one, and so on. */
function deltaNets(g: GraphBuilder, x: Value, layer: Layer, h: Qwen35Hyper): Value {
  const { nKeyHeads, nValueHeads, headDim, nTaps } = h.delta;
  const eps = h.rmsNormEps;
  const axis = g.axis("key heads", nKeyHeads);
  const nChannels = nKeyHeads * headDim;
  const nNets = nValueHeads / nKeyHeads;
  /** The `i`-th of so many parts of a tensor. */
  const part = (name: string, rows: number, i: number, nParts: number): ProductSpec => ({
    name: layer(name),
    rows,
    axis,
    fused: { first: i * rows, of: nParts * rows },
  });
  const mixed = Array.from({ length: 2 + nNets }, (_, i) => part("attn_qkv", nChannels, i, 2 + nNets)); // q, k, values
  const nets = Array.from({ length: nNets }, (_, i) => [
    part("attn_gate", nChannels, i, nNets),
    part("ssm_alpha", nKeyHeads, i, nNets),
    part("ssm_beta", nKeyHeads, i, nNets),
  ]).flat();
  const products = g.project(x, ...mixed, ...nets);
  const [q, k, ...values] = products
    .slice(0, mixed.length)
    .map((value, i) => g.convolve(value, layer("ssm_conv1d"), nTaps, { silu: true, rows: mixed[i]?.fused })) as [
    ...[Value, Value],
    ...Value[],
  ];
  for (const value of [q, k]) g.l2Norm(value, headDim, eps);
  const outs = values.map((v, i) => {
    const [gate, alpha, beta] = products.slice(mixed.length + 3 * i) as [Value, Value, Value];
    const rows = { first: i * nKeyHeads, of: nValueHeads };
    const numbers = { timeStep: `${layer("ssm_dt")}.bias`, rate: layer("ssm_a"), rows };
    const out = g.deltaNet({ q, k, v, alpha, beta, headDim, ...numbers });
    return g.gate("silu", gate, g.headNorm(out, layer("ssm_norm"), headDim, eps));
  }) as [Value, ...Value[]];
  return toStream(g, g.sideBySide(...outs), layer("ssm_out"), h.nEmbd);
}
