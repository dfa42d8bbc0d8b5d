// Do large models with experts load in little more memory than their file, and compute? Makes a GGUF file of a known shape with random
// weights (gpt-oss-20b: 12 GB, 30b-a3b: 10 GB), and evaluates 8 tokens. Exit code 1 if the peak of the memory is more than 10 % above the
// size of the file.
//   node --conditions=@ll/source tools/bench/check-experts.ts gpt-oss-20b|30b-a3b|moe-64 [THREADS]

import { existsSync, mkdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { loadModel } from "@ll/llama";
import { openModelFile } from "@ll/model/node";
import { CACHE } from "./models.ts";
import { GGUF_SHAPES, type GgufShape, writeSyntheticGguf } from "./synthetic-gguf.ts";

const TYPES: ReadonlyMap<string, Parameters<typeof writeSyntheticGguf>[1]> = new Map([
  ["gpt-oss-20b", { type: "Q8_0", expertType: "mxfp4" }],
  ["30b-a3b", { type: "Q2_K", isPure: true }],
  ["moe-64", { type: "Q4_K_M" }], ["qwen3-4b", { type: "Q4_K_M" }], ["qwen3-0.6b", { type: "Q8_0" }],
]);

const [shapeName = "", threads = "2"] = process.argv.slice(2);
const types = TYPES.get(shapeName);
if (types === undefined) throw new Error(`usage: check-experts.ts ${[...TYPES.keys()].join("|")} [THREADS]`);
mkdirSync(CACHE, { recursive: true });
const path = join(CACHE, `${shapeName}.gguf`);
if (!existsSync(path)) await writeSyntheticGguf(GGUF_SHAPES.get(shapeName) as GgufShape, types, path);

const file = await openModelFile(path);
let start = performance.now();
const model = await loadModel(file.source, file.config(), { threads: Number(threads) });
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
await file.close();
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
