// Do large models with experts load in little more memory than their file, and compute? Makes a GGUF file of a known shape with random
// weights (gpt-oss-20b: 12 GB, 30b-a3b: 10 GB), and evaluates 8 tokens. Exit code 1 if the peak of the memory is more than 10 % above the
// size of the file.
//   node --conditions=@ll/source tools/bench/check-experts.ts gpt-oss-20b|30b-a3b|small [THREADS]

import { existsSync, mkdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { ARCHITECTURES, GraphBuilder, type Weight } from "@ll/architectures";
import { createOutFile, openFileSource } from "@ll/bytes/node";
import {
  createGgufWriter,
  ggufFileBytes,
  metadataGetter,
  openGguf,
  tensorBytes,
  tensorType,
  type WritableValue,
} from "@ll/gguf";
import { configFromGguf, loadModel } from "@ll/llama";
import { packRows } from "@ll/quant";
import { CACHE } from "./models.ts";

interface Shape {
  readonly architecture: string;
  /** Keys under the prefix of the architecture. */
  readonly keys: Readonly<Record<string, number | string>>;
  /** Of matrices of experts. */
  readonly expertType: string;
  /** Of all other matrices. */
  readonly type: string;
  readonly hasBiases: boolean;
}

const OSS = { "rope.freq_base": 150000, "rope.scaling.type": "yarn", "attention.layer_norm_rms_epsilon": 1e-5 };
const QWEN = { "rope.freq_base": 1e6, "attention.layer_norm_rms_epsilon": 1e-6 };

const SHAPES: ReadonlyMap<string, Shape> = new Map([
  [
    "gpt-oss-20b",
    {
      architecture: "gpt-oss",
      keys: {
        ...{ ...OSS, context_length: 131072, block_count: 24, embedding_length: 2880, vocab_size: 201088 },
        ...{ "attention.head_count": 64, "attention.head_count_kv": 8, "attention.key_length": 64 },
        ...{ "attention.value_length": 64, "attention.sliding_window": 128, "rope.scaling.factor": 32 },
        ...{ "rope.scaling.original_context_length": 4096, feed_forward_length: 2880 },
        ...{ expert_feed_forward_length: 2880, expert_count: 32, expert_used_count: 4 },
      },
      expertType: "mxfp4",
      type: "q8_0",
      hasBiases: true,
    },
  ],
  ["30b-a3b", qwen(48, 2048, 151936, 128, "q2_K")],
  ["small", qwen(4, 512, 32000, 16, "q4_K")],
]);

function qwen(nLayers: number, nEmbd: number, nVocab: number, nExperts: number, type: string): Shape {
  const nHeads = nEmbd / 64;
  return {
    architecture: "qwen3moe",
    keys: {
      ...{ ...QWEN, context_length: 40960, block_count: nLayers, embedding_length: nEmbd, vocab_size: nVocab },
      ...{ "attention.head_count": nHeads, "attention.head_count_kv": 4, "attention.key_length": 128 },
      ...{ "attention.value_length": 128, feed_forward_length: 6144, expert_feed_forward_length: 768 },
      ...{ expert_count: nExperts, expert_used_count: 8 },
    },
    expertType: type,
    type,
    hasBiases: false,
  };
}

const [shapeName = "", threads = "2"] = process.argv.slice(2);
const shape = SHAPES.get(shapeName);
if (shape === undefined) throw new Error(`usage: check-experts.ts ${[...SHAPES.keys()].join("|")} [THREADS]`);
mkdirSync(CACHE, { recursive: true });
const path = join(CACHE, `${shapeName}.gguf`);
if (!existsSync(path)) await make(shape, path);

const source = await openFileSource(path);
const file = await openGguf(source);
const config = configFromGguf(metadataGetter(file.metadata));
let start = performance.now();
const model = await loadModel(file, config, { threads: Number(threads) });
const loadS = (performance.now() - start) / 1000;
const context = await model.createContext({ contextTokens: 512 });
start = performance.now();
let logits = await context.evaluate([1, 2, 3, 4], 0);
const promptS = (performance.now() - start) / 1000;
start = performance.now();
const ids = [largest(logits)];
while (ids.length < 8) {
  logits = await context.evaluate(ids.slice(-1), 3 + ids.length);
  ids.push(largest(logits));
}
const textS = (performance.now() - start) / 1000;
const isSound = logits.every(Number.isFinite);
await model.dispose();
await source.close();
const peak = process.resourceUsage().maxRSS * 1024;
const over = peak / statSync(path).size - 1;
console.log(`${shapeName}, ${threads} threads: file ${gb(statSync(path).size)}, peak ${gb(peak)} (${percent(over)})`);
console.log(`loaded in ${loadS.toFixed(1)} s, 4 tokens in ${promptS.toFixed(1)} s, 7 more in ${textS.toFixed(1)} s`);
console.log(`${ids.join(" ")}${isSound ? "" : " (NOT FINITE)"}`);
if (over > 0.1 || !isSound) process.exitCode = 1;

function largest(logits: Float32Array): number {
  return logits.reduce((best, x, i) => (x > (logits[best] as number) ? i : best), 0);
}

function gb(bytes: number): string {
  return `${(bytes / 1e9).toFixed(2)} GB`;
}

function percent(share: number): string {
  return `${share < 0 ? "" : "+"}${(100 * share).toFixed(1)} %`;
}

async function make({ architecture, keys, expertType, type, hasBiases }: Shape, path: string): Promise<void> {
  const family = ARCHITECTURES.find(({ name }) => name === architecture);
  if (family === undefined) throw new Error(`no family ${architecture}`);
  const metadata = new Map<string, WritableValue>([["general.architecture", { type: "string", value: architecture }]]);
  for (const [key, value] of Object.entries(keys)) metadata.set(`${architecture}.${key}`, writable(key, value));
  const plain = new Map([...metadata].map(([key, value]) => [key, (value as { value: number | string }).value]));
  const config = configFromGguf(Object.assign((key: string) => plain.get(key), { keys: () => plain.keys() }));
  const wanted = new Map<string, Weight>();
  const has = (role: string): boolean => role === "output.weight" || (hasBiases && role.endsWith(".bias"));
  family.build(new GraphBuilder({ has, onWeight: (weight) => wanted.set(weight.role, weight) }), config);
  const tensors = [...wanted.values()].map(({ role, form, tensorShape }) => ({
    name: role,
    type: form === "numbers" || role.includes("ffn_gate_inp") ? "f32" : role.includes("_exps") ? expertType : type,
    shape: tensorShape,
  }));
  const plan = { metadata, tensors };
  const out = await createOutFile(path, { inputs: [], expectedBytes: ggufFileBytes(plan) });
  const writer = await createGgufWriter(out, plan);
  for (const { name, type, shape } of tensors) {
    const columns = shape.at(-1) as number;
    const nRows = shape.slice(0, -1).reduce((product, size) => product * size, 1);
    await writer.writeTensor(name, rowsOf(type, name.includes("norm"), nRows, columns));
  }
  await writer.finish();
  await out.commit();
}

function writable(key: string, value: number | string): WritableValue {
  if (typeof value === "string") return { type: "string", value };
  return { type: key.includes("rope") || key.includes("epsilon") ? "f32" : "u32", value };
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
