// A LLaMA model too small to say anything, for tests of names, shapes and layouts. Every weight is different.

import { encodeF16 } from "@ll/bytes";
import { bytesOf } from "./bytes.ts";
import type { TensorData } from "./torch-writer.ts";

export interface ModelSize {
  readonly nVocab: number;
  readonly nEmbd: number;
  readonly nHeads: number;
  readonly nKvHeads: number;
  readonly nLayers: number;
  readonly nFf: number;
}

/** floor(8 · 16 / 3) = 42, which 32 rounds up to 64. */
export const SIZE: ModelSize = { nVocab: 10, nEmbd: 16, nHeads: 2, nKvHeads: 2, nLayers: 2, nFf: 64 };

export const PARAMS_JSON =
  '{"dim": 16, "multiple_of": 32, "n_heads": 2, "n_layers": 2, "norm_eps": 1e-05, "vocab_size": -1}';

export const CONFIG_JSON = JSON.stringify({
  model_type: "llama",
  hidden_size: 16,
  intermediate_size: 64,
  num_attention_heads: 2,
  num_hidden_layers: 2,
  vocab_size: 10,
  rms_norm_eps: 1e-5,
});

/** Names and shapes in the order of a converted file. */
export function metaShapes(size: ModelSize = SIZE): Map<string, number[]> {
  const { nVocab, nEmbd, nHeads, nKvHeads, nLayers, nFf } = size;
  const kvRows = (nEmbd / nHeads) * nKvHeads;
  const shapes = new Map([
    ["tok_embeddings.weight", [nVocab, nEmbd]],
    ["norm.weight", [nEmbd]],
    ["output.weight", [nVocab, nEmbd]],
  ]);
  for (let i = 0; i < nLayers; i++) {
    shapes.set(`layers.${i}.attention.wq.weight`, [nEmbd, nEmbd]);
    shapes.set(`layers.${i}.attention.wk.weight`, [kvRows, nEmbd]);
    shapes.set(`layers.${i}.attention.wv.weight`, [kvRows, nEmbd]);
    shapes.set(`layers.${i}.attention.wo.weight`, [nEmbd, nEmbd]);
    shapes.set(`layers.${i}.attention_norm.weight`, [nEmbd]);
    shapes.set(`layers.${i}.feed_forward.w1.weight`, [nFf, nEmbd]);
    shapes.set(`layers.${i}.feed_forward.w2.weight`, [nEmbd, nFf]);
    shapes.set(`layers.${i}.feed_forward.w3.weight`, [nFf, nEmbd]);
    shapes.set(`layers.${i}.ffn_norm.weight`, [nEmbd]);
  }
  return shapes;
}

/** Weights under Meta's names: 0, 1, 2, … times 2^-12, exact in f32; in f16 they are close enough to tell apart. */
export function metaTensors(size: ModelSize = SIZE, type: "f32" | "f16" = "f32"): Map<string, TensorData> {
  let next = 0;
  return new Map(
    [...metaShapes(size)].map(([name, shape]): [string, TensorData] => {
      const n = shape.reduce((product, dim) => product * dim, 1);
      const values = Float32Array.from({ length: n }, () => (next++ % 65536) / 4096 - 8);
      const bytes = type === "f32" ? bytesOf(values) : bytesOf(encodeF16(values, new Uint16Array(n)));
      return [name, { type, shape, bytes }];
    }),
  );
}

const HF_NAMES = new Map([
  ["attention.wq", "self_attn.q_proj"],
  ["attention.wk", "self_attn.k_proj"],
  ["attention.wv", "self_attn.v_proj"],
  ["attention.wo", "self_attn.o_proj"],
  ["attention_norm", "input_layernorm"],
  ["feed_forward.w1", "mlp.gate_proj"],
  ["feed_forward.w2", "mlp.down_proj"],
  ["feed_forward.w3", "mlp.up_proj"],
  ["ffn_norm", "post_attention_layernorm"],
]);

/** The same weights under Hugging Face's names, rows of q and k in its order. */
export function hfTensors(meta: ReadonlyMap<string, TensorData>, size: ModelSize = SIZE): Map<string, TensorData> {
  return new Map([...meta].map(([name, data]) => [hfName(name), hfRows(name, data, size)]));
}

export function hfName(name: string): string {
  if (name === "tok_embeddings.weight") return "model.embed_tokens.weight";
  if (name === "norm.weight") return "model.norm.weight";
  if (name === "output.weight") return "lm_head.weight";
  const [, layer, part] = /^layers\.(\d+)\.(.*)\.weight$/.exec(name)!;
  return `model.layers.${layer}.${HF_NAMES.get(part!)}.weight`;
}

function hfRows(name: string, data: TensorData, size: ModelSize): TensorData {
  const nHeads = name.endsWith("wq.weight") ? size.nHeads : name.endsWith("wk.weight") ? size.nKvHeads : 0;
  if (nHeads === 0) return data;
  const rows = data.shape[0]!;
  const rowBytes = data.bytes.length / rows;
  const headRows = rows / nHeads;
  const bytes = new Uint8Array(data.bytes.length);
  for (let h = 0; h < nHeads; h++) {
    for (let i = 0; i < headRows / 2; i++) {
      for (let j = 0; j < 2; j++) {
        const from = h * headRows + 2 * i + j; // Meta: pairs side by side
        const to = h * headRows + j * (headRows / 2) + i; // Hugging Face: pairs half a head apart
        bytes.set(data.bytes.subarray(from * rowBytes, (from + 1) * rowBytes), to * rowBytes);
      }
    }
  }
  return { ...data, bytes };
}
