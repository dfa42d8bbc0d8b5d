// GGUF files of known shapes with random weights: as large and as fast as real ones, and their text is noise. The tensors come from the
// families themselves, their types from the recipes of ll-quantize. The vocabulary is made up, such that llama.cpp takes it too.

import { ARCHITECTURES, FILE_TYPES, GraphBuilder, type Weight } from "@ll/architectures";
import { createOutFile } from "@ll/bytes/node";
import { createGgufWriter, ggufFileBytes, tensorBytes, tensorType, type WritableValue } from "@ll/gguf";
import { configFromGguf } from "@ll/llama";
import { inGgufOrder, packRows, planGgufQuantization } from "@ll/quant";

export interface GgufShape {
  readonly architecture: string;
  /** Keys under the prefix of the architecture. */
  readonly keys: Readonly<Record<string, number | string>>;
  readonly hasBiases?: boolean;
  /** The embedding is not the output matrix as well. */
  readonly hasHead?: boolean;
}

const QWEN = {
  ...{ "attention.layer_norm_rms_epsilon": 1e-6, "rope.freq_base": 1e6, context_length: 40960, vocab_size: 151936 },
  ...{ "attention.key_length": 128, "attention.value_length": 128 },
};

export const GGUF_SHAPES: ReadonlyMap<string, GgufShape> = new Map([
  ["1.1b", llama(22, 2048, 32, 4, 5632)],
  ["7b", llama(32, 4096, 32, 32, 11008)],
  ["qwen3-0.6b", qwen(28, 1024, 16, 8, 3072)],
  ["qwen3-4b", qwen(36, 2560, 32, 8, 9728)],
  ["moe-64", qwenMoe(16, 2048, 32, 4, 64, 1024)],
  ["30b-a3b", qwenMoe(48, 2048, 32, 4, 128, 768)],
  [
    "gpt-oss-20b",
    {
      architecture: "gpt-oss",
      keys: {
        ...{ "attention.layer_norm_rms_epsilon": 1e-5, "attention.sliding_window": 128, context_length: 131072 },
        ...{ block_count: 24, embedding_length: 2880, vocab_size: 201088, feed_forward_length: 2880 },
        ...{ "attention.head_count": 64, "attention.head_count_kv": 8, "attention.key_length": 64 },
        ...{ "attention.value_length": 64, "rope.freq_base": 150000, "rope.scaling.type": "yarn" },
        ...{ "rope.scaling.factor": 32, "rope.scaling.original_context_length": 4096 },
        ...{ expert_feed_forward_length: 2880, expert_count: 32, expert_used_count: 4 },
      },
      hasBiases: true,
      hasHead: true,
    },
  ],
]);

function llama(nLayers: number, nEmbd: number, nHeads: number, nKvHeads: number, nFf: number): GgufShape {
  return {
    architecture: "llama",
    keys: {
      ...{ "attention.layer_norm_rms_epsilon": 1e-5, context_length: 8192, vocab_size: 32000 },
      ...{ block_count: nLayers, embedding_length: nEmbd, feed_forward_length: nFf },
      ...{
        "attention.head_count": nHeads,
        "attention.head_count_kv": nKvHeads,
        "rope.dimension_count": nEmbd / nHeads,
      },
    },
    hasHead: true,
  };
}

function qwen(nLayers: number, nEmbd: number, nHeads: number, nKvHeads: number, nFf: number): GgufShape {
  return {
    architecture: "qwen3",
    keys: {
      ...{ ...QWEN, block_count: nLayers, embedding_length: nEmbd, feed_forward_length: nFf },
      ...{ "attention.head_count": nHeads, "attention.head_count_kv": nKvHeads },
    },
  };
}

function qwenMoe(
  nLayers: number,
  nEmbd: number,
  nHeads: number,
  nKvHeads: number,
  nExperts: number,
  nExpertFf: number,
): GgufShape {
  const { keys } = qwen(nLayers, nEmbd, nHeads, nKvHeads, 6144);
  return {
    architecture: "qwen3moe",
    keys: { ...keys, expert_count: nExperts, expert_used_count: 8, expert_feed_forward_length: nExpertFf },
    hasHead: true,
  };
}

/**
 * Writes the file. `type` is the name of a recipe, such as `Q4_K_M`; `expertType` is that of matrices of experts instead.
 * Memory does not grow with the model.
 */
export async function writeSyntheticGguf(
  { architecture, keys, hasBiases = false, hasHead = false }: GgufShape,
  { type, expertType, isPure = false }: { type: string; expertType?: string; isPure?: boolean },
  path: string,
): Promise<void> {
  const family = ARCHITECTURES.find(({ name }) => name === architecture);
  const fileType = FILE_TYPES.find(({ name }) => name === type);
  if (family === undefined || fileType === undefined) throw new Error(`no family ${architecture}, or no type ${type}`);
  const plain = new Map<string, number | string>([["general.architecture", architecture]]);
  for (const [key, value] of Object.entries(keys)) plain.set(`${architecture}.${key}`, value);
  const config = configFromGguf(Object.assign((key: string) => plain.get(key), { keys: () => plain.keys() }));
  const wanted = new Map<string, Weight>();
  const has = (role: string): boolean => (hasHead && role === "output.weight") || (hasBiases && role.endsWith(".bias"));
  family.build(new GraphBuilder({ has, onWeight: (weight) => wanted.set(weight.role, weight) }), config);
  const stored = [...wanted.values()].map(({ role, form, tensorShape }) => ({
    name: role,
    type: form === "numbers" || role.includes("ffn_gate_inp") ? "f32" : "f16",
    shape: tensorShape,
  }));
  const count = (key: string): number => Number(keys[key] ?? 0);
  const nHeads = count("attention.head_count");
  const facts = {
    architecture,
    nLayers: count("block_count"),
    nHeads,
    nKvHeads: count("attention.head_count_kv"),
    nExperts: count("expert_count"),
  };
  const rules = expertType === undefined ? [] : [{ pattern: /_exps\.weight/, type: expertType }];
  const planned = planGgufQuantization(inGgufOrder(stored), facts, fileType.id, { pure: isPure, tensorTypes: rules });
  const tensors = planned.map(({ name, shape, targetType }) => ({ name, shape, type: targetType }));
  const metadata = new Map<string, WritableValue>(Array.from(plain, ([key, value]) => [key, writable(key, value)]));
  for (const [key, value] of madeUpVocabulary(count("vocab_size"))) metadata.set(key, value);

  const plan = { metadata, tensors };
  const out = await createOutFile(path, { inputs: [], expectedBytes: ggufFileBytes(plan) });
  try {
    const writer = await createGgufWriter(out, plan);
    for (const { name, type, shape } of tensors) {
      const columns = shape.at(-1) as number;
      const nRows = shape.slice(0, -1).reduce((product, size) => product * size, 1);
      await writer.writeTensor(name, rowsOf(type, name.includes("norm"), nRows, columns));
    }
    await writer.finish();
    await out.commit();
  } finally {
    await out.abort(); // harmless after the commit
  }
}

function writable(key: string, value: number | string): WritableValue {
  if (typeof value === "string") return { type: "string", value };
  return { type: key.includes("rope.f") || key.includes("factor") || key.includes("epsilon") ? "f32" : "u32", value };
}

/** Byte-level BPE: a letter for each byte, then made-up words. */
function* madeUpVocabulary(nVocab: number): Generator<[string, WritableValue]> {
  const letters = Array.from({ length: 256 }, (_, byte) => {
    const isShown = (byte > 32 && byte < 127) || (byte > 160 && byte !== 173);
    return isShown ? String.fromCharCode(byte) : undefined;
  });
  let next = 256; // bytes that cannot be shown, in order
  const shown = letters.map((letter) => letter ?? String.fromCharCode(next++));
  const words = Array.from({ length: nVocab - 256 }, (_, i) => `\u0120w${i}`);
  yield ["tokenizer.ggml.model", { type: "string", value: "gpt2" }];
  yield ["tokenizer.ggml.pre", { type: "string", value: "qwen2" }];
  yield ["tokenizer.ggml.tokens", { type: "array", itemType: "string", items: [...shown, ...words] }];
  yield ["tokenizer.ggml.merges", { type: "array", itemType: "string", items: ["\u0120 w"] }];
  yield ["tokenizer.ggml.eos_token_id", { type: "u32", value: nVocab - 1 }];
}

/** Rows in pieces of which each is the same noise, from another row on. */
function* rowsOf(type: string, isNorm: boolean, nRows: number, columns: number): Generator<Uint8Array> {
  const mostRows = Math.min(nRows, 256);
  const rowBytes = tensorBytes(tensorType(type), [1, columns]);
  const noise = isNorm ? new Uint8Array(new Float32Array(columns).fill(1).buffer) : noiseOf(type, mostRows, columns);
  for (let row = 0; row < nRows; row += mostRows) {
    const n = Math.min(mostRows, nRows - row);
    const from = mostRows - n === 0 ? (row / mostRows) % mostRows : 0;
    yield noise.subarray(from * rowBytes, n * rowBytes);
    if (from > 0) yield noise.subarray(0, from * rowBytes);
  }
}

/** Such that products are as large as inputs. */
function noiseOf(type: string, nRows: number, columns: number): Uint8Array {
  let state = columns;
  const random = (): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32 - 0.5;
  };
  if (type === "mxfp4") {
    const blocks = Uint8Array.from({ length: (nRows * columns * 17) / 32 }, () => 256 * (random() + 0.5));
    const exponent = 128 - Math.round(Math.log2(4 * Math.sqrt(columns)));
    for (let at = 0; at < blocks.length; at += 17) blocks[at] = exponent;
    return blocks;
  }
  const size = 3.5 / Math.sqrt(columns);
  return packRows(
    type as "q8_0",
    Float32Array.from({ length: nRows * columns }, () => size * random()),
  );
}
