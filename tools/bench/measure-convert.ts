// How fast ll-convert makes a GGUF file of a Hugging Face directory, and how much memory it takes: a LLaMA of random bf16 weights in shards.
//
//   node --conditions=@ll/source tools/bench/measure-convert.ts [--mib 1024] [--rounds 3] [--types auto,f16,q8_0] [--folder DIR]

import { spawn } from "node:child_process";
import { mkdtemp, open, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { median } from "./statistics.ts";

const MIB = 1024 * 1024;
const BIN = join(import.meta.dirname, "..", "..", "apps", "cli", "src", "bin.ts");
const [WIDTH, FF_WIDTH, N_HEADS, N_KV_HEADS, N_VOCAB] = [2048, 5632, 32, 8, 257];
const SHARD_BYTES = 512 * MIB;
/** What a program says of itself as it ends. */
const REPORT = `data:text/javascript,${encodeURIComponent(
  'process.on("exit", () => process.stderr.write("\\n" + JSON.stringify(process.resourceUsage())));',
)}`;

type Tensor = readonly [name: string, shape: readonly number[]];

const { values } = parseArgs({
  options: {
    mib: { type: "string", default: "1024" },
    rounds: { type: "string", default: "3" },
    types: { type: "string", default: "auto,f16,q8_0" },
    folder: { type: "string", default: tmpdir() },
  },
});
const folder = await mkdtemp(join(values.folder, "ll-measure-convert-"));
try {
  const bytes = await makeModel(folder, Number(values.mib) * MIB);
  console.log(`${(bytes / MIB).toFixed(0)} MiB of bf16, medians of ${values.rounds} rounds`);
  for (const type of values.types.split(",")) {
    const runs: Awaited<ReturnType<typeof convert>>[] = [];
    for (let round = 0; round < Number(values.rounds); round++) runs.push(await convert(folder, type));
    const of = (key: keyof (typeof runs)[number]): number => median(runs.map((run) => run[key]));
    const rate = bytes / 1000 / of("ms");
    console.log(
      `${type}: ${rate.toFixed(0)} MB/s, ${of("cpuSeconds").toFixed(1)} s of the processor, at most ${of("peakMib").toFixed(0)} MiB of memory`,
    );
  }
} finally {
  await rm(folder, { recursive: true });
}

async function convert(model: string, type: string): Promise<{ ms: number; cpuSeconds: number; peakMib: number }> {
  const out = join(model, "out.gguf");
  const node = ["--conditions=@ll/source", "--no-warnings", "--import", REPORT, BIN];
  const begin = performance.now();
  const child = spawn(process.execPath, [...node, "convert", model, "--outtype", type, "--outfile", out], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  let said = "";
  child.stderr.on("data", (bytes) => {
    said += bytes;
  });
  const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
  if (code !== 0) throw new Error(`ll-convert ended with ${code}: ${said}`);
  const ms = performance.now() - begin;
  await rm(out);
  const usage = JSON.parse(said.slice(said.lastIndexOf("\n") + 1)) as NodeJS.ResourceUsage;
  const cpuSeconds = (usage.userCPUTime + usage.systemCPUTime) / 1e6;
  return { ms, cpuSeconds, peakMib: usage.maxRSS / 1024 };
}

/** @returns bytes of all weights */
async function makeModel(path: string, bytes: number): Promise<number> {
  const kvWidth = (WIDTH / N_HEADS) * N_KV_HEADS;
  const layerBytes = 2 * (2 * WIDTH * WIDTH + 2 * kvWidth * WIDTH + 3 * FF_WIDTH * WIDTH);
  const nLayers = Math.max(1, Math.round(bytes / layerBytes));
  const config = {
    ...{ architectures: ["LlamaForCausalLM"], model_type: "llama", vocab_size: N_VOCAB, num_hidden_layers: nLayers },
    ...{ hidden_size: WIDTH, intermediate_size: FF_WIDTH, num_attention_heads: N_HEADS, rms_norm_eps: 1e-5 },
    ...{ num_key_value_heads: N_KV_HEADS, max_position_embeddings: 4096, rope_theta: 10000, torch_dtype: "bfloat16" },
    ...{ bos_token_id: 256, eos_token_id: 256, tie_word_embeddings: false },
  };
  await writeFile(join(path, "config.json"), JSON.stringify(config));
  await writeFile(join(path, "tokenizer.json"), JSON.stringify(tokenizerJson()));
  const layers = Array.from({ length: nLayers }, (_, i): Tensor[] => [
    [`model.layers.${i}.input_layernorm.weight`, [WIDTH]],
    [`model.layers.${i}.self_attn.q_proj.weight`, [WIDTH, WIDTH]],
    [`model.layers.${i}.self_attn.k_proj.weight`, [kvWidth, WIDTH]],
    [`model.layers.${i}.self_attn.v_proj.weight`, [kvWidth, WIDTH]],
    [`model.layers.${i}.self_attn.o_proj.weight`, [WIDTH, WIDTH]],
    [`model.layers.${i}.post_attention_layernorm.weight`, [WIDTH]],
    [`model.layers.${i}.mlp.gate_proj.weight`, [FF_WIDTH, WIDTH]],
    [`model.layers.${i}.mlp.up_proj.weight`, [FF_WIDTH, WIDTH]],
    [`model.layers.${i}.mlp.down_proj.weight`, [WIDTH, FF_WIDTH]],
  ]);
  const ends: Tensor[] = [
    ["model.embed_tokens.weight", [N_VOCAB, WIDTH]],
    ["model.norm.weight", [WIDTH]],
    ["lm_head.weight", [N_VOCAB, WIDTH]],
  ];
  const perShard = Math.max(1, Math.floor(SHARD_BYTES / layerBytes));
  const shards: Tensor[][] = [ends];
  for (let i = 0; i < nLayers; i += perShard) shards.push(layers.slice(i, i + perShard).flat());
  const weightMap: Record<string, string> = {};
  let total = 0;
  for (const [i, tensors] of shards.entries()) {
    const name = `model-${String(i + 1).padStart(5, "0")}-of-${String(shards.length).padStart(5, "0")}.safetensors`;
    for (const [tensor] of tensors) weightMap[tensor] = name;
    await writeShard(join(path, name), tensors);
    total += (await stat(join(path, name))).size;
  }
  const index = { metadata: { total_size: total }, weight_map: weightMap };
  await writeFile(join(path, "model.safetensors.index.json"), JSON.stringify(index));
  return total;
}

async function writeShard(path: string, tensors: readonly Tensor[]): Promise<void> {
  const header: Record<string, { dtype: "BF16"; shape: readonly number[]; data_offsets: readonly number[] }> = {};
  let end = 0;
  for (const [name, shape] of tensors) {
    const start = end;
    end += 2 * shape.reduce((product, size) => product * size, 1);
    header[name] = { dtype: "BF16", shape, data_offsets: [start, end] };
  }
  const text = new TextEncoder().encode(JSON.stringify(header));
  const file = await open(path, "wx");
  await file.write(new BigUint64Array([BigInt(text.length)]));
  await file.write(text);
  // noise of magnitude 0.02 or so, the same MiB again and again
  const noise = Uint16Array.from(
    { length: MIB / 2 },
    (_, i) => 0x3c80 | (Math.imul(i, 0x9e3779b1) >>> 25) | ((i & 1) << 15),
  );
  for (let at = 0; at < end; at += MIB) await file.write(new Uint8Array(noise.buffer, 0, Math.min(MIB, end - at)));
  await file.close();
}

/** A letter for each byte, and no merges. */
function tokenizerJson(): object {
  let next = 256;
  const isShown = (byte: number): boolean => (byte > 32 && byte < 127) || (byte > 160 && byte !== 173);
  const letters = Array.from({ length: 256 }, (_, byte) => String.fromCharCode(isShown(byte) ? byte : next++));
  return {
    added_tokens: [{ id: 256, content: "<|end|>", special: true, normalized: false }],
    pre_tokenizer: { type: "ByteLevel", add_prefix_space: false, use_regex: true },
    model: { type: "BPE", vocab: Object.fromEntries(letters.map((letter, id) => [letter, id])), merges: [] },
  };
}
