// Writes the logits of a GGUF model, for comparisons with other programs: all rows of a prompt in one batch from position 0,
// (tokens, vocabulary) in binary32, little-endian. Prints the ids that arg-max chooses behind the prompt as JSON.
//
//   node --conditions=@ll/source tools/family-logits.ts MODEL.gguf TOKENS.json OUT.f32
//     [--engine scalar|fast] [--threads N] [--kernels simd|relaxed|wide] [--arithmetic build803|lanes]
//     [--context N] [--kv f32|f16|q8_0] [--greedy N]

import { readFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { createOutFile, openFileSource } from "@ll/bytes/node";
import { metadataGetter, openGguf } from "@ll/gguf";
import {
  type Context,
  configFromGguf,
  createScalarModel,
  KV_TYPES,
  type LoadModelOptions,
  loadModel,
  loadWeights,
  type Model,
  type ScalarModelOptions,
} from "@ll/llama";

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    engine: { type: "string", default: "fast" },
    threads: { type: "string", default: "1" },
    kernels: { type: "string" },
    arithmetic: { type: "string", default: "lanes" },
    context: { type: "string", default: "512" },
    kv: { type: "string", default: "f32" },
    greedy: { type: "string", default: "0" },
  },
});
const [modelPath, tokensPath, outPath] = positionals;
if (modelPath === undefined || tokensPath === undefined || outPath === undefined || positionals.length > 3) {
  throw new TypeError("usage: family-logits.ts MODEL.gguf TOKENS.json OUT.f32 [options, see the head of this file]");
}

const tokens = JSON.parse(await readFile(tokensPath, "utf8")) as number[];
const source = await openFileSource(modelPath);
try {
  const model = await openModel();
  const context = await model.createContext({
    contextTokens: count("context"),
    kvType: oneOf("kv", KV_TYPES),
  });
  const logits = await context.evaluate(tokens, 0, { logits: "all" }); // (tokens, nVocab)
  const out = await createOutFile(outPath, { inputs: [modelPath, tokensPath] });
  await out.write(new Uint8Array(logits.buffer, logits.byteOffset, logits.byteLength));
  await out.commit();
  console.log(JSON.stringify(await chooseGreedily(context, logits.slice(-model.config.nVocab), count("greedy", 0))));
  await model.dispose();
} finally {
  await source.close();
}

async function openModel(): Promise<Model> {
  const file = await openGguf(source);
  const config = configFromGguf(metadataGetter(file.metadata), {}, modelPath);
  const arithmetic = oneOf<ScalarModelOptions["arithmetic"] & string>("arithmetic", ["lanes", "build803"]);
  if (oneOf("engine", ["fast", "scalar"]) === "scalar") {
    return createScalarModel(await loadWeights(file, config), { arithmetic });
  }
  const kernels = options.kernels as LoadModelOptions["kernels"]; // loadModel says which there are
  return loadModel(file, config, { threads: count("threads"), kernels, arithmetic });
}

/** The ids with the largest logits, one after the other, the lowest of equal ones. `logits`: (nVocab), behind the prompt. */
async function chooseGreedily(context: Context, logits: Float32Array, n: number): Promise<number[]> {
  const ids: number[] = [];
  let row = logits;
  while (ids.length < n) {
    if (ids.length > 0) row = await context.evaluate(ids.slice(-1), tokens.length + ids.length - 1);
    ids.push(row.reduce((best, x, id) => (x > (row[best] as number) ? id : best), 0));
  }
  return ids;
}

function count(name: "threads" | "context" | "greedy", min = 1): number {
  const n = Number(options[name]);
  if (!Number.isSafeInteger(n) || n < min) throw new TypeError(`--${name}: expected a number, got ${options[name]}`);
  return n;
}

function oneOf<Name extends string>(option: "engine" | "arithmetic" | "kv", names: readonly Name[]): Name {
  const name = names.find((known) => known === options[option]);
  if (name === undefined) throw new TypeError(`--${option}: expected ${names.join(" or ")}, got ${options[option]}`);
  return name;
}
