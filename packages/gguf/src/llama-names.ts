// Names of a LLaMA model's tensors in GGUF files, and in Meta's checkpoints and ggml files. Only names differ: rows and columns
// are in the same order, also those of the query and key matrices, whose rotated channels stand in pairs (converters from Hugging
// Face's order, which halves them, bring them into this one).

import type { GgufTensor } from "./gguf-tensor.ts";
import type { GgufContents } from "./read.ts";

/** Of the model. Names end in `.weight`. */
const MODEL_NAMES: readonly (readonly [gguf: string, meta: string])[] = [
  ["token_embd", "tok_embeddings"],
  ["output_norm", "norm"],
  ["output", "output"],
];
/** Of layer N, with `blk.N.` and `layers.N.` before them. */
const LAYER_NAMES: readonly (readonly [gguf: string, meta: string])[] = [
  ["attn_norm", "attention_norm"],
  ["attn_q", "attention.wq"],
  ["attn_k", "attention.wk"],
  ["attn_v", "attention.wv"],
  ["attn_output", "attention.wo"],
  ["ffn_norm", "ffn_norm"],
  ["ffn_gate", "feed_forward.w1"],
  ["ffn_down", "feed_forward.w2"],
  ["ffn_up", "feed_forward.w3"],
];

interface Names {
  readonly ofModel: ReadonlyMap<string, string>;
  /** Without the beginning that names the layer. */
  readonly ofLayer: ReadonlyMap<string, string>;
  readonly layerPrefix: string;
}

const toMeta: Names = {
  ofModel: /* @__PURE__ */ new Map(MODEL_NAMES),
  ofLayer: /* @__PURE__ */ new Map(LAYER_NAMES),
  layerPrefix: "layers",
};
const toGguf: Names = {
  ofModel: /* @__PURE__ */ new Map(MODEL_NAMES.map(([gguf, meta]) => [meta, gguf])),
  ofLayer: /* @__PURE__ */ new Map(LAYER_NAMES.map(([gguf, meta]) => [meta, gguf])),
  layerPrefix: "blk",
};

/** `blk.3.attn_q.weight` → `layers.3.attention.wq.weight`; a name that no LLaMA tensor has stays as it is. */
export function llamaName(ggufName: string): string {
  return translate(ggufName, /^blk\.(0|[1-9]\d{0,8})\.(.*)\.weight$/, toMeta);
}

/** `layers.3.attention.wq.weight` → `blk.3.attn_q.weight`; a name that no LLaMA tensor has stays as it is. */
export function ggufName(llamaName: string): string {
  return translate(llamaName, /^layers\.(0|[1-9]\d{0,8})\.(.*)\.weight$/, toGguf);
}

/** @param layerName matches names of layer tensors: number without leading zeros, so that no two become one, and part */
function translate(name: string, layerName: RegExp, { ofModel, ofLayer, layerPrefix }: Names): string {
  const [, layer, part = ""] = layerName.exec(name) ?? [];
  if (layer !== undefined) {
    const translated = ofLayer.get(part);
    return translated === undefined ? name : `${layerPrefix}.${layer}.${translated}.weight`;
  }
  const translated = name.endsWith(".weight") ? ofModel.get(name.slice(0, -".weight".length)) : undefined;
  return translated === undefined ? name : `${translated}.weight`;
}

/** A tensor under another name. */
type NamedTensor = Pick<GgufTensor, "name" | "type" | "shape" | "byteLength" | "read">;

/** Tensors by the names that ggml files have, as @ll/llama and @ll/convert want them. */
export interface LlamaTensors {
  names(): Iterable<string>;
  tensor(name: string): NamedTensor | undefined;
  /** True if the file has no output matrix: the token embeddings are given in its place. */
  readonly isTied: boolean;
  /** As that of the file. */
  readonly assertUnchanged?: (() => Promise<void>) | undefined;
}

/** Tables of inverse frequencies in early files: every reader computes them. */
const UNUSED = /^blk\.\d+\.attn_rot_embd$/;

/**
 * The tensors of a LLaMA model under the names of Meta. Nothing is checked but names: tensors that no LLaMA model has, such as
 * `rope_freqs.weight`, keep theirs, so that whoever loads the model refuses them.
 */
export function llamaTensors(
  file: Pick<GgufContents, "tensors"> & Partial<Pick<GgufContents, "assertUnchanged">>,
): LlamaTensors {
  const byName = new Map<string, NamedTensor>();
  for (const tensor of file.tensors) {
    if (!UNUSED.test(tensor.name)) byName.set(llamaName(tensor.name), renamed(tensor, llamaName(tensor.name)));
  }
  const embeddings = byName.get("tok_embeddings.weight");
  const isTied = !byName.has("output.weight") && embeddings !== undefined;
  if (isTied) byName.set("output.weight", renamed(embeddings, "output.weight"));
  return {
    names: () => byName.keys(),
    tensor: (name) => byName.get(name),
    isTied,
    assertUnchanged: file.assertUnchanged,
  };
}

function renamed(tensor: NamedTensor, name: string): NamedTensor {
  const { type, shape, byteLength } = tensor;
  return { name, type, shape, byteLength, read: (offset, target) => tensor.read(offset, target) };
}
