import { memorySink, memorySource } from "@ll/bytes";
import type { SourceTensor } from "@ll/checkpoint";
import { openCheckpoint } from "@ll/checkpoint/node";
import { openGgml } from "@ll/ggml-format";
import { describe, expect, test } from "vitest";
import { fixture } from "../../../tools/test-data.ts";
import { type ConvertInput, convertCheckpoint, convertedBytes, convertWith } from "../src/convert-checkpoint.ts";
import type { ModelEvent, WorkOptions } from "../src/events.ts";
import { PIECE_VALUES } from "../src/packing/packer.ts";
import { f32Bytes, heldTensor, noise, sha256, vocabulary } from "./models.ts";

const PARAMS = { nVocab: 4, nEmbd: 64, nMult: 32, nHeads: 2, nKvHeads: 2, nLayers: 1 };

function inputOf(tensors: readonly SourceTensor[], outType: "f32" | "f16", container: 1 | 3 = 3): ConvertInput {
  return { params: PARAMS, tensors, vocab: vocabulary(4), outType, container };
}

async function converted(input: ConvertInput, options: WorkOptions = {}) {
  const sink = memorySink();
  await convertCheckpoint(input, sink, options);
  expect(sink.bytesWritten).toBe(convertedBytes(input));
  return { bytes: sink.bytes(), file: await openGgml(memorySource(sink.bytes())) };
}

test.each([
  ["f32", 0, 1],
  ["f16", 1, 3],
] as const)("the header holds the parameters and the type %s as %d", async (outType, ftype, container) => {
  const { file } = await converted(inputOf([], outType, container));
  expect(file.container).toMatchObject({ magic: "ggjt", version: container });
  expect(file.hyperParams).toEqual({ nVocab: 4, nEmbd: 64, nMult: 32, nHead: 2, nLayer: 1, nRot: 32, ftype });
  expect(file.vocab).toEqual(vocabulary(4));
});

test("the containers differ in their version field alone", async () => {
  const tensors = [heldTensor("a", "f32", [2, 2], f32Bytes([1, 2, 3, 4]))];
  const { bytes: v1 } = await converted(inputOf(tensors, "f16", 1));
  const { bytes: v3 } = await converted(inputOf(tensors, "f16", 3));
  v1[4] = 3;
  expect(v1).toEqual(v3);
});

describe("matrices get the type asked for, vectors are f32", () => {
  const halves = Uint8Array.of(0x00, 0x3c, 0x00, 0xc0, 0x01, 0x00, 0xff, 0x7b); // 1, -2, 2^-24, 65504
  const brains = Uint8Array.of(0x80, 0x3f, 0x00, 0xc0, 0x00, 0x33, 0x80, 0x47); // 1, -2, 2^-25, 65536
  const values = async (type: "f32" | "f16", tensor: SourceTensor): Promise<number[]> => {
    const { file } = await converted(inputOf([tensor], type), { allowNonFinite: true });
    const written = file.tensor("a");
    const bytes = new Uint8Array(written?.byteLength ?? 0);
    await written?.read(0, bytes);
    const array = written?.type === "f16" ? new Float16Array(bytes.buffer) : new Float32Array(bytes.buffer);
    expect(written?.type).toBe(tensor.shape.length === 1 ? "f32" : type);
    return [...array];
  };

  test.each([
    ["f16", [2, 2], "f32", halves, [1, -2, 2 ** -24, 65504]],
    ["f16", [4], "f16", halves, [1, -2, 2 ** -24, 65504]],
    ["bf16", [2, 2], "f32", brains, [1, -2, 2 ** -25, 65536]],
    // half of the smallest number is a tie and rounds to even, 65536 is beyond the largest
    ["bf16", [2, 2], "f16", brains, [1, -2, 0, Number.POSITIVE_INFINITY]],
    ["bf16", [4], "f16", brains, [1, -2, 2 ** -25, 65536]],
    ["f32", [2, 2], "f16", f32Bytes([1, 1 + 2 ** -11, 1 + 3 * 2 ** -11, -0]), [1, 1, 1 + 2 ** -9, -0]],
  ] as const)("%s of %j in a file of %s", async (type, shape, outType, bytes, expected) => {
    expect(await values(outType, heldTensor("a", type, [...shape], bytes))).toEqual(expected);
  });
});

test("events tell every tensor in order, then the totals", async () => {
  const tensors = [
    heldTensor("norm.weight", "f32", [2], f32Bytes([1, 2])),
    heldTensor("a.weight", "f32", [2, 2], f32Bytes([1, 2, 3, 4])),
  ];
  const events: ModelEvent[] = [];
  await convertCheckpoint(inputOf(tensors, "f16"), memorySink(), { onEvent: (event) => events.push(event) });
  const norm = {
    index: 0,
    total: 2,
    name: "norm.weight",
    shape: [2],
    fromType: "f32",
    toType: "f32",
    isCopied: true,
    bytesIn: 8,
    bytesOut: 8,
  };
  const a = {
    index: 1,
    total: 2,
    name: "a.weight",
    shape: [2, 2],
    fromType: "f32",
    toType: "f16",
    isCopied: false,
    bytesIn: 16,
    bytesOut: 8,
  };
  const histogram = new Float64Array(16);
  expect(events).toEqual([
    { kind: "tensor-start", ...norm },
    { kind: "tensor-done", ...norm, histogram },
    { kind: "tensor-start", ...a },
    { kind: "tensor-done", ...a, histogram },
    { kind: "totals", tensors: 2, bytesIn: 24, bytesOut: 16, histogram },
  ]);
});

test("a tensor of several pieces is read in whole rows, in order, and none too large", async () => {
  const columns = 1000;
  const rows = 2 * Math.floor(PIECE_VALUES / columns) + 7;
  const held = heldTensor("a", "f32", [rows, columns], f32Bytes([...noise(rows * columns)]));
  const reads: [number, number][] = [];
  const tensor: SourceTensor = {
    ...held,
    read: (offset, target) => {
      reads.push([offset, target.byteLength]);
      return held.read(offset, target);
    },
  };
  const { file } = await converted(inputOf([tensor], "f32"));
  const bytes = new Uint8Array(held.byteLength);
  await file.tensor("a")?.read(0, bytes);
  expect(sha256(bytes)).toBe(sha256(f32Bytes([...noise(rows * columns)])));
  const piece = Math.floor(PIECE_VALUES / columns) * columns * 4;
  expect(reads).toEqual([
    [0, piece],
    [piece, piece],
    [2 * piece, 7 * columns * 4],
  ]);
});

test("a row longer than a piece is read in pieces", async () => {
  const columns = PIECE_VALUES + 10;
  const held = heldTensor("a", "f32", [1, columns], f32Bytes([...noise(columns)]));
  const reads: number[] = [];
  const read: SourceTensor["read"] = (offset, target) => {
    reads.push(target.byteLength);
    return held.read(offset, target);
  };
  await converted(inputOf([{ ...held, read }], "f32"));
  expect(reads).toEqual([PIECE_VALUES * 4, 40]);
});

describe("with kernels", () => {
  /** What is beyond f16 becomes infinite on both ways. */
  const ALLOWED = { allowNonFinite: true };

  /** Both files, and where and how much was read for the second, by kernels. */
  async function both(tensors: readonly SourceTensor[], outType: "f32" | "f16") {
    const reads: [number, number][] = [];
    const watchedTensors = tensors.map((tensor) => ({
      ...tensor,
      read: (offset: number, target: Uint8Array) => {
        reads.push([offset, target.byteLength]);
        return tensor.read(offset, target);
      },
    }));
    const plain = memorySink();
    const kernels = memorySink();
    const plainTotals = await convertWith(inputOf(tensors, outType), plain, ALLOWED, Number.POSITIVE_INFINITY);
    const totals = await convertWith(inputOf(watchedTensors, outType), kernels, ALLOWED, 1);
    expect(totals).toEqual(plainTotals);
    return { plain: plain.bytes(), kernels: kernels.bytes(), reads };
  }

  test.each([
    ["f32", "f16"],
    ["f16", "f32"],
    ["bf16", "f16"],
    ["bf16", "f32"],
    ["f16", "f16"],
  ] as const)("matrices of %s become the same %s", async (from, to) => {
    const bits = Uint16Array.from({ length: 65536 }, (_, i) => i);
    // every bit pattern but those of NaN, whose sign is no matter
    const finite = bits.filter((value) => (value & 0x7fff) <= (from === "f16" ? 0x7c00 : 0x7f80));
    const values = from === "f32" ? f32Bytes([...noise(1000), 0, -0, 65520, -1e9, 1e-8, 2 ** -25]) : finite;
    const bytes = new Uint8Array(values.buffer);
    const size = bytes.length / (from === "f32" ? 4 : 2);
    const tensors = [
      heldTensor("a", from, [2, size / 2], bytes),
      heldTensor("norm", from, [size], bytes),
      heldTensor("b", "i8", [3, 5], bytes.slice(0, 15)),
    ];
    const { plain, kernels } = await both(tensors, to);
    expect(sha256(kernels)).toBe(sha256(plain));
  });

  test("several pieces are whole rows, read in order and once", async () => {
    const columns = 1000;
    const perPiece = Math.floor(PIECE_VALUES / columns);
    const rows = 2 * perPiece + 7;
    const tensor = heldTensor("a", "f32", [rows, columns], f32Bytes([...noise(rows * columns)]));
    const { plain, kernels, reads } = await both([tensor], "f16");
    expect(sha256(kernels)).toBe(sha256(plain));
    const pieceBytes = 4 * perPiece * columns;
    expect(reads).toEqual([
      [0, pieceBytes],
      [pieceBytes, pieceBytes],
      [2 * pieceBytes, 7 * 4 * columns],
    ]);
  });
});

describe("refused before anything is written", () => {
  test.each([
    [
      "a tensor twice",
      [heldTensor("a", "f32", [1], f32Bytes([1])), heldTensor("a", "f32", [1], f32Bytes([1]))],
      "E_LIMIT",
    ],
    ["three dimensions", [heldTensor("a", "f32", [1, 1, 1], f32Bytes([1]))], "E_LIMIT"],
    ["a type without values", [heldTensor("a", "bool", [4, 1], new Uint8Array(4))], "E_DTYPE"],
  ])("%s", async (_name, tensors, code) => {
    const sink = memorySink();
    await expect(convertCheckpoint(inputOf(tensors, "f16"), sink)).rejects.toMatchObject({
      name: "ConvertError",
      code,
    });
    expect(sink.bytesWritten).toBe(0);
  });

  test("a vocabulary of another size", () => {
    const input = { ...inputOf([], "f16"), vocab: vocabulary(5) };
    expect(() => convertedBytes(input)).toThrow(expect.objectContaining({ code: "E_LIMIT" }));
  });
});

test("an abort ends the work with its reason", async () => {
  const controller = new AbortController();
  const sink = memorySink();
  const work = convertCheckpoint(inputOf([heldTensor("a", "f32", [2], f32Bytes([1, 2]))], "f32"), sink, {
    signal: controller.signal,
    onEvent: () => controller.abort(new Error("stop")),
  });
  await expect(work).rejects.toThrow("stop");
});

test("takes a checkpoint of @ll/checkpoint as it is", async () => {
  const checkpoint = await openCheckpoint(fixture("tiny/meta"));
  const input: ConvertInput = { ...checkpoint, vocab: vocabulary(1024), outType: "f16", container: 3 };
  const { file } = await converted(input);
  expect(file.tensors).toHaveLength(57);
  expect(file.hyperParams).toEqual({ nVocab: 1024, nEmbd: 128, nMult: 32, nHead: 4, nLayer: 6, nRot: 32, ftype: 1 });
  await checkpoint.close();
});

test("a file of which not all types are kept is called by the type of most matrices", async () => {
  const block = heldTensor("a", "q4_0", [1, 32], new Uint8Array(18));
  const brains = ["b", "c"].map((name) => heldTensor(name, "bf16", [1, 2], new Uint8Array(4)));
  const input = { ...inputOf([block, ...brains], "f32"), outType: "stored", ftype: 2 } as const;
  expect((await converted(input)).file.hyperParams.ftype).toBe(0);
  expect((await converted({ ...input, tensors: [block] })).file.hyperParams.ftype).toBe(2);
});
