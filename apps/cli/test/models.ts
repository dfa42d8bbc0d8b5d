// Model files for the tests: made on the spot, in a temporary directory.

import { createHash } from "node:crypto";
import { cp, mkdir, open, readFile, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { memorySink } from "@ll/bytes";
import { createGgmlWriter, type GgmlPlan, tensorBytes, tensorType, type VocabEntry } from "@ll/ggml-format";
import { fixture } from "../../../tools/test-data.ts";

export async function sha256File(path: string): Promise<string> {
  return createHash("sha256")
    .update(await readFile(path))
    .digest("hex");
}

/** A copy of the embedded model's checkpoint, for tests that write beside it. */
export async function copyTiny(kind: "meta" | "hf", directory: string): Promise<string> {
  const path = join(directory, kind);
  await cp(fixture(`tiny/${kind}`), path, { recursive: true });
  return path;
}

export interface GgjtTensor {
  readonly name: string;
  readonly shape: readonly number[];
  /** f32 if absent. */
  readonly type?: string;
  /** Zeros if absent. */
  readonly bytes?: Uint8Array;
}

/** Writes a ggjt file with these tensors and a vocabulary of four ids. */
export async function writeGgjt(
  path: string,
  tensors: readonly GgjtTensor[],
  options: {
    version?: 1 | 3;
    ftype?: number;
    vocab?: readonly VocabEntry[];
    nEmbd?: number;
    nHead?: number;
    nMult?: number;
  } = {},
): Promise<string> {
  const vocab =
    options.vocab ?? ["a", "b", "c", "d"].map((text) => ({ text: new TextEncoder().encode(text), score: 0 }));
  const { nEmbd = 32, nHead = 1, nMult = 32 } = options;
  const plan: GgmlPlan = {
    version: options.version ?? 3,
    hyperParams: {
      nVocab: vocab.length,
      nEmbd,
      nMult,
      nHead,
      nLayer: 1,
      nRot: nEmbd / nHead,
      ftype: options.ftype ?? 0,
    },
    vocab,
    tensors: tensors.map(({ name, shape, type = "f32" }) => ({ name, shape, type })),
  };
  const sink = memorySink();
  const writer = await createGgmlWriter(sink, plan);
  for (const [i, { name, shape, type }] of plan.tensors.entries()) {
    await writer.writeTensor(name, [tensors[i]?.bytes ?? new Uint8Array(tensorBytes(tensorType(type), shape))]);
  }
  await writer.finish();
  await writeFile(path, sink.bytes());
  return path;
}

/** A sparse ggjt file with one f16 tensor of `rows` times 4096 zeros: minutes of work that take no space on disk. */
export function writeSparseGgjt(path: string, rows: number): Promise<string> {
  return writeSparse(path, 0, [["a.weight", [rows, 4096]]]);
}

/** A sparse f16 file with the shapes of LLaMA 7B and fewer layers: 0.5 GB, and 0.4 GB for each layer. */
export function writeSparseLlama(path: string, nLayers: number): Promise<string> {
  const tensors: [string, number[]][] = [
    ["tok_embeddings.weight", [32000, 4096]],
    ["norm.weight", [4096]],
    ["output.weight", [32000, 4096]],
  ];
  for (let i = 0; i < nLayers; i++) {
    for (const name of ["wq", "wk", "wv", "wo"]) tensors.push([`layers.${i}.attention.${name}.weight`, [4096, 4096]]);
    for (const name of ["attention_norm", "ffn_norm"]) tensors.push([`layers.${i}.${name}.weight`, [4096]]);
    for (const name of ["w1", "w3"]) tensors.push([`layers.${i}.feed_forward.${name}.weight`, [11008, 4096]]);
    tensors.push([`layers.${i}.feed_forward.w2.weight`, [4096, 11008]]);
  }
  return writeSparse(path, nLayers, tensors);
}

/** Records by hand, since a writer would write the zeros. Matrices are f16, vectors f32. */
async function writeSparse(path: string, nLayers: number, tensors: readonly [string, number[]][]): Promise<string> {
  const nVocab = 32000;
  const words = (...values: number[]): Buffer => Buffer.from(Uint32Array.from(values).buffer);
  const file = await open(path, "w");
  try {
    const vocab = Buffer.concat(
      Array.from({ length: nVocab }, () => Buffer.concat([words(1), Buffer.from("a"), words(0)])),
    );
    const header = Buffer.concat([words(0x67676a74, 3, nVocab, 4096, 256, 32, nLayers, 128, 1), vocab]);
    await file.write(header, 0, header.length, 0);
    let end = header.length;
    for (const [name, shape] of tensors) {
      const isMatrix = shape.length === 2;
      const record = Buffer.concat([
        words(shape.length, name.length, isMatrix ? 1 : 0, ...shape.toReversed()),
        Buffer.from(name),
      ]);
      await file.write(record, 0, record.length, end);
      const dataOffset = Math.ceil((end + record.length) / 32) * 32;
      end = dataOffset + shape.reduce((product, size) => product * size, isMatrix ? 2 : 4);
    }
    await file.truncate(end);
  } finally {
    await file.close();
  }
  return path;
}

/** What tests vary in a model. */
export interface HfOptions {
  readonly type?: "F32" | "F16" | "BF16" | "I64";
  readonly nKvHeads?: number;
  /** Members of config.json that are added or replaced. */
  readonly config?: Record<string, unknown>;
  readonly nFf?: number;
  readonly nLayers?: number;
}

const HF_BYTES = { F32: 4, F16: 2, BF16: 2, I64: 8 } as const;

/** Writes a Hugging Face directory: one layer if not told otherwise, 64 wide, 4 heads, the vocabulary of the embedded model, weights of zero. */
export async function writeHf(directory: string, options: HfOptions = {}): Promise<string> {
  const { type = "F16", nKvHeads = 4, nFf = 192, nLayers = 1 } = options;
  await mkdir(directory, { recursive: true });
  await cp(fixture("tiny/hf/tokenizer.model"), join(directory, "tokenizer.model"));
  const config = {
    architectures: ["LlamaForCausalLM"],
    model_type: "llama",
    hidden_size: 64,
    intermediate_size: nFf,
    num_hidden_layers: nLayers,
    num_attention_heads: 4,
    num_key_value_heads: nKvHeads,
    rms_norm_eps: 1e-6,
    vocab_size: 1024,
    ...options.config,
  };
  await writeFile(join(directory, "config.json"), JSON.stringify(config));
  const nVocab = config.vocab_size;
  const shapes: [string, number[]][] = [
    ["model.embed_tokens.weight", [nVocab, 64]],
    ["model.norm.weight", [64]],
    ["lm_head.weight", [nVocab, 64]],
  ];
  for (let i = 0; i < nLayers; i++) {
    const layer = `model.layers.${i}`;
    shapes.push(
      [`${layer}.self_attn.q_proj.weight`, [64, 64]],
      [`${layer}.self_attn.k_proj.weight`, [16 * nKvHeads, 64]],
      [`${layer}.self_attn.v_proj.weight`, [16 * nKvHeads, 64]],
      [`${layer}.self_attn.o_proj.weight`, [64, 64]],
      [`${layer}.mlp.gate_proj.weight`, [nFf, 64]],
      [`${layer}.mlp.down_proj.weight`, [64, nFf]],
      [`${layer}.mlp.up_proj.weight`, [nFf, 64]],
      [`${layer}.input_layernorm.weight`, [64]],
      [`${layer}.post_attention_layernorm.weight`, [64]],
    );
  }
  let end = 0;
  const header = shapes.map(([name, shape]) => {
    const begin = end;
    end += shape.reduce((product, size) => product * size, HF_BYTES[type]);
    return [name, { dtype: type, shape, data_offsets: [begin, end] }] as const;
  });
  const json = Buffer.from(JSON.stringify(Object.fromEntries(header)));
  const start = Buffer.alloc(8);
  start.writeBigUInt64LE(BigInt(json.length));
  const path = join(directory, "model.safetensors");
  await writeFile(path, Buffer.concat([start, json]));
  await truncate(path, 8 + json.length + end);
  return directory;
}
