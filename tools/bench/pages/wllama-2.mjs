// wllama 2: llama.cpp compiled to WebAssembly, driven token by token.

import { LoggerWithoutDebug, Wllama } from "/node_modules/wllama-2/esm/index.js";

const FILES = "/node_modules/wllama-2/esm";
const WASM = {
  "single-thread/wllama.wasm": `${FILES}/single-thread/wllama.wasm`,
  "multi-thread/wllama.wasm": `${FILES}/multi-thread/wllama.wasm`,
};

export async function run(file, plan) {
  const startMs = performance.now();
  const wllama = new Wllama(WASM, { suppressNativeLog: true, logger: LoggerWithoutDebug });
  await wllama.loadModel([file], { n_ctx: plan.contextTokens, n_batch: 512, n_threads: plan.threads });
  await wllama.samplingInit({ temp: 0 });
  const loadMs = performance.now() - startMs;
  if (wllama.getNumThreads() !== plan.threads) throw new Error(`it took ${wllama.getNumThreads()} threads`);

  const chosen = [];
  const choose = async () => (await wllama.samplingSample()).token;
  await wllama.decode(plan.ids.slice(0, plan.requests[0].nPrompt), {});
  await choose();
  const firstTokenAtMs = performance.timeOrigin + performance.now();

  const requests = [];
  for (const { nPrompt, nDecode } of plan.requests) {
    await wllama.kvClear();
    const start = performance.now();
    await wllama.decode(plan.ids.slice(0, nPrompt), {});
    const ids = [await choose()];
    const middle = performance.now();
    for (let i = 0; i < nDecode; i++) {
      await wllama.decode(ids.slice(-1), {});
      ids.push(await choose());
    }
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
  return { version: "wllama", loadMs, firstTokenAtMs, requests, ids: chosen };
}
