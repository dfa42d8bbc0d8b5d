// Our engine on Node. Prints one EngineResult (see plan.ts).

import { readFileSync } from "node:fs";
import { type Context, loadModel } from "@ll/llama";
import { openModelFile } from "@ll/model/node";
import { createSampler } from "@ll/sampling";
import type { EnginePlan, EngineResult, Request, RequestResult } from "./plan.ts";

const plan = JSON.parse(process.argv.at(-1) as string) as EnginePlan;

const startMs = performance.now();
const file = await openModelFile(plan.model);
const config = file.config(file.container === "gguf" ? {} : { nKvHeads: plan.nKvHeads });
const kernels = plan.variant as "wide" | undefined;
const model = await loadModel(file.source, config, { threads: plan.threads, kernels });
const mostStreams = Math.max(1, ...plan.requests.map(({ streams = 1 }) => streams));
const contexts = await Promise.all(
  Array.from({ length: mostStreams }, () => model.createContext({ contextTokens: plan.contextTokens })),
);
const loadMs = performance.now() - startMs;

const sampler = createSampler({ stages: [{ kind: "greedy" }], seed: 1, nVocab: config.nVocab });
const chosen: number[] = [];
const [first = { nPrompt: 1, nDecode: 0 }] = plan.requests;
await next(contexts.slice(0, 1), [plan.ids.slice(0, first.nPrompt)], 0);
const firstTokenAtMs = performance.timeOrigin + performance.now();

const requests: RequestResult[] = [];
for (const request of plan.requests) requests.push(await measure(request, requests.length === 0));

const result: EngineResult = {
  version: `ll (${model.kernels} kernels), Node ${process.versions.node}`,
  loadMs,
  firstTokenAtMs,
  peakRssBytes: process.resourceUsage().maxRSS * 1024,
  requests,
  ids: chosen,
  ...(await tokenizeRate()),
};
console.log(JSON.stringify(result));
await model.dispose();
await file.close();

/** Evaluates tokens of some sequences in one pass; returns what was chosen for each. */
async function next(of: readonly Context[], tokens: readonly (readonly number[])[], nPast: number): Promise<number[]> {
  const logits = await model.evaluateBatch(of.map((context, i) => ({ context, tokens: tokens[i] ?? [], nPast })));
  return logits.map((row) => sampler.sample(row));
}

async function measure({ nPrompt, nDecode, streams = 1 }: Request, isKept: boolean): Promise<RequestResult> {
  const of = contexts.slice(0, streams);
  const ids = plan.ids.slice(0, nPrompt);
  const [prompt, decode] = [clock(), clock()];
  prompt.start();
  let last = await next(of, Array(streams).fill(ids), 0);
  prompt.stop();
  if (isKept) chosen.push(...last.slice(0, 1));
  decode.start();
  for (let i = 0; i < nDecode; i++) {
    last = await next(
      of,
      last.map((id) => [id]),
      nPrompt + i,
    );
    if (isKept) chosen.push(...last.slice(0, 1));
  }
  decode.stop();
  return {
    nPrompt,
    nDecode,
    streams,
    promptRate: (streams * nPrompt) / prompt.seconds,
    decodeRate: (streams * nDecode) / decode.seconds,
    promptCpuS: prompt.cpuSeconds,
    decodeCpuS: decode.cpuSeconds,
  };
}

function clock() {
  let wallMs = 0;
  let cpu: NodeJS.CpuUsage = { user: 0, system: 0 }; // µs
  return {
    start(): void {
      cpu = process.cpuUsage();
      wallMs = performance.now();
    },
    stop(): void {
      wallMs = performance.now() - wallMs;
      cpu = process.cpuUsage(cpu);
    },
    get seconds(): number {
      return wallMs / 1000;
    },
    get cpuSeconds(): number {
      return (cpu.user + cpu.system) / 1e6;
    },
  };
}

/** The text with the file's own vocabulary. */
async function tokenizeRate(): Promise<{ tokenizeBytesPerS: number } | undefined> {
  if (plan.text === undefined) return undefined;
  const text = readFileSync(plan.text, "utf8");
  const tokenizer = await file.tokenizer();
  let leastMs = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 5; round++) {
    const start = performance.now();
    tokenizer.encode(text);
    leastMs = Math.min(leastMs, performance.now() - start);
  }
  return { tokenizeBytesPerS: (Buffer.byteLength(text) / leastMs) * 1000 };
}
