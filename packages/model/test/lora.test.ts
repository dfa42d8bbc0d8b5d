import type { SourceTensor, TensorSource } from "@ll/bytes";
import { createScalarModel, loadModel, loadWeights } from "@ll/llama";
import { packRows, unpackRows } from "@ll/quant";
import { describe, expect, test } from "vitest";
import {
  logitsInBatches,
  randomTensors,
  randomValues,
  smallConfig,
  sourceOf,
} from "../../llama/test/support/hand-made.ts";
import { type LoraAdapter, type LoraPair, type TensorPatchedEvent, withLora } from "../src/index.ts";
import { pairFor, patchedPlainly, readAll } from "./support/lora-twin.ts";

const config = smallConfig();
const tensors = randomTensors(config);
const WQ = "layers.0.attention.wq.weight"; // (64, 64)
const W2 = "layers.1.feed_forward.w2.weight"; // (64, 192)
const NORM = "norm.weight"; // (64)

function adapter(pairs: readonly LoraPair[], r = 4, alpha = 6): LoraAdapter {
  return { r, alpha, pairs };
}

const some = [pairFor(WQ, [64, 64], 3), pairFor(W2, [64, 192], 1), pairFor(NORM, [1, 64], 5)];

describe.each(["f32", "f16", "q4_0", "q4_1", "q5_0", "q5_1", "q8_0"])("a model of %s", (type) => {
  const source = sourceOf(config, tensors, type);

  test("touched tensors get the patched values, all others stay", async () => {
    const patched = withLora(source, adapter(some));
    expect([...patched.names()]).toEqual([...source.names()]);
    for (const name of source.names()) {
      const before = source.tensor(name)!;
      const after = patched.tensor(name)!;
      expect(after).toMatchObject({ name, type: before.type, shape: before.shape, byteLength: before.byteLength });
      const pair = some.find(({ target }) => target === name);
      const expected = pair === undefined ? await readAll(before) : await patchedPlainly(before, before, pair, 4, 6);
      expect(await readAll(after), name).toEqual(expected);
    }
  });

  test.each(["f32", "f16"])("on top of a base of %s", async (baseType) => {
    const base = sourceOf(config, randomTensors(config, 99), baseType);
    const patched = withLora(source, adapter(some), { base });
    for (const pair of some) {
      const [model, original] = [source.tensor(pair.target)!, base.tensor(pair.target)!];
      const expected = await patchedPlainly(model, original, pair, 4, 6);
      expect(await readAll(patched.tensor(pair.target)!), pair.target).toEqual(expected);
    }
    // the base replaces nothing that the adapter does not touch
    const other = "layers.0.attention.wk.weight";
    expect(await readAll(patched.tensor(other)!)).toEqual(await readAll(source.tensor(other)!));
  });

  test("logits change, and are the same on every engine", async () => {
    const patched = withLora(source, adapter(some));
    const tokens = [1, 5, 9, 2];
    const logits = async (from: TensorSource): Promise<Float32Array> =>
      logitsInBatches(createScalarModel(await loadWeights(from, config)), tokens, 4);
    const scalar = await logits(patched);
    expect(scalar).not.toEqual(await logits(source));
    const team = await loadModel(patched, config, { threads: 2 });
    expect(await logitsInBatches(team, tokens, 4)).toEqual(scalar);
    await team.dispose();
  });
});

describe("rounding", () => {
  // 64 equal values of one base, so that the block's scale is the value itself; a step that binary16 cannot express at 1
  const one = (type: string): TensorSource => {
    const values = new Map(tensors);
    values.set(WQ, new Float32Array(64 * 64).fill(1));
    return sourceOf(config, values, type);
  };
  const tiny: LoraPair = pairFor(WQ, [64, 64], 1, () => 2 ** -7); // adds 2^-14 to every value

  test("a sum on an f16 base is rounded to binary16 before it is quantised, on an f32 base it is not", async () => {
    const onF16 = await readAll(withLora(one("f32"), adapter([tiny], 1, 1), { base: one("f16") }).tensor(WQ)!);
    const onF32 = await readAll(withLora(one("f32"), adapter([tiny], 1, 1), { base: one("f32") }).tensor(WQ)!);
    expect(new Float32Array(onF16.buffer)[0]).toBe(1);
    expect(new Float32Array(onF32.buffer)[0]).toBe(1 + 2 ** -14);
  });

  test("the product is summed in double, rounded, scaled, rounded, added, rounded", async () => {
    // 2^24 + 1 + 1 needs a double on the way; 1/3 and 7 need both later roundings
    const values = [2 ** 24, 1, 1];
    const pair = pairFor(WQ, [64, 64], 3, (i, name) => (name.endsWith("loraA") ? values[i % 3]! : 1));
    const patched = withLora(one("f32"), adapter([pair], 3, 7), {});
    const scaling = Math.fround(7 / 3);
    const expected = Math.fround(1 + Math.fround((2 ** 24 + 2) * scaling));
    expect(new Float32Array((await readAll(patched.tensor(WQ)!)).buffer)[0]).toBe(expected);
  });

  test("r of the header scales, the rank is that of the matrices", async () => {
    const pair = pairFor(WQ, [64, 64], 2);
    const read = (r: number): Promise<Uint8Array> =>
      readAll(withLora(sourceOf(config, tensors), adapter([pair], r, 8)).tensor(WQ)!);
    const original = sourceOf(config, tensors).tensor(WQ)!;
    expect(await read(16)).toEqual(await patchedPlainly(original, original, pair, 16, 8));
    expect(await read(16)).not.toEqual(await read(2));
  });

  test("all blocks of a touched K tensor are packed again, also where nothing is added", async () => {
    const columns = 256;
    const values = randomValues(7, 16 * columns);
    for (const type of ["q2_K", "q3_K", "q4_K", "q5_K", "q6_K"]) {
      const data = packRows(type, values);
      const read = async (offset: number, target: Uint8Array): Promise<void> =>
        void target.set(data.subarray(offset, offset + target.length));
      const tensor: SourceTensor = { name: "w", type, shape: [16, columns], byteLength: data.length, read };
      const source: TensorSource = { names: () => ["w"], tensor: (name) => (name === "w" ? tensor : undefined) };
      const zero = pairFor("w", [16, columns], 2, () => 0);
      const patched = await readAll(withLora(source, adapter([zero])).tensor("w")!);
      expect(patched, type).toEqual(packRows(type, unpackRows(type, data)));
    }
  });
});

describe("reading", () => {
  test("nothing is read before a tensor is", async () => {
    const source = sourceOf(config, tensors);
    let nReads = 0;
    const counted = (tensor: SourceTensor): SourceTensor => ({
      ...tensor,
      read(offset, target) {
        nReads++;
        return tensor.read(offset, target);
      },
    });
    const pair = { target: WQ, a: counted(some[0]!.a), b: counted(some[0]!.b) };
    const patched = withLora(source, adapter([pair]));
    expect([source.reads, nReads]).toEqual([0, 0]);
    await readAll(patched.tensor(WQ)!, 1000);
    expect(nReads).toBe(2); // the factors once, whatever the number of pieces
  });

  test("a file that workers would open themselves is not offered for a patched tensor", () => {
    const source = sourceOf(config, tensors);
    for (const [name, tensor] of source.tensors) {
      source.tensors.set(name, { ...tensor, location: { path: "model.bin", offset: 0 } });
    }
    const patched = withLora(source, adapter(some));
    expect(patched.tensor(WQ)?.location).toBeUndefined();
    expect(patched.tensor("output.weight")?.location).toEqual({ path: "model.bin", offset: 0 });
  });

  test("outside the tensor is a RangeError", async () => {
    const tensor = withLora(sourceOf(config, tensors), adapter(some)).tensor(WQ)!;
    await expect(tensor.read(tensor.byteLength - 4, new Uint8Array(8))).rejects.toThrow(RangeError);
  });

  test("events: one a tensor, at its end, however often that is read", async () => {
    const events: TensorPatchedEvent[] = [];
    const source = sourceOf(config, tensors, "q4_0");
    const patched = withLora(source, adapter(some), { onEvent: (event) => events.push(event) });
    for (const name of [WQ, WQ, NORM, W2]) await readAll(patched.tensor(name)!, 300);
    const event = { kind: "tensor-patched", nTotal: 3 } as const;
    expect(events).toEqual([
      { ...event, name: WQ, nPatched: 1, isRepacked: true },
      { ...event, name: NORM, nPatched: 2, isRepacked: false },
      { ...event, name: W2, nPatched: 3, isRepacked: true },
    ]);
  });

  test("a base that is no quantised one repacks nothing", async () => {
    const events: TensorPatchedEvent[] = [];
    const base = sourceOf(config, tensors, "f16");
    const patched = withLora(sourceOf(config, tensors, "q4_0"), adapter(some), {
      base,
      onEvent: (event) => events.push(event),
    });
    await readAll(patched.tensor(WQ)!);
    expect(events[0]?.isRepacked).toBe(false);
  });
});

describe("refuses", () => {
  const source = sourceOf(config, tensors, "q4_0");
  const EXPERTS = "experts.weight";
  source.tensors.set(EXPERTS, { ...source.tensor(W2)!, name: EXPERTS, shape: [4, 48, 64] });
  const pair = some[0]!;
  const odd = (half: "a" | "b", changes: Partial<SourceTensor>): LoraPair => ({
    ...pair,
    [half]: { ...pair[half], ...changes },
  });
  const without = (name: string): TensorSource => {
    const base = sourceOf(config, tensors, "f16");
    base.tensors.delete(name);
    return base;
  };
  const baseWith = (changes: Partial<SourceTensor>): TensorSource => {
    const base = sourceOf(config, tensors, "f16");
    base.tensors.set(WQ, { ...base.tensor(WQ)!, ...changes });
    return base;
  };

  const rows: [what: string, pairs: LoraPair[], error: Record<string, unknown>, base?: TensorSource][] = [
    [
      "a tensor that the model has not",
      [{ ...pair, target: "layers.9.attention.wq.weight" }],
      { code: "E_UNKNOWN_TENSOR", field: `${WQ}.loraA`, got: "layers.9.attention.wq.weight" },
    ],
    ["two pairs for one tensor", [pair, pair], { code: "E_DUP", field: WQ }],
    ["A of another width", [odd("a", { shape: [65, 3] })], { code: "E_SHAPE", expected: "64 x 3", got: "65 x 3" }],
    ["B of another height", [odd("b", { shape: [63, 3] })], { code: "E_SHAPE", expected: "64 x 3", got: "63 x 3" }],
    ["B for only as many rows as there are experts", [pairFor(EXPERTS, [4, 64], 3)], { code: "E_SHAPE", got: "4 x 3" }],
    ["other ranks", [odd("b", { shape: [64, 2] })], { code: "E_SHAPE", expected: "64 x 3", got: "64 x 2" }],
    ["rank 0", [pairFor(WQ, [64, 64], 0)], { code: "E_SHAPE", expected: "64 x 0", got: "64 x 0" }],
    ["a vector", [odd("a", { shape: [192] })], { code: "E_SHAPE", field: `${WQ}.loraA` }],
    ["A in q4_0", [odd("a", { type: "q4_0" })], { code: "E_TENSOR_TYPE", got: "q4_0" }],
    ["too few bytes", [odd("b", { byteLength: 8 })], { code: "E_LENGTH", expected: 768, got: 8 }],
    ["a base without the tensor", [pair], { code: "E_MISSING_TENSOR", field: WQ }, without(WQ)],
    [
      "a base of another shape",
      [pair],
      { code: "E_SHAPE", field: WQ, expected: "64 x 64", got: "32 x 128" },
      baseWith({ shape: [32, 128] }),
    ],
    [
      "a quantised base",
      [pair],
      { code: "E_TENSOR_TYPE", field: WQ, expected: "f32 or f16", got: "q4_0" },
      sourceOf(config, tensors, "q4_0"),
    ],
  ];
  test.each(rows)("%s", (_what, pairs, expected, base) => {
    expect(() => withLora(source, adapter(pairs), { base })).toThrow(
      expect.objectContaining({ name: "ModelError", ...expected }),
    );
  });

  test("and says which of the two matrices is wrong", () => {
    expect(() => withLora(source, adapter([odd("b", { shape: [63, 3] })]))).toThrow(
      "incompatible tensor dimensions (64 and 63) of 'layers.0.attention.wq.weight.loraB'; are you sure that this adapter is for this model?",
    );
  });
});

test("files of an adapter, and of the base that it is added to, are looked at as that of the model is", async () => {
  const source = sourceOf(config, tensors, "f16");
  const assertUnchanged = async (): Promise<void> => {
    throw Object.assign(new Error("changed"), { code: "E_CHANGED" });
  };
  const sound = adapter([pairFor(NORM, [1, 64], 2)], 1, 1);
  await (await loadModel(withLora(source, sound), config, { threads: 1 })).dispose();
  const base = { names: () => source.names(), tensor: (name: string) => source.tensor(name), assertUnchanged };
  for (const patched of [withLora(source, { ...sound, assertUnchanged }), withLora(source, sound, { base })]) {
    await expect(loadModel(patched, config, { threads: 1 })).rejects.toMatchObject({ code: "E_CHANGED" });
  }
});
