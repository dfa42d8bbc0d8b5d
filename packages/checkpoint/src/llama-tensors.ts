// From the tensors of a checkpoint to those of a LLaMA model: found under either set of names, renamed, reordered, checked.

import { llama, metaTensors } from "@ll/architectures";
import type { SourceTensor } from "@ll/bytes";
import { CheckpointError } from "./errors.ts";
import { LAYERS } from "./limits.ts";
import {
  canonicalNames,
  HF_EMBED_TOKENS,
  HF_LM_HEAD,
  HF_NORM,
  HF_PACKED_QKV,
  hfLayerName,
  LAYER_TENSORS,
  layerName,
  NORM,
  OUTPUT,
  TOK_EMBEDDINGS,
} from "./llama-names.ts";
import type { CheckpointParams, TensorFacts } from "./params.ts";
import { renamed } from "./source-tensor.ts";
import { interleaveHeadRows, sliceRows } from "./tensor-views.ts";
import { unknownTensors } from "./unread-tensors.ts";

type Tensors = ReadonlyMap<string, SourceTensor>;

/** Whose names the tensors have. */
export type NamingScheme = "meta" | "hf";

/** @throws `E_MISSING_TENSOR` if there are no token embeddings under either name; `E_UNKNOWN_TENSOR` for an adapter */
export function namingScheme(tensors: Tensors, file: string): NamingScheme {
  if (tensors.has(HF_EMBED_TOKENS)) return "hf";
  if (tensors.has(TOK_EMBEDDINGS)) return "meta";
  if (tensors.has(HF_EMBED_TOKENS.replace(/weight$/, "qweight"))) return "hf";
  const ofAdapter = [...tensors.keys()].filter((name) => /^base_model\.|\.lora_/.test(name));
  if (ofAdapter.length > 0) throw unknownTensors(ofAdapter, file);
  throw missingTensor(file, `${TOK_EMBEDDINGS} or ${HF_EMBED_TOKENS}`);
}

/** What the tensors say about the size of the model. */
export function tensorFacts(tensors: Tensors, scheme: NamingScheme, file: string): TensorFacts {
  const isHf = scheme === "hf";
  const nLayers = countLayers(tensors, file);
  const [nVocab, nEmbd] = matrixShape(tensors, isHf ? HF_EMBED_TOKENS : TOK_EMBEDDINGS, file);
  const [nFf] = matrixShape(tensors, isHf ? hfLayerName(0, "mlp.gate_proj") : layerName(0, "feed_forward.w1"), file);
  const packed = hfLayerName(0, HF_PACKED_QKV);
  const isPacked = isHf && tensors.has(packed);
  const keys = isHf ? hfLayerName(0, "self_attn.k_proj") : layerName(0, "attention.wk");
  const [keyRows] = matrixShape(tensors, isPacked ? packed : keys, file);
  return { file, nVocab, nEmbd, nLayers, nFf, nKvRows: isPacked ? keyRows / 3 : keyRows };
}

/** One more than the highest layer that any tensor belongs to. */
function countLayers(tensors: Tensors, file: string): number {
  let nLayers = 0;
  for (const name of tensors.keys()) {
    const index = /^(?:model\.)?layers\.(\d{1,6})\./.exec(name)?.[1];
    if (index !== undefined) nLayers = Math.max(nLayers, Number(index) + 1);
  }
  if (nLayers >= 1 && nLayers <= LAYERS) return nLayers;
  throw new CheckpointError({
    code: nLayers === 0 ? "E_MISSING_TENSOR" : "E_LIMIT",
    file,
    offset: 0,
    field: "n_layer",
    expected: `1 to ${LAYERS} layers`,
    got: nLayers,
    message: `failed to guess 'n_layer'. This model is unknown or unsupported.`,
  });
}

/** Rows and columns of a matrix that every model has. */
function matrixShape(tensors: Tensors, name: string, file: string): readonly [number, number] {
  const tensor = tensors.get(name);
  if (tensor === undefined) throw missingTensor(file, name);
  const [rows, columns] = tensor.shape;
  if (tensor.shape.length !== 2 || !rows || !columns) throw wrongShape(file, tensor, "rows x columns");
  return [rows, columns];
}

export interface LlamaTensors {
  /** All 3 + 9·nLayers of them, in the order of a converted file. */
  readonly tensors: readonly SourceTensor[];
  /** True if the output matrix is the token embeddings. */
  readonly isTied: boolean;
  /** Names of the tensors that took no part. */
  readonly unusedNames: readonly string[];
}

/**
 * The tensors of the model under Meta's names.
 * @throws `E_MISSING_TENSOR`, or `E_SHAPE` for one that the parameters give another shape.
 */
export function llamaTensors(
  tensors: Tensors,
  scheme: NamingScheme,
  params: CheckpointParams,
  file: string,
): LlamaTensors {
  const used = new Set<string>(); // names as they are stored
  const take = (name: string): SourceTensor => {
    const tensor = tensors.get(name);
    if (tensor === undefined) throw missingTensor(file, name);
    used.add(name);
    return tensor;
  };
  const isHf = scheme === "hf";
  const isTied = !tensors.has(isHf ? HF_LM_HEAD : OUTPUT);
  const embeddings = isHf ? HF_EMBED_TOKENS : TOK_EMBEDDINGS;
  const output = isHf ? HF_LM_HEAD : OUTPUT;
  const found = new Map<string, SourceTensor>(); // Meta's name → the stored tensor, not yet renamed or reordered
  found.set(TOK_EMBEDDINGS, take(embeddings));
  found.set(NORM, take(isHf ? HF_NORM : NORM));
  found.set(OUTPUT, take(isTied ? embeddings : output));
  for (let layer = 0; layer < params.nLayers; layer++) {
    const isPacked = isHf && tensors.has(hfLayerName(layer, HF_PACKED_QKV));
    for (const [name, hfName] of LAYER_TENSORS) {
      const full = layerName(layer, name);
      if (isPacked && PACKED_BLOCKS.has(name)) {
        found.set(full, packedBlock(file, take(hfLayerName(layer, HF_PACKED_QKV)), PACKED_BLOCKS.get(name) as number));
      } else {
        found.set(full, take(isHf ? hfLayerName(layer, hfName) : full));
      }
    }
  }

  const { nEmbd, nHeads } = params;
  const shapes = new Map(metaTensors(llama, { ...params, headDim: nEmbd / nHeads, ...NOT_IN_SHAPES }));
  const ordered = canonicalNames(params.nLayers).map((name) => {
    const tensor = found.get(name) as SourceTensor;
    assertShape(file, tensor, shapes.get(name) as readonly number[]);
    if (!isHf) return renamed(tensor, name);
    // Hugging Face keeps the two values of a rotary pair half a head apart
    if (name.endsWith(".attention.wq.weight")) return interleaveHeadRows(name, tensor, params.nHeads);
    if (name.endsWith(".attention.wk.weight")) return interleaveHeadRows(name, tensor, params.nKvHeads);
    return renamed(tensor, name);
  });
  return { tensors: ordered, isTied, unusedNames: [...tensors.keys()].filter((name) => !used.has(name)) };
}

const NOT_IN_SHAPES = { rmsNormEps: 1, ropeFreqBase: 1, ropeFreqScale: 1 };

/** Which third of the rows of a packed matrix a tensor is. */
const PACKED_BLOCKS: ReadonlyMap<string, number> = new Map([
  ["attention.wq", 0],
  ["attention.wk", 1],
  ["attention.wv", 2],
]);

/** One of the three equal blocks of rows, q above k above v. */
function packedBlock(file: string, packed: SourceTensor, block: number): SourceTensor {
  const [rows, columns] = packed.shape;
  if (packed.shape.length !== 2 || !rows || !columns || rows % 3 !== 0) throw wrongShape(file, packed, "3·n x columns");
  return sliceRows(packed.name, packed, block * (rows / 3), rows / 3);
}

/** Compares under the name that the file has for the tensor, since that is what a user can look for. */
function assertShape(file: string, tensor: SourceTensor, expected: readonly number[]): void {
  if (tensor.shape.join() !== expected.join()) throw wrongShape(file, tensor, expected.join(" x "));
}

function wrongShape(file: string, tensor: SourceTensor, expected: string): CheckpointError {
  const got = tensor.shape.join(" x ");
  const message = `tensor '${tensor.name}' has wrong shape; expected ${expected}, got ${got}`;
  return new CheckpointError({ code: "E_SHAPE", file, offset: 0, field: tensor.name, expected, got, message });
}

/** @param why what says that it should be there */
export function missingTensor(file: string, name: string, why?: string): CheckpointError {
  const message = `tensor '${name}' is missing from the model${why === undefined ? "" : `: ${why}`}`;
  return new CheckpointError({
    code: "E_MISSING_TENSOR",
    file,
    offset: 0,
    field: name,
    expected: name,
    got: "none",
    message,
  });
}
