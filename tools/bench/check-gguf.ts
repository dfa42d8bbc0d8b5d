// Do other programs read the GGUF files that we write, and compute the same? Writes a small model in every weight type, has our engine
// continue four texts greedily, and lets node-llama-cpp evaluate the same ids. Its logits cannot be equal to the bit: its sums run in
// another order, and with quantised weights either engine rounds activations to 8 bits, here up and there down. So they are held
// against a third result, of the same weights in f32, where nothing is rounded so coarsely: theirs must not be farther from it than ours
// are, and wherever our two best logits are clearly apart, their best must be ours.
//   node --conditions=@ll/source tools/bench/check-gguf.ts

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { memorySink, memorySource } from "@ll/bytes";
import { contentsOfGgml, contentsOfGguf, convertCheckpoint, type ModelContents, quantizeModel } from "@ll/convert";
import { openGgml } from "@ll/ggml-format";
import { llamaTensors, metadataGetter, openGguf } from "@ll/gguf";
import { type Context, configFromGguf, loadModel } from "@ll/llama";
import { FTYPES, unpackRows } from "@ll/quant";
import { createTokenizer, type Tokenizer } from "@ll/tokenizer";
import { goldenModelBytes } from "../golden-model.ts";
import { run } from "./engines.ts";

/** Two best logits so far apart are clear without rounding of activations. */
const CLEAR_GAP = 0.05;
/** With it, in multiples of the root mean square of what the rounding does to a logit. */
const CLEAR_NOISES = 4;
/** How much farther than ours their logits may be from those of f32 weights: both distances are estimates. */
const NOISE_RATIO = 1.25;
const N_TOKENS = 100;
const TEST_DATA = process.env["LL_TEST_DATA"] ?? join(import.meta.dirname, "..", "..", "..", "shared");
const PROMPTS = [" Once upon a time", " The little dog", " Lily and Tom were", " One day, a big bird"];

const MODELS = [
  {
    name: "stories260K",
    bytes: () => readFileSync(join(TEST_DATA, "models/stories260k/ggjt/f16.bin")),
    types: ["F32", "F16", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0"],
  },
  // blocks of 256 values are longer than the stories' rows
  { name: "golden noise", bytes: goldenModelBytes, types: ["F16", "Q2_K", "Q3_K_M", "Q4_K_M", "Q5_K_M", "Q6_K"] },
];

const folder = mkdtempSync(join(tmpdir(), "ll-gguf-"));
try {
  for (const { name, bytes, types } of MODELS) {
    for (const type of types) await check(name, bytes(), type);
  }
} finally {
  rmSync(folder, { recursive: true });
}

async function check(name: string, f16: Uint8Array, type: string): Promise<void> {
  const contents = await inType(f16, type);
  const outType = type === "F32" ? "f32" : "stored";
  const path = join(folder, "model.gguf");
  await write({ ...contents, outType }, path);
  const sequences = await withEngine(path, continueTexts);
  const ours = await withEngine(path, (context) => evaluate(context, sequences));
  await run("check-node-llama-cpp.mjs", [JSON.stringify({ path, sequences, answer: join(folder, "logits") })], false);
  const theirs = new Float32Array(new Uint8Array(readFileSync(join(folder, "logits"))).buffer);
  await write({ ...unpacked(contents), outType: "f32" }, path);
  const exact = await withEngine(path, (context) => evaluate(context, sequences));

  const isRounded = type.startsWith("Q");
  const noise = rootMeanSquare(ours, exact);
  const theirNoise = rootMeanSquare(theirs, exact);
  const clearGap = isRounded ? CLEAR_NOISES * noise : CLEAR_GAP;
  const nPositions = sequences.reduce((sum, ids) => sum + ids.length - 1, 0);
  const nVocab = ours.length / nPositions;
  let nClear = 0;
  let nEqual = 0;
  let nWrong = 0;
  for (let first = 0; first < ours.length; first += nVocab) {
    const { best, gap } = twoBest(ours.subarray(first, first + nVocab));
    const isEqual = twoBest(theirs.subarray(first, first + nVocab)).best === best;
    if (gap > clearGap) nClear++;
    if (isEqual) nEqual++;
    else if (gap > clearGap) nWrong++;
  }
  const isGood = nWrong === 0 && (!isRounded || theirNoise < NOISE_RATIO * noise);
  if (!isGood) process.exitCode = 1;
  console.log(
    `${isGood ? "ok" : "WRONG"} ${name} ${type}: ${nEqual} of ${nPositions} tokens the same, ${nWrong} not of ${nClear} with a gap over ` +
      `${clearGap.toFixed(2)}; from f32 weights ours are ${noise.toFixed(4)} away, theirs ${theirNoise.toFixed(4)}, ` +
      `from each other ${rootMeanSquare(ours, theirs).toFixed(4)}`,
  );
}

async function inType(f16: Uint8Array, type: string): Promise<ModelContents> {
  const file = await openGgml(memorySource(f16));
  if (!type.startsWith("Q")) return contentsOfGgml(file);
  const quantized = memorySink();
  await quantizeModel(file, quantized, { ftype: FTYPES.find(({ name }) => name === type)?.id ?? -1 });
  return contentsOfGgml(await openGgml(memorySource(quantized.bytes())));
}

/** The same weights as f32. */
function unpacked(contents: ModelContents): ModelContents {
  const tensors = contents.tensors.map((tensor) => ({
    name: tensor.name,
    shape: tensor.shape,
    type: "f32",
    byteLength: tensor.shape.reduce((product, size) => product * size, 4),
    async read(offset: number, target: Uint8Array): Promise<void> {
      const packed = new Uint8Array(tensor.byteLength);
      await tensor.read(0, packed);
      target.set(new Uint8Array(unpackRows(tensor.type, packed).buffer, offset, target.length));
    },
  }));
  return { ...contents, tensors };
}

async function write(contents: ModelContents & { readonly outType: "f32" | "stored" }, path: string): Promise<void> {
  const gguf = memorySink();
  await convertCheckpoint({ ...contents, container: "gguf" }, gguf);
  writeFileSync(path, gguf.bytes());
}

/** Opens a file as we read it. */
async function withEngine<T>(path: string, work: (context: Context, tokenizer: Tokenizer) => Promise<T>): Promise<T> {
  const file = await openGguf(memorySource(readFileSync(path)));
  const config = configFromGguf(metadataGetter(file.metadata));
  const model = await loadModel(llamaTensors(file), config, { threads: 1 });
  const { vocab } = await contentsOfGguf(file, config);
  try {
    return await work(await model.createContext(), createTokenizer(vocab));
  } finally {
    await model.dispose();
  }
}

async function continueTexts(context: Context, tokenizer: Tokenizer): Promise<number[][]> {
  const sequences: number[][] = [];
  for (const prompt of PROMPTS) {
    const ids = [...tokenizer.encode(prompt, { bos: true })];
    let logits = await context.evaluate(ids, 0);
    for (let n = 0; n < N_TOKENS; n++) {
      ids.push(twoBest(logits).best);
      logits = await context.evaluate(ids.slice(-1), ids.length - 1);
    }
    sequences.push(ids);
  }
  return sequences;
}

/** (ids, nVocab) logits behind every id but the last of each sequence, one sequence after the other. */
async function evaluate(context: Context, sequences: readonly (readonly number[])[]): Promise<Float32Array> {
  const parts: number[] = [];
  for (const ids of sequences) {
    for (const logit of await context.evaluate(ids.slice(0, -1), 0, { logits: "all" })) parts.push(logit);
  }
  return Float32Array.from(parts);
}

function twoBest(logits: Float32Array): { readonly best: number; readonly gap: number } {
  const [best = 0, second = 0] = [...logits.keys()].sort((a, b) => (logits[b] as number) - (logits[a] as number));
  return { best, gap: (logits[best] as number) - (logits[second] as number) };
}

function rootMeanSquare(a: Float32Array, b: Float32Array): number {
  return Math.sqrt(a.reduce((sum, value, i) => sum + (value - (b[i] as number)) ** 2, 0) / a.length);
}
