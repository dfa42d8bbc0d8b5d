// Does a model whose weights need more than one 4 GiB memory per thread compute the same? Makes a model of the 13B shape (7.3 GB)
// and a copy of its first two layers, and compares greedy tokens: the copy's with those of the scalar engine, the whole model's
// with 1, 2 and 3 threads. Exit code 1 if any differ.
//   node --conditions=@ll/source tools/bench/check-13b.ts

import { openFileSource } from "@ll/bytes/node";
import { openGgml } from "@ll/ggml-format";
import { configFromGgml, type LoadModelOptions, loadModel, type ModelConfig, type TensorSource } from "@ll/llama";
import { createSampler } from "@ll/sampling";
import { ggjtModel } from "./models.ts";
import { promptIds } from "./plan.ts";

const CONTEXT_TOKENS = 2048;
const N_LAYERS_OF_COPY = 2;

const { ggjt, nVocab } = await ggjtModel("13b");
const source = await openFileSource(ggjt);
const file = await openGgml(source);
const config = configFromGgml(file.hyperParams);
const prompt = promptIds(16, nVocab);

await compare("first 2 layers, 16 tokens", { ...config, nLayers: N_LAYERS_OF_COPY }, 16, [
  { kernels: "scalar" },
  { threads: 1 },
  { threads: 2 },
  { threads: 3 },
]);
await compare("all 40 layers, 32 tokens", config, 32, [{ threads: 1 }, { threads: 2 }, { threads: 3 }]);
await source.close();

async function compare(name: string, config: ModelConfig, n: number, all: readonly LoadModelOptions[]): Promise<void> {
  let expected: string | undefined;
  for (const options of all) {
    const start = performance.now();
    const model = await loadModel(weights(config), config, options);
    const loadS = (performance.now() - start) / 1000;
    const context = await model.createContext({ contextTokens: CONTEXT_TOKENS });
    const sampler = createSampler({ stages: [{ kind: "greedy" }], seed: 1, nVocab });
    const ids = [sampler.sample(await context.evaluate(prompt, 0))];
    while (ids.length < n) {
      ids.push(sampler.sample(await context.evaluate([ids.at(-1) as number], prompt.length + ids.length - 1)));
    }
    await model.dispose();
    const text = ids.join(" ");
    expected ??= text;
    const verdict = text === expected ? "same" : "DIFFERENT";
    if (text !== expected) process.exitCode = 1;
    console.log(`${name}, ${JSON.stringify(options)}: ${verdict}, loaded in ${loadS.toFixed(1)} s: ${text}`);
  }
}

/** The file, without the layers that `config` leaves out. */
function weights({ nLayers }: ModelConfig): TensorSource {
  const isKept = (name: string): boolean => !(Number(name.split(".")[1]) >= nLayers);
  return { names: () => [...file.names()].filter(isKept), tensor: (name) => file.tensor(name) };
}
