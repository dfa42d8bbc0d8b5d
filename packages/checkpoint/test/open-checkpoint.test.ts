// Models on disk in every layout, made here from the same weights: whatever the layout, the same tensors come out.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type ByteSource, isIoError } from "@ll/bytes";
import { describe, expect, it } from "vitest";
import type { GgmlModelFile } from "../src/ggml-checkpoint.ts";
import { openCheckpoint, openStoredTensors } from "../src/open-checkpoint.ts";
import type { CheckpointEvent, StoredTensors } from "../src/open-folder.ts";
import { concat, f32s, u32 } from "./support/bytes.ts";
import { expectRejected } from "./support/expect-rejected.ts";
import { directoryWith, readAll } from "./support/files.ts";
import { safetensorsFile } from "./support/safetensors-writer.ts";
import {
  CONFIG_JSON,
  hfTensors,
  type ModelSize,
  metaShapes,
  metaTensors,
  PARAMS_JSON,
  SIZE,
} from "./support/tiny-model.ts";
import { type TensorData, torchFile } from "./support/torch-writer.ts";

type Files = Record<string, Uint8Array | string>;

/** Opens the model in these files and holds its tensors against `expected`. */
async function expectModel(files: Files, expected: ReadonlyMap<string, TensorData>, path = "") {
  const events: CheckpointEvent[] = [];
  const directory = directoryWith(files);
  const checkpoint = await openCheckpoint(join(directory, path), { onEvent: (event) => events.push(event) });
  expect([...checkpoint.names()]).toEqual([...expected.keys()]);
  expect(checkpoint.tensors.map((tensor) => tensor.name)).toEqual([...expected.keys()]);
  for (const [name, data] of expected) {
    const tensor = checkpoint.tensor(name)!;
    expect(tensor).toMatchObject({ name, type: data.type, shape: data.shape });
    expect(await readAll(tensor, 100), name).toEqual(data.bytes);
  }
  await checkpoint.verify();
  await checkpoint.close();
  expect(events.filter((event) => event.kind === "loading-file").map((event) => event.path)).toEqual(checkpoint.files);
  const warned = events.filter((event) => event.kind === "warning").map(({ code }) => code);
  expect(warned).toEqual(checkpoint.warnings.map(({ code }) => code));
  return { ...checkpoint, warned, directory };
}

const META = metaTensors();
const HF = hfTensors(META);

/** `tensors` dealt out to `n` files. */
function dealt(tensors: ReadonlyMap<string, TensorData>, n: number): Map<string, TensorData>[] {
  return Array.from({ length: n }, (_, i) => new Map([...tensors].filter((_entry, index) => index % n === i)));
}

describe("openCheckpoint", () => {
  it("reads Meta's layout", async () => {
    const opened = await expectModel({ "consolidated.00.pth": torchFile(META), "params.json": PARAMS_JSON }, META);
    expect(opened.format).toBe("torch");
    expect(opened.params).toEqual({ ...SIZE, nMult: 32, normEps: 1e-5, origin: "params.json" });
  });

  it("reads one safetensors file", async () => {
    const opened = await expectModel({ "model.safetensors": safetensorsFile(HF), "config.json": CONFIG_JSON }, META);
    expect(opened.format).toBe("safetensors");
    expect(opened.params).toEqual({ ...SIZE, nMult: 64, normEps: 1e-5, origin: "config.json" });
  });

  it("reads numbered safetensors files, each once", async () => {
    const files = dealt(HF, 3).map((part, i): [string, Uint8Array] => [
      `model-0000${i + 1}-of-00003.safetensors`,
      safetensorsFile(part),
    ]);
    const opened = await expectModel({ ...Object.fromEntries(files), "config.json": CONFIG_JSON }, META);
    expect(opened.files).toHaveLength(3);
  });

  it("reads pytorch_model.bin, whole and numbered", async () => {
    await expectModel({ "pytorch_model.bin": torchFile(HF), "config.json": CONFIG_JSON }, META);
    const [first, second] = dealt(HF, 2);
    const numbered = {
      "pytorch_model-00001-of-00002.bin": torchFile(first!),
      "pytorch_model-00002-of-00002.bin": torchFile(second!),
      "config.json": CONFIG_JSON,
    };
    await expectModel(numbered, META);
    const weightMap = [first!, second!].flatMap((part, i) =>
      [...part.keys()].map((name): [string, string] => [name, `pytorch_model-0000${i + 1}-of-00002.bin`]),
    );
    const index = JSON.stringify({ weight_map: Object.fromEntries(weightMap) });
    await expectModel({ ...numbered, "pytorch_model.bin.index.json": index }, META);
  });

  it("takes any file of a set for the set", async () => {
    const [first, second] = dealt(HF, 2);
    const files = {
      "pytorch_model-00001-of-00002.bin": torchFile(first!),
      "pytorch_model-00002-of-00002.bin": torchFile(second!),
      "config.json": CONFIG_JSON,
    };
    await expectModel(files, META, "pytorch_model-00002-of-00002.bin");
    await expectModel({ "some model.pt": torchFile(META), "params.json": PARAMS_JSON }, META, "some model.pt");
  });

  it("prefers safetensors to .pth files and says so", async () => {
    const files = {
      "model.safetensors": safetensorsFile(HF),
      "consolidated.00.pth": "not even opened",
      "config.json": CONFIG_JSON,
    };
    expect((await expectModel(files, META)).warned).toEqual(["other-files"]);
  });

  it("uses the embeddings for a missing output matrix and says so", async () => {
    const tied = new Map(HF);
    tied.delete("lm_head.weight");
    const expected = new Map(META).set("output.weight", META.get("tok_embeddings.weight")!);
    const files = { "model.safetensors": safetensorsFile(tied), "config.json": CONFIG_JSON };
    expect((await expectModel(files, expected)).warned).toEqual(["tied-output"]);
  });

  it("gives the rows of k in heads of their own number", async () => {
    const size: ModelSize = { ...SIZE, nHeads: 4, nKvHeads: 2 };
    const meta = metaTensors(size);
    const config = CONFIG_JSON.replace('"num_attention_heads":2', '"num_attention_heads":4,"num_key_value_heads":2');
    const hf = safetensorsFile(hfTensors(meta, size));
    const opened = await expectModel({ "model.safetensors": hf, "config.json": config }, meta);
    expect(opened.params).toMatchObject({ nHeads: 4, nKvHeads: 2 });
    const params = PARAMS_JSON.replace('"n_heads": 2', '"n_heads": 4, "n_kv_heads": 2');
    await expectModel({ "consolidated.00.pth": torchFile(meta), "params.json": params }, meta);
  });

  it("takes q, k and v out of Baichuan's packed matrix", async () => {
    const packed = new Map(HF);
    for (let i = 0; i < SIZE.nLayers; i++) {
      const names = ["q", "k", "v"].map((part) => `model.layers.${i}.self_attn.${part}_proj.weight`);
      const bytes = concat(...names.map((name) => packed.get(name)!.bytes));
      for (const name of names) packed.delete(name);
      packed.set(`model.layers.${i}.self_attn.W_pack.weight`, { type: "f32", shape: [48, 16], bytes });
    }
    const config = CONFIG_JSON.replace('"llama"', '"baichuan"');
    await expectModel({ "pytorch_model.bin": torchFile(packed), "config.json": config }, META);
    for (const shape of [[47, 16], [768]]) {
      const bad = { type: "f32", shape, bytes: new Uint8Array(shape.reduce((a, b) => a * b, 4)) };
      packed.set("model.layers.1.self_attn.W_pack.weight", bad);
      const model = directoryWith({ "pytorch_model.bin": torchFile(packed), "config.json": config });
      await expectRejected(() => openCheckpoint(model), "E_SHAPE");
    }
  });

  it("reads transposed and cut-out tensors right", async () => {
    const odd = new Map(META);
    const { shape, bytes } = META.get("layers.0.feed_forward.w1.weight")!;
    const [rows, columns] = shape as [number, number];
    const values = new Float32Array(bytes.slice().buffer);
    // the storage holds a matrix of its own, 3 values before each column
    const storage = new Float32Array((rows + 3) * columns);
    for (let r = 0; r < rows; r++)
      for (let c = 0; c < columns; c++) storage[c * (rows + 3) + 3 + r] = values[r * columns + c]!;
    const strided = { type: "f32", shape, bytes: f32s(storage), strides: [1, rows + 3], offset: 3 };
    odd.set("layers.0.feed_forward.w1.weight", strided);
    await expectModel({ "consolidated.00.pth": torchFile(odd), "params.json": PARAMS_JSON }, META);
  });

  it("leaves out rotary tables and biases of zeros", async () => {
    const extra = new Map(HF)
      .set("model.layers.0.self_attn.rotary_emb.inv_freq", { type: "f32", shape: [4], bytes: f32s([1, 2, 3, 4]) })
      .set("model.layers.0.self_attn.q_proj.bias", { type: "f32", shape: [16], bytes: new Uint8Array(64) });
    const files = { "pytorch_model.bin": torchFile(extra), "config.json": CONFIG_JSON };
    const opened = await expectModel(files, META);
    expect(opened.warned).toEqual([]);
    expect(opened.storedTensors.size).toBe(HF.size + 2);
  });

  it("warns of parameters it does not know", async () => {
    const params = PARAMS_JSON.replace("{", '{"use_scaled_rope": false, "use_cache": true, ');
    const opened = await expectModel({ "consolidated.00.pth": torchFile(META), "params.json": params }, META);
    expect(opened.warned).toEqual(["unknown-params"]);
  });

  it("uses config.json for Meta's names if there is no params.json", async () => {
    const opened = await expectModel({ "consolidated.00.pth": torchFile(META), "config.json": CONFIG_JSON }, META);
    expect(opened.params.origin).toBe("config.json");
  });

  it("guesses what build 803 guesses if there is no configuration, and says so", async () => {
    const size: ModelSize = { nVocab: 4, nEmbd: 256, nHeads: 2, nKvHeads: 2, nLayers: 1, nFf: 768 };
    const meta = metaTensors(size, "f16");
    const opened = await expectModel({ "consolidated.00.pth": torchFile(meta) }, meta);
    expect(opened.params).toEqual({ ...size, nMult: 256, origin: "guess" });
    expect(opened.warned).toEqual(["guessed-params"]);
    await expectRejected(() => openCheckpoint(directoryWith({ "consolidated.00.pth": torchFile(META) })), "E_HPARAM");
  });

  it("finds added_tokens.json and tokenizer.model, also one directory up", async () => {
    const model = { "consolidated.00.pth": torchFile(META), "params.json": PARAMS_JSON };
    const files = {
      ...Object.fromEntries(Object.entries(model).map(([name, content]) => [`7B/${name}`, content])),
      "7B/added_tokens.json": '{"[PAD]": 32000, "constructor": 32001}',
      "tokenizer.model": "",
    };
    const opened = await expectModel(files, META, "7B");
    expect([...opened.addedTokens!]).toEqual([
      ["[PAD]", 32000],
      ["constructor", 32001],
    ]);
    expect(opened.tokenizerPaths).toEqual([join(opened.directory, "tokenizer.model")]);
  });

  it("reads llama2.c files with an output matrix of their own", async () => {
    const headDim = SIZE.nEmbd / SIZE.nHeads;
    const header = [16, 64, 2, 2, 2, -10, 8].map((n) => u32(n >>> 0));
    const layers = (name: string) => [0, 1].map((i) => META.get(`layers.${i}.${name}.weight`)!.bytes);
    const parts = [META.get("tok_embeddings.weight")!.bytes];
    for (const name of ["attention_norm", "attention.wq", "attention.wk", "attention.wv", "attention.wo"])
      parts.push(...layers(name));
    for (const name of ["ffn_norm", "feed_forward.w1", "feed_forward.w2", "feed_forward.w3"])
      parts.push(...layers(name));
    parts.push(META.get("norm.weight")!.bytes, new Uint8Array(8 * headDim * 4), META.get("output.weight")!.bytes);
    const file = concat(...header, ...parts);
    const opened = await expectModel({ "model.bin": file }, META, "model.bin");
    expect(opened.format).toBe("llama2c");
    expect(opened.params).toMatchObject({ ...SIZE, nMult: 64, contextTokens: 8, origin: "header" });
    expect(opened.warned).toEqual([]);
    // one byte more or less and it is no such file
    await expectRejected(() => openCheckpoint(join(directoryWith({ "m.bin": concat(file, [0]) }), "m.bin")), "E_MAGIC");
    await expectRejected(() => openCheckpoint(join(directoryWith({ "m.bin": file.subarray(1) }), "m.bin")), "E_MAGIC");
  });

  it("reads ggml files through a reader that it is given", async () => {
    const parts: StoredTensors[] = [];
    const vocab = [{ text: new Uint8Array(0), score: 0 }];
    const openGgml = async ({ name }: ByteSource): Promise<GgmlModelFile> => {
      const part = await openStoredTensors(name.replace("ggml-model-f16.bin", "inner.pth"), { single: true });
      parts.push(part);
      return {
        hyperParams: { nVocab: 10, nEmbd: 16, nMult: 32, nHead: 2, nLayer: 2 },
        container: { hasScores: true },
        vocab,
        names: () => part.storedTensors.keys(),
        tensor: (name) => part.storedTensors.get(name),
      };
    };
    const directory = directoryWith({ "ggml-model-f16.bin": concat("tjgg", u32(1)), "inner.pth": torchFile(META) });
    const checkpoint = await openCheckpoint(directory, { openGgml });
    expect(checkpoint.format).toBe("ggml");
    expect(checkpoint.params).toEqual({ ...SIZE, nMult: 32, origin: "header" });
    expect(checkpoint.vocab).toBe(vocab);
    for (const [name, data] of META) expect(await readAll(checkpoint.tensor(name)!)).toEqual(data.bytes);
    await checkpoint.verify();
    await checkpoint.close();
    for (const part of parts) await part.close();
    await expectRejected(() => openCheckpoint(directory), "E_UNSUPPORTED");
  });

  it("notices that a file changed while it was open", async () => {
    const directory = directoryWith({ "consolidated.00.pth": torchFile(META), "params.json": PARAMS_JSON });
    const checkpoint = await openCheckpoint(directory);
    writeFileSync(join(directory, "consolidated.00.pth"), "something shorter");
    await expect(checkpoint.verify()).rejects.toSatisfy((error) => isIoError(error, "E_CHANGED"));
    await checkpoint.close();
  });
});

describe("which files are opened", () => {
  const rows: readonly (readonly [row: string, files: Files, code: string, message: RegExp])[] = [
    ["an empty directory", {}, "E_INPUT", /Can't find model in directory/],
    [
      "two models",
      { "a.pt": "", "b.pt": "" },
      "E_INPUT",
      /Found multiple models in .*, not sure which to pick: \[.*a\.pt, .*b\.pt\]/,
    ],
    ["two kinds of model", { "a.pt": "", "pytorch_model.bin": "" }, "E_INPUT", /Found multiple models/],
    ["two ggml files", { "ggml-model-f16.bin": "", "ggml-model-q4_0.bin": "" }, "E_INPUT", /Found multiple models/],
    [
      "two formats in one set",
      { "x.00.pth": torchFile(META), "x.01.pth": safetensorsFile(HF) },
      "E_INPUT",
      /another format/,
    ],
  ];
  it.each(rows)("refuses %s", async (row, files, code, message) => {
    const directory = directoryWith(files);
    const path = row.endsWith("one set") ? join(directory, "x.00.pth") : directory;
    expect((await expectRejected(() => openCheckpoint(path), code)).message).toMatch(message);
  });

  it.each(["x-00001-of-00000.bin", "x-00001-of-00002"])("refuses %s alone: its set is not whole", async (name) => {
    const directory = directoryWith({ [name]: torchFile(META) });
    await expectRejected(() => openCheckpoint(join(directory, name)), "E_SHARD");
  });

  it("says so if there is nothing at the path", async () => {
    await expect(openCheckpoint("/nowhere/at all")).rejects.toSatisfy((error) => isIoError(error, "E_IO"));
  });

  it("opens one file of a set alone, for a look inside", async () => {
    const [first, second] = dealt(HF, 2);
    const files = {
      "model-00001-of-00002.safetensors": safetensorsFile(first!),
      "model-00002-of-00002.safetensors": safetensorsFile(second!),
    };
    const directory = directoryWith(files);
    const single = await openStoredTensors(join(directory, "model-00002-of-00002.safetensors"), { single: true });
    expect([...single.storedTensors.keys()]).toEqual([...second!.keys()]);
    await single.close();
    const all = await openStoredTensors(directory);
    expect(all.storedTensors.size).toBe(HF.size);
    expect(all.files).toHaveLength(2);
    await all.close();
  });
});

it("the tiny test model has the sizes it says", () => {
  expect([...META.keys()]).toEqual([...metaShapes().keys()]);
  expect(META.size).toBe(3 + 9 * SIZE.nLayers);
});
