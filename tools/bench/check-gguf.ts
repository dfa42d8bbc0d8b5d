// Do other programs read the GGUF files that we write, and compute the same? Our engine continues four texts greedily, and
// node-llama-cpp evaluates the same ids of the same file.
//   f32, f16:   stories260K as llama2.c wrote it. Where our two best logits are more than 0.05 apart, its best must be ours, and no
//               logit may be more than 0.05 from ours: its sums run in another order, so they cannot be equal to the bit.
//   quantised:  it has to load each and give a logit for every token. How many of its choices are ours is only printed: either
//               engine rounds activations to 8 bits, here up and there down, and a small model is very sensitive to that.
//   node --conditions=@ll/source tools/bench/check-gguf.ts

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { memorySink, memorySource } from "@ll/bytes";
import { readLlama2cTokenizer } from "@ll/checkpoint";
import { openCheckpoint } from "@ll/checkpoint/node";
import { type ConvertInput, contentsOfGgml, contentsOfGguf, convertCheckpoint, quantizeModel } from "@ll/convert";
import { openGgml } from "@ll/ggml-format";
import { metadataGetter, openGguf } from "@ll/gguf";
import { configFromGguf, loadModel } from "@ll/llama";
import { FTYPES } from "@ll/quant";
import { createTokenizer } from "@ll/tokenizer";
import { goldenModelBytes } from "../golden-model.ts";
import { run } from "./engines.ts";

/** Largest difference of two logits, and least gap between our two best, that counts. */
const CLEAR = 0.05;
const N_TOKENS = 100;
const PROMPTS = [" Once upon a time", " The little dog", " Lily and Tom were", " One day, a big bird"];
const { LL_TEST_DATA } = process.env;
if (LL_TEST_DATA === undefined) throw new Error("LL_TEST_DATA is not set: the folder with third-party models");
const STORIES = join(LL_TEST_DATA, "models/stories260k");

interface Continuation {
  readonly ids: readonly number[];
  /** One row for each id chosen. */
  readonly logits: readonly Float32Array[]; // (N_TOKENS, nVocab)
}

const folder = mkdtempSync(join(tmpdir(), "ll-gguf-"));
const path = join(folder, "model.gguf");
try {
  for (const outType of ["f32", "f16"] as const) await checkStories(outType);
  const f16 = new Uint8Array(readFileSync(join(STORIES, "ggjt/f16.bin")));
  const quantized = FTYPES.filter(({ name }) => name.startsWith("Q"));
  for (const [ftype, name] of new Map(quantized.map(({ id, name }) => [id, name]))) {
    // blocks of 256 values are longer than the stories' rows
    await checkQuantized(name.includes("_K") ? goldenModelBytes() : f16, ftype, name);
  }
} finally {
  rmSync(folder, { recursive: true });
}

/** As it is: 8 query heads, 4 key and value heads, a feed-forward network 172 wide. */
async function checkStories(outType: "f32" | "f16"): Promise<void> {
  const checkpoint = await openCheckpoint(join(STORIES, "stories260K.bin"));
  const vocab = await readLlama2cTokenizer(memorySource(readFileSync(join(STORIES, "tok512.bin"))));
  await writeGguf({ ...checkpoint, vocab, outType });
  await checkpoint.close();
  const ours = await continueTexts();
  const compared = compare(ours, await theirLogits(ours));
  const isGood = compared.nClearSame === compared.nClear && compared.largest <= CLEAR;
  report(isGood, `stories260K ${outType}`, compared);
}

async function checkQuantized(f16: Uint8Array, ftype: number, name: string): Promise<void> {
  const quantized = memorySink();
  await quantizeModel(await openGgml(memorySource(f16)), quantized, { ftype });
  await writeGguf({ ...contentsOfGgml(await openGgml(memorySource(quantized.bytes()))), outType: "stored" });
  const ours = await continueTexts();
  const compared = compare(ours, await theirLogits(ours));
  report(Number.isFinite(compared.largest), name, compared);
}

async function writeGguf(input: Omit<ConvertInput, "container">): Promise<void> {
  const gguf = memorySink();
  await convertCheckpoint({ ...input, container: "gguf" }, gguf);
  writeFileSync(path, gguf.bytes());
}

/** Greedily, from the file as we read it. */
async function continueTexts(): Promise<Continuation[]> {
  const file = await openGguf(memorySource(readFileSync(path)));
  const config = configFromGguf(metadataGetter(file.metadata));
  const { vocab } = await contentsOfGguf(file, config);
  const tokenizer = createTokenizer(vocab);
  const model = await loadModel(file, config, { threads: 1 });
  const context = await model.createContext();
  const continuations: Continuation[] = [];
  for (const prompt of PROMPTS) {
    const ids = [...tokenizer.encode(prompt, { bos: true })];
    const logits: Float32Array[] = [];
    for (let nPast = 0; logits.length < N_TOKENS; ) {
      const row = (await context.evaluate(ids.slice(nPast), nPast)).slice();
      nPast = ids.length;
      logits.push(row);
      ids.push(twoBest(row).best);
    }
    continuations.push({ ids, logits });
  }
  await model.dispose();
  return continuations;
}

/** What node-llama-cpp computes of the same ids, row for row. */
async function theirLogits(ours: readonly Continuation[]): Promise<Float32Array[]> {
  const answer = join(folder, "logits");
  const sequences = ours.map(({ ids }) => ids);
  await run("check-node-llama-cpp.mjs", [JSON.stringify({ path, sequences, answer })], false);
  const all = new Float32Array(new Uint8Array(readFileSync(answer)).buffer); // (ids but the last of each sequence, nVocab)
  const nVocab = all.length / sequences.reduce((sum, ids) => sum + ids.length - 1, 0);
  let end = 0;
  return sequences.flatMap((ids) => {
    end += ids.length - 1;
    return Array.from({ length: N_TOKENS }, (_, i) => {
      const first = (end - N_TOKENS + i) * nVocab;
      return all.subarray(first, first + nVocab);
    });
  });
}

function compare(ours: readonly Continuation[], theirs: readonly Float32Array[]) {
  const rows = ours.flatMap(({ logits }) => logits);
  let [nClear, nSame, nClearSame, largest] = [0, 0, 0, 0];
  for (const [i, row] of rows.entries()) {
    const { best, gap } = twoBest(row);
    const other = theirs[i] as Float32Array;
    const isSame = twoBest(other).best === best;
    if (isSame) nSame++;
    if (gap > CLEAR) nClear++;
    if (gap > CLEAR && isSame) nClearSame++;
    for (const [id, logit] of row.entries()) largest = Math.max(largest, Math.abs(logit - (other[id] as number)));
  }
  return { nTokens: rows.length, nVocab: rows[0]?.length ?? 0, nSame, nClear, nClearSame, largest };
}

function report(isGood: boolean, name: string, compared: ReturnType<typeof compare>): void {
  if (!isGood) process.exitCode = 1;
  const { nTokens, nVocab, nSame, nClear, nClearSame, largest } = compared;
  console.log(
    `${isGood ? "ok" : "WRONG"} ${name}: ${nSame} of ${nTokens} tokens the same, ${nClearSame} of the ${nClear} with a gap over ${CLEAR}; ` +
      `largest difference of ${nTokens * nVocab} logits ${largest.toFixed(5)}`,
  );
}

function twoBest(logits: Float32Array): { readonly best: number; readonly gap: number } {
  const [best = 0, second = 0] = [...logits.keys()].sort((a, b) => (logits[b] as number) - (logits[a] as number));
  return { best, gap: (logits[best] as number) - (logits[second] as number) };
}
