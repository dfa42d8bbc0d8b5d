// 4-bit GPTQ matrices against a plain reading of their definition, in both versions of the format.

import { fc, test } from "@fast-check/vitest";
import { encodeF16, memorySource, type SourceTensor } from "@ll/bytes";
import { describe, expect, it } from "vitest";
import { dequantizeGptq } from "../src/gptq.ts";
import { openCheckpoint } from "../src/open-checkpoint.ts";
import { spanTensor } from "../src/source-tensor.ts";
import { bytesOf } from "./support/bytes.ts";
import { expectRejected } from "./support/expect-rejected.ts";
import { directoryWith, readAll } from "./support/files.ts";
import { safetensorsFile } from "./support/safetensors-writer.ts";
import { CONFIG_JSON, hfName, hfTensors, metaTensors } from "./support/tiny-model.ts";
import type { TensorData } from "./support/torch-writer.ts";

interface Quantized {
  readonly nInputs: number;
  readonly nOutputs: number;
  readonly nGroups: number;
  readonly q: (output: number, input: number) => number;
  readonly scale: (output: number, group: number) => number;
  readonly qzero: (output: number, group: number) => number;
  readonly group: (input: number) => number;
}

/** Values as convert.py computes them: binary32 after every operation. @param zeroOffset added to a stored zero point */
function expectedValues(m: Quantized, zeroOffset = 1): Float32Array {
  const values = new Float32Array(m.nOutputs * m.nInputs);
  for (let o = 0; o < m.nOutputs; o++) {
    for (let i = 0; i < m.nInputs; i++) {
      const g = m.group(i);
      const scale = Math.fround(m.scale(o, g));
      const zero = Math.fround(Math.fround(scale * m.qzero(o, g)) + scale * zeroOffset);
      values[o * m.nInputs + i] = Math.fround(Math.fround(scale * m.q(o, i)) - zero);
    }
  }
  return values;
}

/** Packs eight numbers of 4 bits into each word, the first lowest. */
function pack(rows: number, columns: number, nibble: (row: number, column: number, k: number) => number): Int32Array {
  return Int32Array.from({ length: rows * columns }, (_, index) => {
    let word = 0;
    for (let k = 0; k < 8; k++) word |= nibble(Math.floor(index / columns), index % columns, k) << (4 * k);
    return word;
  });
}

const i32 = (shape: number[], values: Int32Array): TensorData => ({ type: "i32", shape, bytes: bytesOf(values) });
const f32 = (shape: number[], values: ArrayLike<number>): TensorData => ({
  type: "f32",
  shape,
  bytes: bytesOf(Float32Array.from(values)),
});

/** The stored tensors of `base`, as GPTQ-for-LLaMa writes them today. */
function store(base: string, m: Quantized, withIndex: boolean): Map<string, TensorData> {
  const { nInputs, nOutputs, nGroups } = m;
  const byGroup = (value: (o: number, g: number) => number) =>
    Float32Array.from({ length: nGroups * nOutputs }, (_, i) => value(i % nOutputs, Math.floor(i / nOutputs)));
  const tensors = new Map([
    [
      `${base}.qweight`,
      i32(
        [nInputs / 8, nOutputs],
        pack(nInputs / 8, nOutputs, (row, o, k) => m.q(o, row * 8 + k)),
      ),
    ],
    [`${base}.scales`, f32([nGroups, nOutputs], byGroup(m.scale))],
    [
      `${base}.qzeros`,
      i32(
        [nGroups, nOutputs / 8],
        pack(nGroups, nOutputs / 8, (g, word, k) => m.qzero(word * 8 + k, g)),
      ),
    ],
    [`${base}.bias`, f32([nOutputs], new Float32Array(nOutputs))],
  ]);
  if (withIndex)
    tensors.set(
      `${base}.g_idx`,
      i32(
        [nInputs],
        Int32Array.from({ length: nInputs }, (_, i) => m.group(i)),
      ),
    );
  return tensors;
}

function opened(tensors: ReadonlyMap<string, TensorData>): Map<string, SourceTensor> {
  return new Map(
    [...tensors].map(([name, { type, shape, bytes }]) => [
      name,
      spanTensor(name, type, shape, memorySource(bytes), 0, bytes.length),
    ]),
  );
}

const random = (seed: number) => (a: number, b: number) =>
  (Math.imul(a * 8191 + b * 131 + seed, 2654435761) >>> 16) & 0xffff;

function example(seed: number, groupSize: number, nGroups: number, shuffled: boolean, nOutputs = 16): Quantized {
  const next = random(seed);
  return {
    nInputs: groupSize * nGroups,
    nOutputs,
    nGroups,
    q: (o, i) => next(o, i) & 15,
    scale: (o, g) => next(o, g + 1000) / 1e6,
    qzero: (o, g) => next(o, g + 2000) & 15,
    group: (i) => (shuffled ? next(i, 3000) % nGroups : Math.floor(i / groupSize)),
  };
}

async function weight(tensors: ReadonlyMap<string, TensorData>, pieceBytes?: number): Promise<Float32Array> {
  const weights = await dequantizeGptq(opened(tensors), "model");
  expect([...weights.keys()]).toEqual(["x.weight"]);
  return new Float32Array((await readAll(weights.get("x.weight")!, pieceBytes)).buffer);
}

describe("dequantizeGptq", () => {
  test.prop([
    fc.nat(),
    fc.constantFrom(8, 16, 32),
    fc.integer({ min: 2, max: 4 }),
    fc.boolean(),
    fc.integer({ min: 1, max: 300 }),
  ])("reads qweight, qzeros, scales and g_idx", async (seed, groupSize, nGroups, shuffled, pieceBytes) => {
    const m = example(seed, groupSize, nGroups, shuffled);
    expect(await weight(store("x", m, shuffled), pieceBytes)).toEqual(expectedValues(m));
  });

  it("reads zeros that are stored as numbers, one group per row, as in the first files", async () => {
    const m = example(1, 32, 1, false);
    const stored = store("x", m, false);
    const zeros = Array.from({ length: 16 }, (_, o) => {
      const scale = Math.fround(m.scale(o, 0));
      return Math.fround(scale * m.qzero(o, 0)) + scale;
    });
    stored.delete("x.qzeros");
    stored.set(
      "x.scales",
      f32(
        [16, 1],
        Array.from({ length: 16 }, (_, o) => m.scale(o, 0)),
      ),
    );
    stored.set("x.zeros", f32([16, 1], zeros));
    expect(await weight(stored)).toEqual(expectedValues(m));
  });

  it("needs no bias", async () => {
    const m = example(5, 16, 2, false);
    const stored = store("x", m, false);
    stored.delete("x.bias");
    expect(await weight(stored)).toEqual(expectedValues(m));
  });

  it("refuses groups that do not divide the inputs, with zeros that are stored as numbers", async () => {
    const stored = store("x", example(5, 16, 2, false), false);
    stored.delete("x.qzeros");
    for (const name of ["scales", "zeros"]) stored.set(`x.${name}`, f32([3, 16], new Float32Array(48)));
    await expectRejected(() => dequantizeGptq(opened(stored), "model"), "E_SHAPE");
  });

  it("widens scales of 16 bits", async () => {
    const m = { ...example(2, 16, 2, false), scale: (o: number, g: number) => (o + 1) / 64 + g };
    const stored = store("x", m, false);
    const scales = Float32Array.from({ length: 32 }, (_, i) => m.scale(i % 16, Math.floor(i / 16)));
    const f16 = bytesOf(encodeF16(scales, new Uint16Array(32)));
    stored.set("x.scales", { type: "f16", shape: [2, 16], bytes: f16 });
    expect(await weight(stored)).toEqual(expectedValues(m));
  });

  it("leaves other tensors alone", async () => {
    const stored = opened(new Map([["norm.weight", f32([1], [1])]]));
    expect(await dequantizeGptq(stored, "model")).toBe(stored);
  });

  const bad: readonly (readonly [row: string, name: string, tensor: TensorData | undefined, code: string])[] = [
    ["no scales", "scales", undefined, "E_MISSING_TENSOR"],
    ["no zeros of either kind", "qzeros", undefined, "E_MISSING_TENSOR"],
    ["qweight of floats", "qweight", f32([4, 16], new Float32Array(64)), "E_SHAPE"],
    ["qweight of rank 1", "qweight", i32([64], new Int32Array(64)), "E_SHAPE"],
    ["scales of other outputs", "scales", f32([2, 8], new Float32Array(16)), "E_SHAPE"],
    ["scales of integers", "scales", i32([2, 16], new Int32Array(32)), "E_DTYPE"],
    ["groups that do not divide the inputs", "scales", f32([3, 16], new Float32Array(48)), "E_SHAPE"],
    ["qzeros of another shape", "qzeros", i32([2, 3], new Int32Array(6)), "E_SHAPE"],
    ["zeros of another shape", "zeros", f32([1, 16], new Float32Array(16)), "E_SHAPE"],
    ["g_idx of another length", "g_idx", i32([31], new Int32Array(31)), "E_SHAPE"],
    ["g_idx of a group too many", "g_idx", i32([32], new Int32Array(32).fill(2)), "E_RANGE"],
    ["g_idx below 0", "g_idx", i32([32], new Int32Array(32).fill(-1)), "E_RANGE"],
    ["a bias", "bias", f32([16], new Float32Array(16).fill(0.5)), "E_UNSUPPORTED"],
    ["a bias of integers", "bias", { type: "i64", shape: [1], bytes: new Uint8Array(8) }, "E_DTYPE"],
  ];
  it.each(bad)("refuses %s", async (_, name, tensor, code) => {
    const stored = store("x", example(3, 16, 2, false), false);
    if (tensor === undefined) stored.delete(`x.${name}`);
    else stored.set(`x.${name}`, tensor);
    await expectRejected(() => dequantizeGptq(opened(stored), "model"), code);
  });

  it.each([
    ["qweight", "i32", [2 ** 21 + 1, 16]],
    ["bias", "f32", [2 ** 24 + 1]],
  ])("refuses a %s of which one row is too large to be held", async (name, type, shape) => {
    const tensors = opened(store("x", example(3, 16, 2, false), false));
    const byteLength = shape.reduce((product, size) => product * size, 4);
    // it is refused by its shape: no byte of it is read
    tensors.set(`x.${name}`, spanTensor(`x.${name}`, type, shape, memorySource(new Uint8Array(0)), 0, byteLength));
    await expectRejected(() => dequantizeGptq(tensors, "model"), "E_LIMIT");
  });

  it("reads zero points of the second version as they are", async () => {
    const m = example(6, 16, 2, false);
    const layout = { zeroOffset: 0, needsIndex: false } as const;
    const weights = await dequantizeGptq(opened(store("x", m, false)), "model", layout);
    const values = new Float32Array((await readAll(weights.get("x.weight")!)).buffer);
    expect(values).toEqual(expectedValues(m, 0));
    expect(values).not.toEqual(expectedValues(m, 1));
  });

  it("refuses inputs without a group where the configuration says that groups are no neighbours", async () => {
    const layout = { zeroOffset: 1, needsIndex: true } as const;
    const m = example(6, 16, 2, false);
    await dequantizeGptq(opened(store("x", m, true)), "model", layout);
    await expectRejected(() => dequantizeGptq(opened(store("x", m, false)), "model", layout), "E_MISSING_TENSOR");
  });

  it("refuses the layout of AWQ by its name", async () => {
    const stored = store("x", example(3, 16, 2, false), false);
    stored.set("x.qweight", i32([32, 2], new Int32Array(64)));
    const error = await expectRejected(() => dequantizeGptq(opened(stored), "model"), "E_UNSUPPORTED");
    expect(error.message).toContain("AWQ");
  });

  const V2 = { quant_method: "gptq", bits: 4, checkpoint_format: "gptq_v2" };
  const withQuantization = JSON.stringify({ ...JSON.parse(CONFIG_JSON), quantization_config: V2 });
  it.each([
    ["config.json", { "config.json": withQuantization }],
    // AutoGPTQ writes the same object into a file of its own
    ["quantize_config.json", { "config.json": CONFIG_JSON, "quantize_config.json": JSON.stringify(V2) }],
  ])("takes the version from %s", async (_, configs) => {
    const tensors = hfTensors(metaTensors());
    const m = example(4, 8, 2, false, 64);
    const base = "model.layers.0.mlp.up_proj";
    tensors.delete(`${base}.weight`);
    for (const [name, data] of store(base, m, false)) tensors.set(name, data);
    const checkpoint = await openCheckpoint(
      directoryWith({ "model.safetensors": safetensorsFile(tensors), ...configs }),
    );
    const values = new Float32Array((await readAll(checkpoint.tensor("layers.0.feed_forward.w3.weight")!)).buffer);
    expect(values).toEqual(expectedValues(m, 0));
    await checkpoint.close();
  });

  it("opens a quantised model: rows of q are reordered after they are unpacked", async () => {
    const meta = metaTensors();
    const tensors = hfTensors(meta);
    const m = example(4, 8, 2, true);
    const base = "model.layers.0.self_attn.q_proj";
    tensors.delete(`${base}.weight`);
    for (const [name, data] of store(base, m, true)) tensors.set(name, data);
    expect(hfName("layers.0.attention.wq.weight")).toBe(`${base}.weight`);
    const directory = directoryWith({ "model.safetensors": safetensorsFile(tensors), "config.json": CONFIG_JSON });
    const checkpoint = await openCheckpoint(directory);
    expect(checkpoint.weightType).toBe("gptq");
    expect(checkpoint.warnings).toEqual([]);
    expect(checkpoint.storedTensors.get(`${base}.qweight`)?.type).toBe("i32");
    const values = new Float32Array((await readAll(checkpoint.tensor("layers.0.attention.wq.weight")!)).buffer);
    const expected = expectedValues(m);
    // row 1 of the first head of 8 rows is stored as row 4
    expect(values.subarray(16, 32)).toEqual(expected.subarray(4 * 16, 5 * 16));
    await checkpoint.close();
  });
});
