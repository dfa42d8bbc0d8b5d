// Our engine in a page: the kernels that V8 runs there, weights read from the chosen file.

import { blobSource } from "/@ll/bytes/dist/index.js";
import { openGgml } from "/@ll/ggml-format/dist/index.js";
import { configFromGgml, loadModel } from "/@ll/llama/dist/index.js";
import { createSampler } from "/@ll/sampling/dist/index.js";

export async function run(file, plan) {
  const startMs = performance.now();
  const ggml = await openGgml(blobSource(file));
  const config = configFromGgml(ggml.hyperParams, { nKvHeads: plan.nKvHeads });
  const model = await loadModel(ggml, config, { threads: plan.threads });
  const context = await model.createContext({ contextTokens: plan.contextTokens });
  const loadMs = performance.now() - startMs;

  const sampler = createSampler({ stages: [{ kind: "greedy" }], seed: 1, nVocab: config.nVocab });
  const chosen = [];
  const next = async (ids, nPast) => sampler.sample(await context.evaluate(ids, nPast));
  await next(plan.ids.slice(0, plan.requests[0].nPrompt), 0);
  const firstTokenAtMs = performance.timeOrigin + performance.now();

  const requests = [];
  for (const { nPrompt, nDecode } of plan.requests) {
    const start = performance.now();
    const ids = [await next(plan.ids.slice(0, nPrompt), 0)];
    const middle = performance.now();
    for (let i = 0; i < nDecode; i++) ids.push(await next(ids.slice(-1), nPrompt + i));
    const end = performance.now();
    const rate = (n, ms) => (ms > 0 ? (1000 * n) / ms : 0);
    requests.push({
      nPrompt,
      nDecode,
      promptRate: rate(nPrompt, middle - start),
      decodeRate: rate(nDecode, end - middle),
    });
    if (requests.length === 1) chosen.push(...ids);
  }
  return { version: `ll (${model.kernels} kernels)`, loadMs, firstTokenAtMs, requests, ids: chosen };
}
