// What a beginner passes to a library, and what it says: what was expected, and how to get it.

import { runInNewContext } from "node:vm";
import { blobSource, httpSource, memorySource } from "@ll/bytes";
import { openLlama2c, openSafetensors, readAddedTokens } from "@ll/checkpoint";
import { openZipArchive } from "@ll/checkpoint/node";
import { openGgml, openLora } from "@ll/ggml-format";
import { openGguf, openGgufSet } from "@ll/gguf";
import { configFromGgml, createScalarModel, fingerprintOf, generate, loadModel, loadWeights } from "@ll/llama";
import { dotValues, packRows, unpackRows } from "@ll/quant";
import { createTokenizer, readSentencePieceModel } from "@ll/tokenizer";
import { describe, expect, test } from "vitest";
import { tinyModel } from "../tiny-model.ts";

const given = (value: unknown): never => value as never;
const ggml = async () => openGgml(memorySource(await tinyModel("q4_0")));

const OPENERS: [string, (source: never) => Promise<unknown>][] = [
  ["openGgml", openGgml],
  ["openLora", openLora],
  ["openGguf", openGguf],
  ["openSafetensors", openSafetensors],
  ["openLlama2c", openLlama2c],
  ["readAddedTokens", readAddedTokens],
  ["openZipArchive", openZipArchive],
];

describe.each(OPENERS)("%s", (_name, open) => {
  test.each<[string, unknown, string]>([
    ["a path", "model.bin", "got a string; make one by openFileSource(path) of @ll/bytes/node"],
    ["a promise", Promise.resolve(), "got a promise (await it)"],
    ["bytes", new Uint8Array(9), "make one by memorySource(bytes)"],
    ["nothing", undefined, "got undefined"],
  ])("of %s", async (_what, value, message) => {
    const error = await open(given(value)).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(TypeError);
    expect((error as Error).message).toContain(message);
  });
});

test.each<[string, () => unknown, string]>([
  ["openGgufSet of a path", () => openGgufSet(given("x.gguf")), "an array of ByteSources, got a string"],
  [
    "readSentencePieceModel of a path",
    async () => readSentencePieceModel(given("tokenizer.model")),
    "got a string; read the file first: await readFile(path)",
  ],
  [
    "readSentencePieceModel of a promise",
    async () => readSentencePieceModel(given(Promise.resolve())),
    "got a promise (await it)",
  ],
  [
    "createTokenizer of a path",
    async () => createTokenizer(given("tokenizer.model")),
    "expected a vocabulary, got a string; pass readSentencePieceModel(bytes)",
  ],
  ["createTokenizer of a promise", async () => createTokenizer(given(ggml())), "got a promise (await it)"],
  ["createTokenizer of a file", async () => createTokenizer(given(await ggml())), "the vocab of openGgml's file"],
  [
    "createTokenizer of bytes",
    async () => createTokenizer(given(new Uint8Array(3))),
    "expected a vocabulary, got Uint8Array",
  ],
  ["createTokenizer of words", async () => createTokenizer(given(["a"])), "got an array of something else"],
  [
    "encode of a promise",
    async () => createTokenizer((await ggml()).vocab).encode(given(Promise.resolve("a"))),
    "expected a string or Uint8Array, got a promise (await it)",
  ],
  [
    "loadModel of a path",
    async () => loadModel(given("model.bin"), given({})),
    "expected an opened file, what await openGgml(source)",
  ],
  [
    "fingerprintOf of a path",
    async () => fingerprintOf(given("model.bin")),
    "expected an opened file, what await openGgml(source)",
  ],
  ["loadModel of a promise", async () => loadModel(given(ggml()), given({})), "got a promise (await it)"],
  [
    "loadModel without a config",
    async () => loadModel(await ggml(), given(undefined)),
    '"config" expected what configFromGgml(file.hyperParams)',
  ],
  [
    "loadModel of a promise of a config",
    async () => loadModel(await ggml(), given(Promise.resolve())),
    "got a promise (await it)",
  ],
  ["loadWeights of a promise", async () => loadWeights(given(ggml()), given({})), "got a promise (await it)"],
  [
    "createScalarModel of a promise",
    async () => createScalarModel(given(Promise.resolve())),
    "what await loadWeights(source, config) gives, got a promise",
  ],
  [
    "generate of a model",
    async () => generate(given({}), [1], given({})).next(),
    "what await model.createContext() gives, got Object",
  ],
  ["packRows of numbers", async () => packRows("q4_0", given([1])), '"values" expected a Float32Array, got Array'],
])("%s", async (_what, work, message) => {
  const error = await Promise.resolve()
    .then(work)
    .catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(TypeError);
  expect((error as Error).message).toContain(message);
});

test("a prompt that leaves no room says how much must stay free", async () => {
  const file = await ggml();
  const model = createScalarModel(await loadWeights(file, configFromGgml(file.hyperParams)));
  const context = await model.createContext({ contextTokens: 8 });
  await expect(
    generate(context, [1, 2, 3, 4, 5], { tokenBytes: () => new Uint8Array(0) }).next(),
  ).rejects.toMatchObject({
    name: "ContextOverflowError",
    message:
      "5 tokens at position 0 do not fit a context of 8 tokens: 4 must stay free behind them, so that at most 4 fit",
  });
  await model.dispose();
});

test("arrays of another realm give the same results", () => {
  const values = Float32Array.from({ length: 32 }, (_, i) => i - 16);
  const code = (array: { readonly constructor: { readonly name: string } }) =>
    runInNewContext(`new ${array.constructor.name}(${JSON.stringify(Array.from(array as never))})`) as never;
  const packed = packRows("q4_0", values);
  expect(packRows("q4_0", code(values))).toEqual(packed);
  expect([...packRows("q4_0", values, code(new Uint8Array(packed.length)))]).toEqual([...packed]);
  expect(unpackRows("q4_0", code(packed))).toEqual(unpackRows("q4_0", packed));
  expect(dotValues("q4_0", code(packed), code(values))).toBe(dotValues("q4_0", packed, values));
});

test("a tokenizer reads models and texts of another realm", async () => {
  const tokenizer = createTokenizer((await ggml()).vocab);
  const text = runInNewContext("new Uint8Array([65, 66])") as Uint8Array;
  expect(tokenizer.encode(text)).toEqual(tokenizer.encode("AB"));
});

test("a Blob and a URL of another realm are as good as ours", async () => {
  const blob = runInNewContext(`({
    size: 3,
    slice: (from, to) => ({ arrayBuffer: async () => new Uint8Array([1, 2, 3]).slice(from, to).buffer }),
  })`) as Blob;
  const target = new Uint8Array(2);
  await blobSource(blob).read(1, target);
  expect([...target]).toEqual([2, 3]);

  const url = runInNewContext('({ href: "http://a.example/m", toString() { return this.href; } })') as URL;
  const headers = { "content-range": "bytes 0-0/1", "content-length": "1" };
  const asked: string[] = [];
  const source = await httpSource(url, {
    fetch: async (address) => {
      asked.push(String(address));
      return new Response(new Uint8Array(1), { status: 206, headers });
    },
  });
  expect(asked).toEqual(["http://a.example/m"]);
  expect(source.byteLength).toBe(1);
});
