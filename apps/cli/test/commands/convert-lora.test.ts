// Adapters of PEFT: what ll-convert --lora writes, applied to a converted model, gives the converted model of merged weights.

import { cp, mkdir, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { openFileSource } from "@ll/bytes/node";
import { openGgml, openLora } from "@ll/ggml-format";
import { withLora } from "@ll/model";
import { describe, expect, onTestFinished, test } from "vitest";
import { safetensorsFile } from "../../../../packages/checkpoint/test/support/safetensors-writer.ts";
import { type TensorData, torchFile } from "../../../../packages/checkpoint/test/support/torch-writer.ts";
import { writeGgjt, writeHf } from "../models.ts";
import { runHere, temporaryDirectory } from "../programs.ts";

const EMBD = 64;
const FF = 192;
const RANK = 2;
const CONFIG = {
  peft_type: "LORA",
  r: RANK,
  lora_alpha: 6,
  fan_in_fan_out: false,
  bias: "none",
  modules_to_save: null,
};

const convert = (...argv: string[]) => runHere("ll-convert", argv);

/** Small whole numbers, so that sums and products are exact. */
function values(n: number, seed: number): Float32Array<ArrayBuffer> {
  return Float32Array.from({ length: n }, (_, i) => ((i * 7 + seed * 13) % 11) - 5);
}

/** Rows and columns of what an adapter may touch, by its name in Hugging Face's layers. */
function shapes(nKvHeads: number): [name: string, rows: number, columns: number][] {
  return [
    ["self_attn.q_proj", EMBD, EMBD],
    ["self_attn.k_proj", 16 * nKvHeads, EMBD],
    ["self_attn.v_proj", 16 * nKvHeads, EMBD],
    ["self_attn.o_proj", EMBD, EMBD],
    ["mlp.gate_proj", FF, EMBD],
    ["mlp.down_proj", EMBD, FF],
    ["mlp.up_proj", FF, EMBD],
  ];
}

function data(shape: readonly number[], floats: Float32Array<ArrayBuffer>): TensorData {
  return { type: "f32", shape, bytes: new Uint8Array(floats.buffer) };
}

interface AdapterOptions {
  readonly file?: "adapter_model.safetensors" | "adapter_model.bin";
  readonly config?: Record<string, unknown>;
  readonly infix?: string;
  readonly change?: (tensors: Map<string, TensorData>) => void;
}

/** A PEFT adapter for all matrices of the layer in `writeHf`, and the layer's weights with it merged into zeros. */
async function writeAdapter(
  directory: string,
  nKvHeads: number,
  options: AdapterOptions = {},
): Promise<Map<string, TensorData>> {
  const { file = "adapter_model.safetensors", config = {}, infix = "" } = options;
  await mkdir(directory, { recursive: true });
  const tensors = new Map<string, TensorData>();
  const merged = new Map<string, TensorData>();
  for (const [seed, [name, rows, columns]] of shapes(nKvHeads).entries()) {
    const a = values(RANK * columns, seed); // (RANK, columns)
    const b = values(rows * RANK, seed + 50); // (rows, RANK)
    const key = `base_model.model.model.layers.0.${name}`;
    tensors.set(`${key}.lora_A${infix}.weight`, data([RANK, columns], a));
    tensors.set(`${key}.lora_B${infix}.weight`, data([rows, RANK], b));
    const product = Float32Array.from({ length: rows * columns }, (_, i) => {
      const [y, x] = [Math.floor(i / columns), i % columns];
      return 0 + 3 * (b[y * 2]! * a[x]! + b[y * 2 + 1]! * a[columns + x]!);
    });
    merged.set(`model.layers.0.${name}.weight`, data([rows, columns], product));
  }
  options.change?.(tensors);
  await writeFile(join(directory, "adapter_config.json"), JSON.stringify({ ...CONFIG, ...config }));
  await writeFile(join(directory, file), file.endsWith(".bin") ? torchFile(tensors) : safetensorsFile(tensors));
  return merged;
}

/** All tensors of `writeHf`, those of `merged` with its values. */
async function writeMerged(directory: string, base: string, merged: Map<string, TensorData>): Promise<void> {
  await mkdir(directory);
  await cp(join(base, "config.json"), join(directory, "config.json"));
  await cp(join(base, "tokenizer.model"), join(directory, "tokenizer.model"));
  const zeros = (...shape: number[]): TensorData =>
    data(shape, new Float32Array(shape.reduce((n, size) => n * size, 1)));
  const tensors = new Map([
    ["model.embed_tokens.weight", zeros(1024, EMBD)],
    ["model.norm.weight", zeros(EMBD)],
    ["lm_head.weight", zeros(1024, EMBD)],
    ["model.layers.0.input_layernorm.weight", zeros(EMBD)],
    ["model.layers.0.post_attention_layernorm.weight", zeros(EMBD)],
    ...merged,
  ]);
  await writeFile(join(directory, "model.safetensors"), safetensorsFile(tensors));
}

async function converted(model: string): Promise<string> {
  const path = join(model, "out.bin");
  const { code, stderr } = await convert(model, "--outtype", "f32", "--outfile", path);
  expect(code, stderr).toBe(0);
  return path;
}

describe.each([4, 2])("a model with 4 heads and %i key heads", (nKvHeads) => {
  test.each<[string, AdapterOptions]>([
    ["safetensors", {}],
    ["a torch file", { file: "adapter_model.bin" }],
    ["names with .default", { infix: ".default" }],
  ])("%s: the adapter on the base is the merged model, also its queries and keys", async (_name, options) => {
    const directory = await temporaryDirectory();
    const base = await writeHf(join(directory, "base"), { type: "F32", nKvHeads });
    const adapter = join(directory, "adapter");
    await writeMerged(join(directory, "merged"), base, await writeAdapter(adapter, nKvHeads, options));
    const [basePath, mergedPath] = [await converted(base), await converted(join(directory, "merged"))];

    const outcome = await convert("--lora", adapter, base);
    expect(outcome).toMatchObject({ code: 0, stdout: `${adapter}/ggml-adapter-model.bin\n` });
    // the model may as well be the file that the adapter will be used with
    const again = await convert("--lora", adapter, basePath, "--outfile", join(directory, "again.bin"));
    expect(again.code).toBe(0);

    const sources = [basePath, mergedPath, `${adapter}/ggml-adapter-model.bin`, join(directory, "again.bin")];
    const files = await Promise.all(sources.map(openFileSource));
    onTestFinished(async () => {
      for (const file of files) await file.close();
    });
    const [baseFile, mergedFile, loraFile, againFile] = files;
    const merged = await openGgml(mergedFile!);
    for (const file of [loraFile!, againFile!]) {
      const lora = await openLora(file);
      expect({ r: lora.r, alpha: lora.alpha, pairs: lora.pairs.length }).toEqual({ r: 2, alpha: 6, pairs: 7 });
      const patched = withLora(await openGgml(baseFile!), lora);
      for (const name of merged.names()) {
        const [expected, got] = [merged.tensor(name)!, patched.tensor(name)!].map(
          ({ byteLength }) => new Uint8Array(byteLength),
        );
        await merged.tensor(name)!.read(0, expected!);
        await patched.tensor(name)!.read(0, got!);
        expect(Buffer.compare(expected!, got!), name).toBe(0);
      }
    }
  });
});

describe("refused, with nothing written", () => {
  const wq = "base_model.model.model.layers.0.self_attn.q_proj";
  const half = (key: string, shape: number[]) => (tensors: Map<string, TensorData>) =>
    void tensors.set(key, data(shape, values(shape[0]! * shape[1]!, 1)));

  test.each<[string, AdapterOptions, RegExp]>([
    [
      "another method",
      { config: { peft_type: "PREFIX_TUNING" } },
      /unsupported adapter type "PREFIX_TUNING", expected LORA/,
    ],
    ["fan_in_fan_out", { config: { fan_in_fan_out: true } }, /Error: param fan_in_fan_out is not supported/],
    ["biases", { config: { bias: "all" } }, /Error: param bias is not supported/],
    ["modules_to_save", { config: { modules_to_save: ["lm_head"] } }, /Error: param modules_to_save is not supported/],
    ["rank-stabilised scaling", { config: { use_rslora: true } }, /Error: param use_rslora is not supported/],
    ["DoRA", { config: { use_dora: true } }, /Error: param use_dora is not supported/],
    ["ranks of their own", { config: { rank_pattern: { q_proj: 4 } } }, /Error: param rank_pattern is not supported/],
    ["a broken alpha", { config: { lora_alpha: 0.5 } }, /Error: param lora_alpha expected a whole number/],
    ["no r", { config: { r: undefined } }, /Error: param r /],
    ["r that is not the rank", { config: { r: 4 } }, /expected matrices of rank 4, got 2 x 64 and 64 x 2/],
    [
      "an unknown tensor",
      { change: half("x.lora_A.weight", [2, 2]) },
      /Error: unrecognized tensor name x\.lora_A\.weight/,
    ],
    [
      "half a pair",
      { change: (tensors) => void tensors.delete(`${wq}.lora_B.weight`) },
      /half of the pair .*attention\.wq/,
    ],
    ["no tensors", { file: "adapter_model.bin", change: (tensors) => tensors.clear() }, /no tensors/],
    [
      "a wider model",
      { change: half(`${wq}.lora_A.weight`, [2, 128]) },
      /is 64 x 64 in the model, 64 x 128 in the adapter/,
    ],
    [
      "a deeper model",
      {
        change: (t) => {
          half("layers.7.mlp.up_proj.lora_A.weight", [2, 64])(t);
          half("layers.7.mlp.up_proj.lora_B.weight", [192, 2])(t);
        },
      },
      /the model has no tensor layers\.7\.feed_forward\.w3\.weight/,
    ],
  ])("%s", async (_name, options, message) => {
    const directory = await temporaryDirectory();
    const base = await writeHf(join(directory, "base"));
    await writeAdapter(join(directory, "adapter"), 4, options);
    const { code, stdout, stderr } = await convert(
      "--lora",
      join(directory, "adapter"),
      base,
      "--outfile",
      join(directory, "o"),
    );
    expect(stderr).toMatch(message);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect((await convert("--lora", join(directory, "adapter"), base, "--no-clobber")).code).toBe(1);
  });

  test("--json tells what was written", async () => {
    const directory = await temporaryDirectory();
    const base = await writeHf(join(directory, "base"));
    const adapter = join(directory, "adapter");
    await writeAdapter(adapter, 4);
    const { stdout, code } = await convert("--lora", adapter, base, "--json");
    const object = JSON.parse(stdout);
    const file = join(adapter, "ggml-adapter-model.bin");
    expect({ code, object }).toMatchObject({
      code: 0,
      object: { version: 1, input: base, adapter, file, format: "ggla" },
    });
    expect(object.bytes).toBe((await stat(file)).size);
    expect(object.tensors).toHaveLength(14);
  });

  test("a directory without an adapter", async () => {
    const directory = await temporaryDirectory();
    const base = await writeHf(join(directory, "base"));
    expect((await convert("--lora", directory, base)).stderr).toContain("adapter_config.json: No such file");
    await writeFile(join(directory, "adapter_config.json"), JSON.stringify(CONFIG));
    expect((await convert("--lora", directory, base)).stderr).toContain("Can't find adapter_model.safetensors");
    await writeFile(join(directory, "adapter_config.json"), "{");
    expect((await convert("--lora", directory, base)).stderr).toContain("is not JSON");
  });

  test("a model that is none", async () => {
    const directory = await temporaryDirectory();
    await writeAdapter(join(directory, "adapter"), 4);
    const path = await writeGgjt(join(directory, "m.bin"), []);
    expect((await convert("--lora", join(directory, "adapter"), path)).stderr).toContain("the model has no tensor");
    expect((await convert("--lora", join(directory, "adapter"), join(directory, "absent"))).code).toBe(4);
  });

  test("--lora with another mode", async () => {
    const { code, stderr } = await convert("--lora", "a", "m", "--dump");
    expect({ code, stderr }).toMatchObject({ code: 2, stderr: expect.stringContaining("--lora excludes") });
  });
});
