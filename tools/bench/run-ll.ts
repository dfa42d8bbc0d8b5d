// Our engine on Node. Prints one EngineResult (see plan.ts).

import { readFileSync } from "node:fs";
import { openFileSource } from "@ll/bytes/node";
import { openGgml } from "@ll/ggml-format";
import { type Context, configFromGgml, loadModel } from "@ll/llama";
import { createSampler } from "@ll/sampling";
import { createTokenizer } from "@ll/tokenizer";
import type { EnginePlan, EngineResult, Request, RequestResult } from "./plan.ts";

const plan = JSON.parse(process.argv.at(-1) as string) as EnginePlan;

const startMs = performance.now();
const source = await openFileSource(plan.model);
const file = await openGgml(source);
const config = configFromGgml(file.hyperParams, { nKvHeads: plan.nKvHeads });
const kernels = plan.variant as "wide" | undefined;
const model = await loadModel(file, config, { threads: plan.threads, kernels });
const context = await model.createContext({ contextTokens: plan.contextTokens });
const loadMs = performance.now() - startMs;

const sampler = createSampler({ stages: [{ kind: "greedy" }], seed: 1, nVocab: config.nVocab });
const chosen: number[] = [];
const [first = { nPrompt: 1, nDecode: 0 }] = plan.requests;
let next = sampler.sample(await context.evaluate(plan.ids.slice(0, first.nPrompt), 0));
const firstTokenAtMs = performance.timeOrigin + performance.now();

const requests: RequestResult[] = [];
for (const request of plan.requests) requests.push(await measure(context, request, requests.length === 0));

const result: EngineResult = {
  version: `ll (${model.kernels} kernels), Node ${process.versions.node}`,
  loadMs,
  firstTokenAtMs,
  peakRssBytes: process.resourceUsage().maxRSS * 1024,
  requests,
  ids: chosen,
  ...tokenizeRate(),
};
console.log(JSON.stringify(result));
await model.dispose();
await source.close();

async function measure(context: Context, { nPrompt, nDecode }: Request, isKept: boolean): Promise<RequestResult> {
  const ids = plan.ids.slice(0, nPrompt);
  const [prompt, decode] = [clock(), clock()];
  prompt.start();
  next = sampler.sample(await context.evaluate(ids, 0));
  prompt.stop();
  if (isKept) chosen.push(next);
  decode.start();
  for (let i = 0; i < nDecode; i++) {
    next = sampler.sample(await context.evaluate([next], nPrompt + i));
    if (isKept) chosen.push(next);
  }
  decode.stop();
  return {
    nPrompt,
    nDecode,
    promptRate: nPrompt / prompt.seconds,
    decodeRate: nDecode / decode.seconds,
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
function tokenizeRate(): { tokenizeBytesPerS: number } | undefined {
  if (plan.text === undefined) return undefined;
  const text = readFileSync(plan.text, "utf8");
  const tokenizer = createTokenizer(file.vocab);
  let leastMs = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 5; round++) {
    const start = performance.now();
    tokenizer.encode(text);
    leastMs = Math.min(leastMs, performance.now() - start);
  }
  return { tokenizeBytesPerS: (Buffer.byteLength(text) / leastMs) * 1000 };
}
