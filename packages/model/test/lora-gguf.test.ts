// Adapters of GGUF files: what they say, and that they do the same as those of ggml.

import { type ByteSink, memorySink, memorySource } from "@ll/bytes";
import { createGgufWriter, metadataGetter, openGguf, type WritableValue } from "@ll/gguf";
import { createScalarModel, loadModel, loadWeights, type ModelConfig, type TensorSource } from "@ll/llama";
import { packRows, unpackRows } from "@ll/quant";
import { describe, expect, test } from "vitest";
import { describeWithTestData } from "../../../tools/test-data.ts";
import { familyRuns, openFamilyModel } from "../../llama/test/support/family-models.ts";
import {
  ggufSource,
  logitsInBatches,
  randomTensors,
  randomValues,
  smallConfig,
  sourceOf,
} from "../../llama/test/support/hand-made.ts";
import { type LoraAdapter, loraFromGguf, withLora } from "../src/index.ts";
import { pairFor, patchedPlainly, readAll } from "./support/lora-twin.ts";

interface Half {
  readonly name: string;
  readonly shape: readonly number[];
  readonly type?: string;
}

const KEYS: Readonly<Record<string, WritableValue>> = {
  "general.type": { type: "string", value: "adapter" },
  "general.architecture": { type: "string", value: "llama" },
  "adapter.type": { type: "string", value: "lora" },
  "adapter.lora.alpha": { type: "f32", value: 6 },
};

const valuesOf = ({ name, shape }: Half): Float32Array =>
  randomValues(
    name.length * 77 + shape[0]!,
    shape.reduce((n, size) => n * size, 1),
  );

/** A file with random tensors. @param keys in place of usual ones; undefined takes one away */
async function adapterFile(halves: readonly Half[], keys: Record<string, WritableValue | undefined> = {}) {
  const sink: ByteSink & { bytes(): Uint8Array } = memorySink();
  const metadata = new Map<string, WritableValue>();
  for (const [key, value] of Object.entries({ ...KEYS, ...keys })) if (value !== undefined) metadata.set(key, value);
  const tensors = halves.map((half) => ({ type: "f32", ...half }));
  const writer = await createGgufWriter(sink, { metadata, tensors });
  for (const half of tensors) await writer.writeTensor(half.name, [packRows(half.type, valuesOf(half))]);
  await writer.finish();
  return openGguf(memorySource(sink.bytes()));
}

function halvesOf(role: string, [rows, columns]: readonly number[], rank: number, type = "f32"): Half[] {
  return [
    { name: `${role}.lora_a`, shape: [rank, columns!], type },
    { name: `${role}.lora_b`, shape: [rows!, rank], type },
  ];
}

async function adapterOf(
  halves: readonly Half[],
  model: TensorSource,
  config: ModelConfig,
  keys?: Record<string, WritableValue | undefined>,
): Promise<LoraAdapter> {
  const file = await adapterFile(halves, keys);
  return loraFromGguf(metadataGetter(file.metadata), file, model, config, "adapter.gguf");
}

const config = smallConfig();
const ggjt = sourceOf(config, randomTensors(config));
const model = ggufSource(config, { "output.weight": 1 });
const WQ = "blk.0.attn_q.weight"; // (64, 64)
const DOWN = "blk.1.ffn_down.weight"; // (64, 192)
const EMBEDDING = "token_embd.weight"; // (96, 64)

/** The pair of ggml with the numbers that the file's pair has. */
function ggmlPair(target: string, [rows, columns]: readonly [number, number], [a, b]: readonly Half[]) {
  const type = a!.type ?? "f32";
  const rounded = (half: Half): Float32Array => unpackRows(type, packRows(type, valuesOf(half)));
  const [valuesA, valuesB] = [rounded(a!), rounded(b!)]; // (rank, columns), (rows, rank)
  const rank = a!.shape[0]!;
  return pairFor(target, [rows, columns], rank, (i, name) =>
    name.endsWith("B") ? valuesB[i]! : valuesA[(i % rank) * columns + Math.floor(i / rank)]!,
  );
}

describe("an adapter of a GGUF file patches as one of ggml does", () => {
  test.each(["f32", "f16", "bf16", "q8_0"])("with factors of %s", async (type) => {
    for (const [role, shape, rank] of [
      [WQ, [64, 64], 32],
      [DOWN, [64, 192], 64],
    ] as const) {
      const halves = halvesOf(role, shape, rank, type);
      const tensor = model.tensor(role)!;
      const patched = withLora(model, await adapterOf(halves, model, config)).tensor(role)!;
      const expected = await patchedPlainly(tensor, tensor, ggmlPair(role, shape, halves), rank, 6);
      expect(await readAll(patched, 1000)).toEqual(expected);
    }
  });

  test("each pair is scaled by its own rank, with an alpha of 0 or none by nothing", async () => {
    const halves = [...halvesOf(WQ, [64, 64], 3), ...halvesOf(DOWN, [64, 192], 1)];
    for (const [alpha, expected] of [
      [5, 5],
      [0, undefined],
      [undefined, undefined],
    ]) {
      const keys = { "adapter.lora.alpha": alpha === undefined ? undefined : ({ type: "f32", value: alpha } as const) };
      const patched = withLora(model, await adapterOf(halves, model, config, keys));
      for (const [role, shape, two] of [
        [WQ, [64, 64], halves.slice(0, 2)],
        [DOWN, [64, 192], halves.slice(2)],
      ] as const) {
        const rank = two[0]!.shape[0]!;
        const tensor = model.tensor(role)!;
        const plainly = await patchedPlainly(tensor, tensor, ggmlPair(role, shape, two), rank, expected ?? rank);
        expect(await readAll(patched.tensor(role)!)).toEqual(plainly);
      }
    }
  });

  test("a model under the names of ggml files", async () => {
    const halves = halvesOf(WQ, [64, 64], 2);
    const name = "layers.0.attention.wq.weight";
    const tensor = ggjt.tensor(name)!;
    const patched = withLora(ggjt, await adapterOf(halves, ggjt, config)).tensor(name)!;
    const expected = await patchedPlainly(tensor, tensor, ggmlPair(name, [64, 64], halves), 2, 6);
    expect(await readAll(patched)).toEqual(expected);
  });

  test("an embedding, whose A and B have changed places", async () => {
    const a = { name: `${EMBEDDING}.lora_a`, shape: [96, 2] };
    const b = { name: `${EMBEDDING}.lora_b`, shape: [64, 2] };
    const patched = withLora(model, await adapterOf([a, b], model, config)).tensor(EMBEDDING)!;
    const [valuesA, valuesB] = [valuesOf(a), valuesOf(b)];
    const pair = pairFor(EMBEDDING, [96, 64], 2, (i, name) => (name.endsWith("B") ? valuesA[i]! : valuesB[i]!));
    const tensor = model.tensor(EMBEDDING)!;
    expect(await readAll(patched)).toEqual(await patchedPlainly(tensor, tensor, pair, 2, 6));
  });
});

describe("refuses", () => {
  const pair = halvesOf(WQ, [64, 64], 2);
  const text = (value: string): WritableValue => ({ type: "string", value });
  const NORM = "blk.0.attn_norm.weight";
  const rows: [what: string, keys: Record<string, WritableValue | undefined>, halves: Half[], error: object][] = [
    [
      "a model",
      { "general.type": text("model") },
      pair,
      { code: "E_UNSUPPORTED", field: "general.type", got: "model" },
    ],
    ["a file that says nothing", { "general.type": undefined }, pair, { code: "E_UNSUPPORTED", got: "nothing" }],
    ["a control vector", { "adapter.type": text("control") }, pair, { code: "E_UNSUPPORTED", field: "adapter.type" }],
    [
      "another family",
      { "general.architecture": text("qwen3") },
      pair,
      { code: "E_UNSUPPORTED", field: "general.architecture", expected: "llama", got: "qwen3" },
    ],
    ["alpha in words", { "adapter.lora.alpha": text("6") }, pair, { code: "E_HPARAM", field: "adapter.lora.alpha" }],
    ["alpha without an end", { "adapter.lora.alpha": { type: "f32", value: Infinity } }, pair, { code: "E_HPARAM" }],
    [
      "one that tokens switch on",
      { "adapter.alora.invocation_tokens": { type: "array", itemType: "u32", items: [1, 2] } },
      pair,
      { code: "E_UNSUPPORTED", field: "adapter.alora.invocation_tokens" },
    ],
    ["nothing", {}, [], { code: "E_MISSING_TENSOR" }],
    ["half a pair", {}, pair.slice(0, 1), { code: "E_MISSING_TENSOR", field: `${WQ}.lora_b` }],
    ["a norm", {}, [...pair, { name: NORM, shape: [64] }], { code: "E_UNSUPPORTED", field: NORM }],
    [
      "a pair for a norm",
      {},
      halvesOf(NORM, [64, 64], 1),
      { code: "E_UNSUPPORTED", field: NORM, expected: "a matrix" },
    ],
    ["what is not there", {}, halvesOf("blk.9.attn_q.weight", [64, 64], 2), { code: "E_UNKNOWN_TENSOR" }],
    ["A as ggml has it", {}, [{ ...pair[0]!, shape: [64, 2] }, pair[1]!], { code: "E_SHAPE", got: "64 x 2" }],
    ["B of another height", {}, [pair[0]!, { ...pair[1]!, shape: [63, 2] }], { code: "E_SHAPE", got: "63 x 2" }],
    ["other ranks", {}, [pair[0]!, { ...pair[1]!, shape: [64, 3] }], { code: "E_SHAPE", got: "64 x 3" }],
    ["factors of q4_0", {}, halvesOf(WQ, [64, 64], 32, "q4_0"), { code: "E_TENSOR_TYPE", got: "q4_0" }],
  ];
  test.each(rows)("%s", async (_what, keys, halves, expected) => {
    const applied = adapterOf(halves, model, config, keys).then((adapter) => withLora(model, adapter));
    await expect(applied).rejects.toMatchObject({ name: "ModelError", ...expected });
  });

  test("a stack of experts, and an embedding that is the output matrix, too", async () => {
    const EXPERTS = "blk.0.ffn_down_exps.weight";
    const stack = { ...model.tensor(DOWN)!, name: EXPERTS, shape: [4, 48, 64] };
    const tied: TensorSource = {
      names: () => [...model.names()].filter((name) => name !== "output.weight"),
      tensor: (name) => (name === EXPERTS ? stack : name === "output.weight" ? undefined : model.tensor(name)),
    };
    for (const [halves, field] of [
      [halvesOf(EXPERTS, [48, 64], 2), EXPERTS],
      [halvesOf(EMBEDDING, [64, 96], 2), EMBEDDING],
    ] as const) {
      await expect(adapterOf(halves, tied, config)).rejects.toMatchObject({ code: "E_UNSUPPORTED", field });
    }
  });

  test("a tensor of a type that is only read", async () => {
    const iq = sourceOf(configFromIq(), randomTensors(configFromIq()), "iq4_xs");
    const halves = halvesOf(WQ, [256, 256], 2);
    const adapter = await adapterOf(halves, iq, config);
    expect(() => withLora(iq, adapter)).toThrow(expect.objectContaining({ code: "E_TENSOR_TYPE", got: "iq4_xs" }));
  });
});

/** Rows of whole blocks of 256. */
function configFromIq(): ModelConfig {
  return { ...smallConfig(), nEmbd: 256, headDim: 64, nFf: 256 };
}

describeWithTestData("every family, both engines; llama in both arithmetics", () => {
  test.each([...new Set(familyRuns().map(([name]) => name))])("%s", async (name) => {
    const { source, config: own } = await openFamilyModel(name, "model.gguf");
    const halves = [...source.names()].flatMap((role) => {
      const { shape, type } = source.tensor(role)!;
      const isMatrix = /^blk\.[02]\..*weight$/.test(role) && shape.length === 2 && !role.includes("conv");
      return isMatrix && type === "f32" ? halvesOf(role, shape, 2) : [];
    });
    expect(halves.length).toBeGreaterThan(0);
    const keys = { "general.architecture": { type: "string", value: own.architecture } } as const;
    const patched = withLora(source, await adapterOf(halves, source, own, keys));
    const tokens = [3, 5, 9];
    const plain = await logitsInBatches(createScalarModel(await loadWeights(source, own)), tokens, 3);
    const weights = await loadWeights(patched, own);
    for (const arithmetic of name === "llama3" ? (["lanes", "build803"] as const) : (["lanes"] as const)) {
      const scalar = await logitsInBatches(createScalarModel(weights, { arithmetic }), tokens, 3);
      const team = await loadModel(patched, own, { threads: 2, arithmetic });
      expect(await logitsInBatches(team, tokens, 2)).toEqual(scalar);
      expect(scalar).not.toEqual(plain);
      await team.dispose();
    }
  });
});
