import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { isFormatError, memorySource } from "@ll/bytes";
import { isModelError } from "@ll/llama";
import { expect, test } from "vitest";
import { describeWithTestData, testData } from "../../../tools/test-data.ts";
import { ggufBytes, STRING, text, U32, u32 } from "../../gguf/test/support/gguf-bytes.ts";
import { containerOf, openModelFile, typeMix, unreadTokenizerKeys } from "../src/index.ts";
import { containerAt, openModelFile as openPath } from "../src/node.ts";

const label = (key: string, value: string) => ({ key, type: STRING, value: text(value) });
const number = (key: string, value: number) => ({ key, type: U32, value: u32(value) });

describeWithTestData("models of every family", () => {
  test.each([
    ["llama3", "llama", "gpt2"],
    ["qwen3", "qwen3", "gpt2"],
    ["qwen35", "qwen35", "gpt2"],
    ["gemma3", "gemma3", "llama"],
    ["gpt-oss", "gpt-oss", "gpt2"],
  ])("%s runs", async (folder, architecture) => {
    const file = await openPath(testData(`models/families/${folder}/model.gguf`));
    try {
      expect(file).toMatchObject({ container: "gguf", containerName: "GGUF v3", architecture });
      expect(file.whyNotRun()).toBeUndefined();
      const config = file.config();
      expect(config).toMatchObject({ architecture, arithmetic: "lanes", nHeads: file.nHeads });
      expect(file.vocabulary.nPieces).toBe(config.nVocab);
      const tokenizer = await file.tokenizer({ nVocab: config.nVocab });
      expect(tokenizer.nVocab).toBe(config.nVocab);
      const mix = typeMix(file.tensors);
      expect(mix.reduce((sum, { tensors }) => sum + tensors, 0)).toBe(file.tensors.length);
    } finally {
      await file.close();
    }
  });

  test("a ggjt file whose key heads are shared says so by its key matrix only", async () => {
    const file = await openPath(testData("models/tiny/ggjt/q4_0.bin"));
    expect(file).toMatchObject({ container: "ggml", containerName: "ggjt v3 (latest)", architecture: "llama" });
    expect(file.whyNotRun()).toBeUndefined();
    expect(file.config().nKvHeads).toBe(file.nStoredKvHeads);
    expect(file.config({ nKvHeads: 1 }).nKvHeads).toBe(1);
    expect(file.config().arithmetic).toBe("build803");
    expect(file.templates).toEqual({ main: undefined, named: new Map() });
    await file.close();
  });

  test("a file with a vocabulary only", async () => {
    const bytes = gunzipSync(await readFile(testData("vocab/qwen3.gguf.gz")));
    const file = await openModelFile(bytes);
    expect(file.vocabulary).toEqual({ kind: "gpt2", pre: "qwen2", nPieces: 151_936 });
    expect(file.whyNotRun()).toBe("it has a vocabulary and no weights");
    expect((await file.tokenizer()).encode("Hello world")).toEqual(Int32Array.of(9707, 1879));
  });

  test("a Blob is as good as its bytes", async () => {
    const bytes = await readFile(testData("models/families/qwen3/model.gguf"));
    const [a, b] = [await openModelFile(new Blob([bytes])), await openModelFile(new Uint8Array(bytes))];
    expect(a.tensors.map(({ name }) => name)).toEqual(b.tensors.map(({ name }) => name));
  });

  test("containerAt", async () => {
    expect(await containerAt(testData("models/families/qwen3/model.gguf"))).toBe("gguf");
    expect(await containerAt(testData("models/families/qwen3/tokens.json"))).toBeUndefined();
    expect(await containerAt(testData("models/families"))).toBeUndefined();
  });
});

test("a family that nobody knows is looked at and not run", async () => {
  const bytes = ggufBytes({
    pairs: [label("general.architecture", "mamba"), label("tokenizer.chat_template", "{{ 1 }}")],
    tensors: [{ name: "a", ne: [4] }],
  });
  const file = await openModelFile(bytes);
  expect(file.architecture).toBe("mamba");
  expect(file.whyNotRun()).toMatch(/general\.architecture is mamba, expected llama, /);
  expect(() => file.config()).toThrow(expect.toSatisfy((error) => isModelError(error, "E_UNSUPPORTED")));
});

test("templates by their names", async () => {
  const pairs = [
    label("tokenizer.chat_template", "A"),
    label("tokenizer.chat_template.tool_use", "B"),
    number("tokenizer.chat_template.odd", 1),
  ];
  const { templates, architecture, nHeads } = await openModelFile(ggufBytes({ pairs }));
  expect(templates).toEqual({ main: "A", named: new Map([["tool_use", "B"]]) });
  expect({ architecture, nHeads }).toEqual({ architecture: "unknown", nHeads: 0 });
});

test("one file of a set says that the others are missing; all of them do not", async () => {
  const part = (no: number) =>
    ggufBytes({
      pairs: [label("general.architecture", "llama"), number("split.no", no), number("split.count", 2)],
      tensors: [{ name: `t${no}`, ne: [4] }],
    });
  const alone = await openModelFile(part(0));
  expect(alone.whyNotRun()).toBe(
    "this is one of 2 files, with a part of the tensors: the others have to lie beside it",
  );
  const set = await openModelFile([part(0), part(1)]);
  expect(set.tensors.map(({ name }) => name)).toEqual(["t0", "t1"]);
  expect(set.byteLength).toBe(2 * part(0).length);
});

test.each([
  ["half of it", (bytes: Uint8Array) => bytes.subarray(0, bytes.length - 10), "E_TRUNC", ["a", "b"]],
  ["a type that is not known", (bytes: Uint8Array) => withType(bytes, 99), "E_DTYPE", []],
] as const)("%s of a GGUF file can be looked at: what it is and what is wrong", async (_name, damage, code, names) => {
  const tensors = ["a", "b"].map((name) => ({ name, ne: [8] }));
  const pairs = [label("general.architecture", "llama"), number("llama.context_length", 77)];
  const bytes = damage(ggufBytes({ pairs, tensors }));
  await expect(openModelFile(bytes)).rejects.toMatchObject({ code });
  const file = await openModelFile(bytes, { damaged: true });
  expect(file).toMatchObject({ architecture: "llama", trainedContextTokens: 77, damage: { code } });
  expect(file.tensors.map(({ name }) => name)).toEqual(names);
  expect(file.whyNotRun()).toBe(file.damage?.summary);
});

/** With another type of the tensor "a". */
function withType(bytes: Uint8Array, type: number): Uint8Array {
  const out = bytes.slice();
  const name = Buffer.from(out).indexOf(Buffer.from([1, 0, 0, 0, 0, 0, 0, 0, 0x61]));
  new DataView(out.buffer).setUint32(name + 9 + 4 + 8, type, true);
  return out;
}

test("keys about the tokenizer that nothing reads", () => {
  const keys = ["llama.x", "tokenizer.ggml.tokens", "tokenizer.ggml.eos_token_id", "tokenizer.chat_template.tool_use"];
  expect(unreadTokenizerKeys([...keys, "tokenizer.ggml.odd", "tokenizer.huggingface.json"])).toEqual([
    "tokenizer.ggml.odd",
    "tokenizer.huggingface.json",
  ]);
});

test("anything else is refused, in words", async () => {
  expect(await containerOf(memorySource(new Uint8Array(3)))).toBeUndefined();
  await expect(openModelFile(new TextEncoder().encode("{}{}{}{}"))).rejects.toSatisfy((error) => isFormatError(error));
  await expect(openModelFile("model.gguf" as never)).rejects.toThrow(/@ll\/model\/node/);
  await expect(openPath(join(import.meta.dirname, "absent.gguf"))).rejects.toMatchObject({ code: "E_IO" });
});
