// wllama 3: the server of llama.cpp compiled to WebAssembly. It takes texts, in whole requests; the rates are those it states.

import { LoggerWithoutDebug, Wllama } from "/node_modules/wllama-3/esm/index.js";

export async function run(file, plan) {
  const startMs = performance.now();
  const wllama = new Wllama(
    { default: "/node_modules/wllama-3/esm/wasm/wllama.wasm" },
    { suppressNativeLog: true, logger: LoggerWithoutDebug },
  );
  await wllama.loadModel([file], {
    n_ctx: plan.contextTokens,
    n_batch: 512,
    n_threads: plan.threads,
    n_gpu_layers: 0,
    n_parallel: 1,
    flash_attn: plan.variant === "flash",
    warmup: false,
  });
  const loadMs = performance.now() - startMs;
  if (wllama.getNumThreads() !== plan.threads) throw new Error(`it took ${wllama.getNumThreads()} threads`);

  const complete = ({ nPrompt, nDecode }) =>
    wllama.createCompletion({
      prompt: "\n".repeat(nPrompt - 2), // an id each in any LLaMA vocabulary, behind BOS and a space
      max_tokens: nDecode + 1,
      temperature: 0,
      cache_prompt: false,
      ignore_eos: true,
    });
  await complete({ nPrompt: plan.requests[0].nPrompt, nDecode: 0 });
  const firstTokenAtMs = performance.timeOrigin + performance.now();

  const requests = [];
  for (const request of plan.requests) {
    const { timings } = await complete(request);
    requests.push({
      ...request,
      promptRate: timings.prompt_per_second,
      decodeRate: request.nDecode === 0 ? 0 : timings.predicted_per_second,
    });
  }
  return { version: "wllama", loadMs, firstTokenAtMs, requests, ids: [] };
}
