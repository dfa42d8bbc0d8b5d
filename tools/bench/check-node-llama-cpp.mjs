// The part of check-gguf.ts that node-llama-cpp does: loads a model, evaluates sequences of ids, and writes the logits behind every id
// but the last, (ids, nVocab) binary32 each.

import { writeFileSync } from "node:fs";
import { getLlama, LlamaLogLevel } from "node-llama-cpp";

const { path, answer, sequences } = JSON.parse(process.argv.at(-1));
const llama = await getLlama({ gpu: false, build: "never", skipDownload: true, logLevel: LlamaLogLevel.warn });
const model = await llama.loadModel({ modelPath: path, gpuLayers: 0, checkTensors: true });
const context = await model.createContext({ contextSize: 512, flashAttention: false, threads: 1 });
const sequence = context.getSequence();
const nVocab = model.fileInfo.metadata.tokenizer.ggml.tokens.length;
const parts = [];
for (const ids of sequences) {
  await sequence.clearHistory();
  const input = ids.slice(0, -1).map((id) => [id, { generateNext: { logits: true } }]);
  for (const { next } of await sequence.controlledEvaluate(input)) {
    const logits = new Float32Array(nVocab).fill(Number.NaN);
    for (const [id, logit] of next.logits) logits[id] = logit;
    parts.push(logits);
  }
}
writeFileSync(answer, Buffer.concat(parts.map((logits) => Buffer.from(logits.buffer))));
await llama.dispose();
