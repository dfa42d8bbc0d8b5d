// node-llama-cpp: llama.cpp, compiled for the processor. Prints one EngineResult (see plan.ts). `variant` has its settings:
// "flash" for flash attention, "mmap" for a mapped file.

import { readFileSync } from "node:fs";
import { getLlama, LlamaLogLevel } from "node-llama-cpp";

const plan = JSON.parse(process.argv.at(-1));
const settings = (plan.variant ?? "").split("+");

const startMs = performance.now();
const llama = await getLlama({
  gpu: false,
  build: "never", // the binary of the package, or none
  skipDownload: true,
  maxThreads: plan.threads,
  logLevel: LlamaLogLevel.error,
});
const model = await llama.loadModel({ modelPath: plan.model, gpuLayers: 0, useMmap: settings.includes("mmap") });
const mostStreams = Math.max(1, ...plan.requests.map(({ streams = 1 }) => streams));
const context = await model.createContext({
  contextSize: plan.contextTokens, // of each sequence
  sequences: mostStreams,
  batchSize: 512,
  threads: { ideal: plan.threads, min: plan.threads },
  flashAttention: settings.includes("flash"),
});
const sequences = Array.from({ length: mostStreams }, () => context.getSequence());
const loadMs = performance.now() - startMs;

const GREEDY = { temperature: 0, yieldEogToken: true };
const chosen = [];
const first = plan.requests[0] ?? { nPrompt: 1 };
for await (const _ of sequences[0].evaluate(plan.ids.slice(0, first.nPrompt), GREEDY)) break;
const firstTokenAtMs = performance.timeOrigin + performance.now();

const requests = [];
for (const request of plan.requests) requests.push(await measure(request, requests.length === 0));

const { dependencies } = JSON.parse(readFileSync(new URL("package.json", import.meta.url), "utf8"));
const result = {
  version: `node-llama-cpp ${dependencies["node-llama-cpp"]} (llama.cpp ${llama.llamaCppRelease.release})`,
  loadMs,
  firstTokenAtMs,
  peakRssBytes: process.resourceUsage().maxRSS * 1024,
  requests,
  ids: chosen,
  ...tokenizeRate(),
};
console.log(JSON.stringify(result));
await llama.dispose();

/** Sequences that wait at the same time are evaluated as one batch: that is how this engine does it. */
async function measure({ nPrompt, nDecode, streams = 1 }, isKept) {
  const of = sequences.slice(0, streams);
  for (const sequence of of) await sequence.clearHistory();
  const marks = [mark()];
  const texts = of.map((sequence) => sequence.evaluate(plan.ids.slice(0, nPrompt), GREEDY));
  for (let i = 0; i <= nDecode; i++) {
    const steps = await Promise.all(texts.map((text) => text.next()));
    if (steps.some(({ done }) => done)) throw new Error(`a text ended after ${i} tokens: choose other weights`);
    if (isKept) chosen.push(steps[0].value);
    if (i === 0) marks.push(mark());
  }
  marks.push(mark());
  await Promise.all(texts.map((text) => text.return()));
  const [start, middle, end] = marks;
  return {
    nPrompt,
    nDecode,
    streams,
    promptRate: (1000 * streams * nPrompt) / (middle.ms - start.ms),
    decodeRate: (1000 * streams * nDecode) / (end.ms - middle.ms),
    promptCpuS: middle.cpuS - start.cpuS,
    decodeCpuS: end.cpuS - middle.cpuS,
  };
}

function mark() {
  const { user, system } = process.cpuUsage();
  return { ms: performance.now(), cpuS: (user + system) / 1e6 };
}

/** The text with the file's own vocabulary. */
function tokenizeRate() {
  if (plan.text === undefined) return {};
  const text = readFileSync(plan.text, "utf8");
  let leastMs = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 5; round++) {
    const start = performance.now();
    model.tokenize(text);
    leastMs = Math.min(leastMs, performance.now() - start);
  }
  return { tokenizeBytesPerS: (Buffer.byteLength(text) / leastMs) * 1000 };
}
