// Models that do not fit the other container, and files that hold no LLaMA.

import { memorySink, memorySource } from "@ll/bytes";
import { type GgmlFile, openGgml, type SourceTensor } from "@ll/ggml-format";
import { createGgufWriter, type GgufFile, openGguf, tensorBytes, tensorType, type WritableValue } from "@ll/gguf";
import { describe, expect, test } from "vitest";
import { tinyModel } from "../../../tools/tiny-model.ts";
import {
  type ConvertInput,
  contentsOfGgml,
  contentsOfGguf,
  convertCheckpoint,
  convertedBytes,
  type LlamaConfig,
  PieceTypes,
  type VocabPiece,
  vocabFileBytes,
} from "../src/index.ts";
import { f32Bytes, heldTensor, noise } from "./models.ts";

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

const CONFIG: LlamaConfig = {
  architecture: "llama",
  nVocab: 3,
  nEmbd: 32,
  nHeads: 1,
  nKvHeads: 1,
  nLayers: 1,
  nFf: 96,
  rmsNormEps: 1e-6,
  ropeFreqBase: 10000,
  ropeFreqScale: 1,
  nMult: 96,
  ftype: 0,
  trainedContextTokens: undefined,
};

const SHAPES: Readonly<Record<string, number[]>> = {
  "token_embd.weight": [3, 32],
  "output_norm.weight": [32],
  "output.weight": [3, 32],
  "blk.0.attn_q.weight": [32, 32],
  "blk.0.attn_k.weight": [32, 32],
  "blk.0.attn_v.weight": [32, 32],
  "blk.0.attn_output.weight": [32, 32],
  "blk.0.attn_norm.weight": [32],
  "blk.0.ffn_gate.weight": [96, 32],
  "blk.0.ffn_down.weight": [32, 96],
  "blk.0.ffn_up.weight": [96, 32],
  "blk.0.ffn_norm.weight": [32],
};

const VOCAB: Readonly<Record<string, WritableValue>> = {
  "tokenizer.ggml.model": { type: "string", value: "llama" },
  "tokenizer.ggml.tokens": { type: "array", itemType: "string", items: ["<unk>", "<s>", "</s>"] },
  "tokenizer.ggml.scores": { type: "array", itemType: "f32", items: [0, 0, 0] },
  "tokenizer.ggml.token_type": { type: "array", itemType: "i32", items: [2, 3, 3] },
};

interface Changes {
  readonly vocab?: Record<string, WritableValue | undefined>;
  readonly shapes?: Record<string, number[] | undefined>;
  readonly types?: Record<string, string>;
}

/** A whole small model, but for the changes. */
async function model({ vocab = {}, shapes = {}, types = {} }: Changes = {}): Promise<GgufFile> {
  const metadata = new Map(
    Object.entries({ ...VOCAB, ...vocab }).filter((pair): pair is [string, WritableValue] => !!pair[1]),
  );
  const tensors = Object.entries({ ...SHAPES, ...shapes }).flatMap(([name, shape]) =>
    shape === undefined ? [] : [{ name, shape, type: types[name] ?? "f32" }],
  );
  const sink = memorySink();
  const writer = await createGgufWriter(sink, { metadata, tensors });
  for (const { name, shape, type } of tensors) {
    const bytes = tensorBytes(tensorType(type), shape);
    await writer.writeTensor(name, [type === "f32" ? f32Bytes([...noise(bytes / 4)]) : new Uint8Array(bytes)]);
  }
  await writer.finish();
  return openGguf(memorySource(sink.bytes(), "model.gguf"));
}

async function asGgjt(
  changes: Changes,
  config: Partial<LlamaConfig> = {},
  outType: ConvertInput["outType"] = "stored",
): Promise<GgmlFile> {
  const contents = await contentsOfGguf(await model(changes), { ...CONFIG, ...config });
  const sink = memorySink();
  await convertCheckpoint({ ...contents, outType, container: 3 }, sink);
  return openGgml(memorySource(sink.bytes()));
}

describe("GGUF → ggjt", () => {
  test("a small model", async () => {
    const file = await asGgjt({});
    expect(file.hyperParams).toEqual({ nVocab: 3, nEmbd: 32, nMult: 96, nHead: 1, nLayer: 1, nRot: 32, ftype: 0 });
    expect([...file.names()][0]).toBe("tok_embeddings.weight");
  });

  test("the embeddings stand in for an output matrix that is not there", async () => {
    const file = await asGgjt({ shapes: { "output.weight": undefined } });
    const [embeddings, output] = await Promise.all(
      ["tok_embeddings.weight", "output.weight"].map((name) => bytesOf(file.tensor(name))),
    );
    expect(output).toEqual(embeddings);
  });

  test("n_mult is the largest that gives the feed-forward width, if the file does not know it", async () => {
    expect((await asGgjt({}, { nMult: 5 })).hyperParams.nMult).toBe(96);
    expect((await asGgjt({}, { nMult: 48 })).hyperParams.nMult).toBe(48);
  });

  test("bf16 becomes f32, or f16 if that is asked for; the file type follows", async () => {
    const types = Object.fromEntries(
      Object.entries(SHAPES)
        .filter(([, shape]) => shape.length === 2)
        .map(([name]) => [name, "bf16"]),
    );
    const stored = await asGgjt({ types }, { ftype: 32 });
    expect([stored.tensor("output.weight")?.type, stored.hyperParams.ftype]).toEqual(["f32", 0]);
    const half = await asGgjt({ types }, { ftype: 32 }, "f16");
    expect([half.tensor("output.weight")?.type, half.hyperParams.ftype]).toEqual(["f16", 1]);
  });

  test("a file type that ggjt does not know is that of most matrices", async () => {
    const types = { "blk.0.attn_q.weight": "q5_0", "blk.0.attn_k.weight": "q5_0", "blk.0.attn_v.weight": "q8_0" };
    const others = Object.fromEntries(
      ["ffn_gate", "ffn_down", "ffn_up", "attn_output"].map((part) => [`blk.0.${part}.weight`, "q5_0"]),
    );
    expect((await asGgjt({ types: { ...types, ...others } }, { ftype: 24 })).hyperParams.ftype).toBe(8);
  });

  const nothing = { "token_embd.weight": undefined };
  test.each<[string, Changes, Partial<LlamaConfig>, object]>([
    [
      "another tokenizer",
      { vocab: { "tokenizer.ggml.model": { type: "string", value: "gpt2" } } },
      {},
      { code: "E_UNSUPPORTED", field: "tokenizer.ggml.model", got: "gpt2" },
    ],
    ["no tokenizer", { vocab: { "tokenizer.ggml.model": undefined } }, {}, { code: "E_UNSUPPORTED", got: "undefined" }],
    [
      "no scores",
      { vocab: { "tokenizer.ggml.scores": undefined } },
      {},
      { code: "E_VOCAB", field: "tokenizer.ggml.scores", got: "nothing" },
    ],
    [
      "scores as text",
      { vocab: { "tokenizer.ggml.scores": { type: "string", value: "0" } } },
      {},
      { code: "E_VOCAB", got: "string" },
    ],
    [
      "scores as u8",
      { vocab: { "tokenizer.ggml.scores": { type: "array", itemType: "u8", items: [0, 0, 0] } } },
      {},
      { code: "E_TYPE", expected: "f32", got: "u8" },
    ],
    [
      "few scores",
      { vocab: { "tokenizer.ggml.scores": { type: "array", itemType: "f32", items: [0] } } },
      {},
      { code: "E_MISMATCH", expected: 3, got: 1 },
    ],
    [
      "piece type 7",
      { vocab: { "tokenizer.ggml.token_type": { type: "array", itemType: "i32", items: [2, 3, 7] } } },
      {},
      { code: "E_VOCAB", field: "vocab[2]", got: 7 },
    ],
    [
      "a byte that is none",
      { vocab: { "tokenizer.ggml.token_type": { type: "array", itemType: "i32", items: [2, 3, 6] } } },
      {},
      { code: "E_VOCAB", field: "vocab[2]", got: "</s>" },
    ],
    [
      "a missing tensor",
      { shapes: nothing },
      {},
      { code: "E_MISSING_TENSOR", field: "tok_embeddings.weight", file: "model.gguf" },
    ],
    [
      "a tensor too many",
      { shapes: { "rope_freqs.weight": [16] } },
      {},
      { code: "E_UNKNOWN_TENSOR", field: "rope_freqs.weight" },
    ],
    ["a bias", { shapes: { "blk.0.attn_q.bias": [32] } }, {}, { code: "E_UNKNOWN_TENSOR", field: "blk.0.attn_q.bias" }],
    [
      "another shape",
      { shapes: { "blk.0.attn_k.weight": [16, 32] } },
      {},
      { code: "E_SHAPE", field: "layers.0.attention.wk.weight", expected: "32 x 32", got: "16 x 32" },
    ],
    [
      "a stretched context that no field is for",
      {},
      { ropeScaling: { kind: "yarn" } },
      { code: "E_UNSUPPORTED", field: "llama.rope.scaling", got: "yarn", file: "model.gguf" },
    ],
    ["many layers", {}, { nLayers: 100_000 }, { code: "E_LIMIT", field: "n_layer" }],
    [
      "a type that ggjt does not have",
      { types: { "blk.0.attn_q.weight": "iq4_nl" } },
      {},
      { code: "E_DTYPE", field: "layers.0.attention.wq.weight", got: "iq4_nl" },
    ],
  ])("%s", async (_name, changes, config, error) => {
    await expect(asGgjt(changes, config)).rejects.toMatchObject(error);
  });

  test("a feed-forward width that no n_mult gives", async () => {
    const narrow = {
      "blk.0.ffn_gate.weight": [64, 32],
      "blk.0.ffn_down.weight": [32, 64],
      "blk.0.ffn_up.weight": [64, 32],
    };
    await expect(asGgjt({ shapes: narrow }, { nFf: 64, nMult: 64 })).rejects.toMatchObject({
      name: "ConvertError",
      code: "E_LIMIT",
      field: "n_mult",
      message: expect.stringMatching(
        /its feed-forward width follows from no n_mult .*; write GGUF instead \(--container gguf\)$/,
      ),
    });
  });

  test("ggjt version 1 holds no blocks", async () => {
    const contents = contentsOfGgml(await openGgml(memorySource(await tinyModel("q4_0"))));
    expect(() => convertedBytes({ ...contents, outType: "stored", container: 1 })).not.toThrow();
    await expect(
      convertCheckpoint({ ...contents, outType: "stored", container: 1 }, memorySink()),
    ).rejects.toMatchObject({
      code: "E_DTYPE",
      got: "q4_0",
    });
  });
});

async function bytesOf(tensor: SourceTensor | undefined): Promise<Uint8Array> {
  const bytes = new Uint8Array(tensor?.byteLength ?? 0);
  await tensor?.read(0, bytes);
  return bytes;
}

describe("ggjt → GGUF", () => {
  const vocabOf = (...texts: (string | Uint8Array)[]) =>
    texts.map((text, id) => ({ text: typeof text === "string" ? utf8(text) : text, score: -id }));

  test("a text with U+2581 is refused: it would come back as a space", () => {
    const vocab = vocabOf(" \u2047 ", "", "", "a\u2581b");
    expect(() => vocabFileBytes({ vocab, container: "gguf" })).toThrow(
      expect.objectContaining({ name: "ConvertError", code: "E_VOCAB", field: "vocab[3]" }),
    );
  });

  test("more entries than ids", () => {
    const input: ConvertInput = {
      params: { nVocab: 2, nEmbd: 32, nMult: 32, nHeads: 1, nKvHeads: 1, nLayers: 1 },
      tensors: [heldTensor("a", "f32", [1], f32Bytes([1]))],
      vocab: vocabOf("a", "b", "c"),
      outType: "f32",
      container: "gguf",
    };
    expect(() => convertedBytes(input)).toThrow(expect.objectContaining({ code: "E_LIMIT", expected: 2, got: 3 }));
  });

  test("a rotary scale that no factor gives", async () => {
    // near 2, inverses of neighbouring numbers are farther apart than numbers are
    const contents = contentsOfGgml(await openGgml(memorySource(await tinyModel("q4_0"))), {
      ropeFreqScale: 1.9000002145767212,
    });
    expect(() => convertedBytes({ ...contents, outType: "stored", container: "gguf" })).toThrow(
      expect.objectContaining({ code: "E_LIMIT", field: "llama.rope.scaling.factor" }),
    );
  });
});

describe("pieces", () => {
  test("of any length: half a mebibyte behind a blank", async () => {
    const long = `\u2581${"w".repeat(2 ** 19)}`;
    const tokens: WritableValue = { type: "array", itemType: "string", items: ["<unk>", "<s>", long] };
    const types: WritableValue = { type: "array", itemType: "i32", items: [2, 3, 1] };
    const vocab = { "tokenizer.ggml.tokens": tokens, "tokenizer.ggml.token_type": types };
    const contents = await contentsOfGguf(await model({ vocab }), CONFIG);
    expect(new TextDecoder().decode(contents.vocab[2]?.text)).toBe(` ${"w".repeat(2 ** 19)}`);
  });

  test("that are given go into the file as they are", async () => {
    const contents = await contentsOfGguf(await model(), CONFIG);
    const pieces: VocabPiece[] = ["<unk>", "x", "\u2581y"].map((text, id) => ({
      text: utf8(text),
      score: id,
      type: id === 0 ? 2 : PieceTypes.userDefined,
    }));
    const sink = memorySink();
    await convertCheckpoint({ ...contents, pieces, addSpacePrefix: false, outType: "stored", container: "gguf" }, sink);
    const file = await openGguf(memorySource(sink.bytes()));
    const back = await contentsOfGguf(file, CONFIG);
    expect(back.pieces).toEqual(pieces);
    expect(back.addSpacePrefix).toBe(false);
    expect(back.vocab.map(({ text }) => new TextDecoder().decode(text))).toEqual([" \u2047 ", "x", " y"]);
  });
});
