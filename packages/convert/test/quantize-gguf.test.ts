// GGUF files quantised: what llama.cpp makes of them (ggml 0.20.2) was recorded, file by file and tensor by tensor.

import { readFileSync } from "node:fs";
import { type ByteSink, memorySink, memorySource } from "@ll/bytes";
import { createGgufWriter, type GgufSet, openGgufSet, tensorBytes, tensorType, type WritableValue } from "@ll/gguf";
import { packGgufRows, unpackRows } from "@ll/quant";
import { describe, expect, test } from "vitest";
import { type MortalWorker, mortalWorkers } from "../../../tools/mortal-workers.ts";
import { describeWithTestData, testData } from "../../../tools/test-data.ts";
import { type GgufTarget, type ModelEvent, openImportance, planGguf, quantizeGguf } from "../src/index.ts";
import { PIECE_VALUES } from "../src/packing/packer.ts";
import { quantizeGgufWith } from "../src/quantize-gguf.ts";
import { f32Bytes, noise, sha256, watched } from "./models.ts";

const CONVERT_WORKER = new URL("../src/convert-worker.ts", import.meta.url);

interface Recorded {
  readonly error?: string;
  readonly sha256: string;
  readonly size: number;
  readonly tensors?: readonly string[];
  /** Ids. */
  readonly types: readonly number[];
  /** The first 16 digits of the SHA-256 of each tensor. */
  readonly data: readonly string[];
}

interface RecordedSource {
  readonly file: string;
  readonly allowRequantize: boolean;
  readonly tensors: readonly string[];
  readonly outputs: Record<string, Recorded>;
}

interface RecordedCase extends Recorded {
  readonly source: string;
  readonly ftype: number;
  readonly options: readonly string[];
}

interface Golden {
  readonly sources: Record<string, RecordedSource>;
  readonly cases: readonly RecordedCase[];
  readonly split: { file: string; ftype: number; merged: Recorded; keepSplit: readonly Recorded[] };
}

function openModel(...paths: readonly string[]): Promise<GgufSet> {
  return openGgufSet(paths.map((path) => memorySource(readFileSync(testData(path)))));
}

/** The files that come out. */
async function quantized(file: GgufSet, target: GgufTarget, threads = 1): Promise<Uint8Array[]> {
  const plan = await planGguf(file, target);
  const sinks = plan.files.map(() => memorySink());
  await quantizeGguf(plan, sinks as ByteSink[], { threads });
  expect(sinks.map((sink) => sink.bytesWritten)).toEqual(plan.files.map(({ byteLength }) => byteLength));
  return sinks.map((sink) => sink.bytes());
}

async function expectRecorded(bytes: Uint8Array, recorded: Recorded, names: readonly string[]): Promise<void> {
  const file = await openGgufSet([memorySource(bytes)]).catch(() => undefined); // a file of a set alone is refused
  if (file !== undefined) {
    expect(file.tensors.map(({ name }) => name)).toEqual(recorded.tensors ?? names);
    expect(file.tensors.map(({ type }) => tensorType(type).id)).toEqual(recorded.types);
    for (const [index, tensor] of file.tensors.entries()) {
      const data = new Uint8Array(tensor.byteLength);
      await tensor.read(0, data);
      expect(sha256(data).slice(0, 16), tensor.name).toBe(recorded.data[index]);
    }
  }
  expect(bytes.length).toBe(recorded.size);
  expect(sha256(bytes)).toBe(recorded.sha256);
}

/** What the options of a recorded case ask of this package. */
async function targetOf({ source, ftype, options }: RecordedCase, allowRequantize: boolean): Promise<GgufTarget> {
  const overrides = new Map<string, WritableValue>();
  const tensorTypes: { pattern: RegExp; type: string }[] = [];
  const target: { -readonly [Key in keyof GgufTarget]: GgufTarget[Key] } = {
    ftype,
    allowRequantize,
    overrides,
    tensorTypes,
  };
  for (let i = 0; i < options.length; i++) {
    const value = (): string => options[++i] as string;
    const option = options[i] as string;
    if (option === "--pure") target.pure = true;
    else if (option === "--leave-output-tensor") target.leaveOutputTensor = true;
    else if (option === "--output-tensor-type") target.outputTensorType = value();
    else if (option === "--token-embedding-type") target.tokenEmbeddingType = value();
    else if (option === "--prune-layers") target.pruneLayers = value().split(",").map(Number);
    else if (option === "--tensor-type") {
      const [pattern, type] = value().split("=") as [string, string];
      tensorTypes.push({ pattern: new RegExp(pattern.toLowerCase()), type });
    } else if (option === "--override-kv") {
      const [, key, kind, text] = /^(.*?)=(\w+):(.*)$/.exec(value()) as unknown as [string, string, string, string];
      if (kind === "int") overrides.set(key, { type: "u32", value: Number(text) });
      else if (kind === "float") overrides.set(key, { type: "f32", value: Number(text) });
      else if (kind === "bool") overrides.set(key, { type: "bool", value: text === "true" });
      else overrides.set(key, { type: "string", value: text });
    } else if (option === "--imatrix") {
      const name = value();
      target.importance = await openImportance(memorySource(readFileSync(testData(`models/quantize/${name}`))));
      target.importanceName = name.endsWith(".dat") ? "imatrix.dat" : "imatrix.gguf";
    } else if (option.startsWith("COPY")) target.ftype = undefined;
    else if (!option.startsWith("nthreads") && !option.startsWith("(named")) throw new Error(`${source}: ${option}`);
  }
  return target;
}

describeWithTestData("recorded from llama.cpp", () => {
  const golden: Golden = JSON.parse(readFileSync(testData("golden/quantize-gguf.json"), "utf8"));

  for (const [name, source] of Object.entries(golden.sources)) {
    test.each(Object.entries(source.outputs))(`${name} to file type %s`, async (ftype, recorded) => {
      const file = await openModel(source.file);
      const target = { ftype: Number(ftype), allowRequantize: source.allowRequantize };
      if (recorded.error !== undefined) await expect(planGguf(file, target)).rejects.toThrow(recorded.error);
      else for (const bytes of await quantized(file, target)) await expectRecorded(bytes, recorded, source.tensors);
    });
  }

  const isPruned = ({ options }: RecordedCase): boolean => options.includes("--prune-layers");

  test.each(golden.cases.filter((one) => !isPruned(one)))("$source to $ftype, $options", async (recorded) => {
    const source = golden.sources[recorded.source] as RecordedSource;
    const file = await openModel(source.file);
    const target = await targetOf(recorded, false);
    if (recorded.error !== undefined) {
      await expect(planGguf(file, target)).rejects.toThrow(recorded.error);
      return;
    }
    for (const bytes of await quantized(file, target)) {
      await expectRecorded(bytes, recorded, recorded.tensors ?? source.tensors);
    }
  });

  test.each(golden.cases.filter(isPruned))(
    "$source to $ftype, $options: layers that move up keep their weights, where llama.cpp gives them those of others",
    async (recorded) => {
      const source = golden.sources[recorded.source] as RecordedSource;
      const file = await openModel(source.file);
      const target = await targetOf(recorded, false);
      const [bytes] = (await quantized(file, target)) as [Uint8Array];
      const pruned = await openGgufSet([memorySource(bytes)]);
      const packed = async (name: string, type: string): Promise<Uint8Array> => {
        const tensor = file.tensor(name);
        if (tensor === undefined) throw new Error(name);
        const data = new Uint8Array(tensor.byteLength);
        await tensor.read(0, data);
        return type === tensor.type ? data : packGgufRows(type, unpackRows(tensor.type, data));
      };
      // layers 2 and 5 are gone
      const oldName = (name: string): string =>
        name.replace(/^blk\.(\d+)/, (_, digits) => `blk.${[0, 1, 3, 4, 6, 7, 8, 9, 10, 11][Number(digits)]}`);
      const asRecorded = bytes.slice();
      for (const { name, type, byteLength, dataOffset } of pruned.tensors) {
        const own = await packed(oldName(name), type);
        expect(Buffer.from(bytes.subarray(dataOffset, dataOffset + byteLength)).equals(own), name).toBe(true);
        asRecorded.set(await packed(name, type), dataOffset);
      }
      await expectRecorded(asRecorded, recorded, source.tensors);
    },
  );

  test("a set to one file, and to a set", async () => {
    const { file: first, ftype, merged, keepSplit } = golden.split;
    const file = await openModel(first, first.replace("00001-of", "00002-of"));
    for (const bytes of await quantized(file, { ftype })) {
      expect(sha256(bytes)).toBe(merged.sha256);
    }
    const parts = await quantized(file, { ftype, keepSplit: true });
    expect(parts.map(sha256)).toEqual(keepSplit.map((recorded) => recorded.sha256));
  });

  test.each([2, 3])("%d workers make the same files, weighed or not, and tell the same", async (threads) => {
    for (const [name, ftype, importance] of [
      ["mixtral-8x", 15, "mixtral-8x.imatrix.gguf"],
      ["qwen3moe", 38, undefined],
      ["gpt-oss", 15, undefined],
    ] as const) {
      const { file: path } = golden.sources[name] as RecordedSource;
      const data = importance && memorySource(readFileSync(testData(`models/quantize/${importance}`)));
      const target = { ftype, allowRequantize: true, ...(data && { importance: await openImportance(data) }) };
      const run = async (nThreads: number) => {
        const workers: MortalWorker[] = [];
        const events: ModelEvent[] = [];
        const plan = await planGguf(await openModel(path), target);
        const sink = memorySink();
        const options = { threads: nThreads, onEvent: (event: ModelEvent) => void events.push(event) };
        await quantizeGgufWith(plan, [sink], options, { spawn: mortalWorkers(workers, CONVERT_WORKER), workerMs: 0 });
        return { nWorkers: workers.length, hash: sha256(sink.bytes()), events };
      };
      const one = await run(1);
      const many = await run(threads);
      expect([one.nWorkers, many.nWorkers], name).toEqual([0, threads]);
      expect({ ...many, nWorkers: 0 }, name).toEqual(one);
    }
  });
});

/** A model with these tensors: f32 and f16 noise, zeros of other types. */
async function modelBytes(
  tensors: readonly (readonly [name: string, type: string, ...shape: number[]])[],
  pairs: readonly (readonly [key: string, value: WritableValue])[] = [],
): Promise<Uint8Array> {
  const sink = memorySink();
  const metadata = new Map<string, WritableValue>([
    ["general.architecture", { type: "string", value: "llama" }],
    ["llama.block_count", { type: "u32", value: 2 }],
    ...pairs,
  ]);
  const plan = { metadata, tensors: tensors.map(([name, type, ...shape]) => ({ name, type, shape })) };
  const writer = await createGgufWriter(sink, plan);
  for (const { name, type, shape } of plan.tensors) {
    const byteLength = tensorBytes(tensorType(type), shape);
    await writer.writeTensor(name, [
      type === "f32" ? new Uint8Array(noise(byteLength / 4).buffer) : new Uint8Array(byteLength),
    ]);
  }
  await writer.finish();
  return sink.bytes();
}

async function model(...args: Parameters<typeof modelBytes>): Promise<GgufSet> {
  return openGgufSet([memorySource(await modelBytes(...args), "model.gguf")]);
}

function importanceOf(name: string, values: Float32Array): GgufTarget["importance"] {
  const read = async (start: number, count: number): Promise<Float32Array> => values.slice(start, start + count);
  return { entries: new Map([[name, { length: values.length, read }]]), datasets: [], nChunks: 0 };
}

async function dataOf(bytes: Uint8Array, name: string): Promise<Uint8Array> {
  const tensor = (await openGgufSet([memorySource(bytes)])).tensor(name);
  const data = new Uint8Array(tensor?.byteLength ?? 0);
  await tensor?.read(0, data);
  return data;
}

const Q4_K_S = 14;
const NAME = "blk.0.attn_q.weight";

describe("in pieces", () => {
  test("a tensor of several pieces is packed as if it were one, and read in small pieces", async () => {
    const shape = [3, 1, PIECE_VALUES + 256]; // each row is more than a piece
    const source = watched(memorySource(await modelBytes([[NAME, "f32", ...shape]])));
    const [bytes] = await quantized(await openGgufSet([source]), { ftype: Q4_K_S, pure: true });
    const expected = packGgufRows("q4_K", noise(3 * (PIECE_VALUES + 256)));
    expect(sha256(await dataOf(bytes as Uint8Array, NAME))).toBe(sha256(expected));
    expect(source.largestRead).toBeLessThanOrEqual((4 * PIECE_VALUES) / 8); // so that signals are heard
  });

  test("with importance, pieces are of whole rows and of one matrix", async () => {
    const columns = 2 ** 16;
    const [nMatrices, nRows] = [2, 9]; // eight rows fill a piece
    const file = await model([[NAME, "f32", nMatrices, nRows, columns]]);
    const weights = noise(nMatrices * columns).map((value) => value + 0.5);
    const target = { ftype: 2, pure: true, importance: importanceOf(NAME, weights) };
    const [bytes] = await quantized(file, target);
    const values = noise(nMatrices * nRows * columns);
    const expected = [0, 1].map((e) => {
      const matrix = values.subarray(e * nRows * columns, (e + 1) * nRows * columns);
      return packGgufRows("q4_0", matrix, undefined, weights.subarray(e * columns, (e + 1) * columns));
    });
    expect(sha256(await dataOf(bytes as Uint8Array, NAME))).toBe(sha256(Buffer.concat(expected)));
  });

  test("an abort is heard between pieces", async () => {
    const file = await model([[NAME, "f32", 4, PIECE_VALUES]]);
    const abort = new AbortController();
    const plan = await planGguf(file, { ftype: Q4_K_S });
    const sink = memorySink();
    const { write } = sink;
    const slowSink: ByteSink = {
      bytesWritten: 0,
      write: (bytes) => {
        abort.abort(new Error("enough"));
        return write.call(sink, bytes);
      },
    };
    await expect(quantizeGguf(plan, [slowSink], { signal: abort.signal })).rejects.toThrow("enough");
  });
});

describe("metadata and layout", () => {
  test("an alignment is obeyed", async () => {
    const tensors = [
      ["a.weight", "f32", 1, 32],
      ["b.weight", "f32", 2, 32],
    ] as const;
    for (const alignment of [8, 32, 256]) {
      const file = await model(tensors, [["general.alignment", { type: "u32", value: alignment }]]);
      const [bytes] = (await quantized(file, { ftype: 2 })) as [Uint8Array];
      const set = await openGgufSet([memorySource(bytes)]);
      expect(set.files[0]?.alignment).toBe(alignment);
      expect(set.warnings).toEqual([]);
      expect(await dataOf(bytes, "b.weight")).toEqual(packGgufRows("q4_0", noise(64)));
    }
  });

  test("texts end at NUL, arrays of arrays are kept, keys of the file's own are set anew", async () => {
    const file = await model(
      [["a.weight", "f32", 1, 32]],
      [
        ["general.file_type", { type: "u32", value: 0 }],
        ["text", { type: "string", value: "before\0after" }],
        ["texts", { type: "array", itemType: "string", items: ["a\0b", "c"] }],
        ["numbers", { type: "array", itemType: "u64", items: [1n, 2n ** 60n] }],
        [
          "nested",
          { type: "array", itemType: "array", items: [{ type: "array", itemType: "string", items: ["d\0"] }] },
        ],
        ["split.count", { type: "u16", value: 1 }],
      ],
    );
    const [bytes] = (await quantized(file, { ftype: 2 })) as [Uint8Array];
    const { metadata } = await openGgufSet([memorySource(bytes)]);
    expect([...metadata.keys()]).toEqual([
      "general.architecture",
      "llama.block_count",
      "text",
      "texts",
      "numbers",
      "nested",
      "general.quantization_version",
      "general.file_type",
    ]);
    expect(metadata.get("text")).toMatchObject({ value: "before" });
    const read = async (key: string): Promise<unknown> => {
      const value = metadata.get(key);
      return value?.type === "array" ? value.read(value.itemType) : value;
    };
    expect(await read("texts")).toEqual(["a", "c"].map((text) => new TextEncoder().encode(text)));
    expect(await read("numbers")).toEqual(BigUint64Array.of(1n, 2n ** 60n));
    expect(await read("nested")).toEqual([{ itemType: "string", items: [new TextEncoder().encode("d")] }]);
  });

  test("a copy without a file type gets that of most tensors", async () => {
    const file = await model([
      ["a.weight", "q8_0", 1, 32],
      ["b.weight", "q8_0", 1, 32],
      ["c.weight", "f32", 32],
      ["d", "i32", 5],
    ]);
    const [bytes] = (await quantized(file, { ftype: undefined })) as [Uint8Array];
    const copy = await openGgufSet([memorySource(bytes)]);
    expect(copy.metadata.get("general.file_type")).toEqual({ type: "u32", value: 1024 + 7 });
    expect(copy.tensors.map(({ type }) => type)).toEqual(["q8_0", "q8_0", "f32", "i32"]);
  });

  test("sizes of 1 before all others are left out", async () => {
    const [bytes] = (await quantized(
      await model([
        ["a", "f32", 1, 1, 2, 8],
        ["b", "f32", 1],
      ]),
      { ftype: 2 },
    )) as [Uint8Array];
    const { tensors } = await openGgufSet([memorySource(bytes)]);
    expect(tensors.map(({ shape }) => shape)).toEqual([[2, 8], [1]]);
  });

  test("overrides are followed by the mix, and the last one of a key counts", async () => {
    const file = await model([["blk.0.attn_v.weight", "f32", 2, 256]]);
    const heads = new Map<string, WritableValue>([
      ["llama.attention.head_count", { type: "u32", value: 8 }],
      ["llama.attention.head_count_kv", { type: "u32", value: 2 }],
    ]);
    const typeWith = async (overrides: GgufTarget["overrides"]): Promise<string | undefined> =>
      (await planGguf(file, { ftype: 10, overrides })).tensors[0]?.toType;
    expect(await typeWith(undefined)).toBe("q3_K");
    expect(await typeWith(heads)).toBe("q4_K");
  });

  test("a file for each of a set: one, if there is no set", async () => {
    const file = await model([["a.weight", "f32", 1, 32]]);
    const parts = await quantized(file, { ftype: 2, keepSplit: true });
    expect(parts).toEqual(await quantized(file, { ftype: 2 }));
  });
});

describe("refused before anything is written", () => {
  const refused = async (target: Partial<GgufTarget>, file?: GgufSet): Promise<unknown> =>
    planGguf(file ?? (await model([[NAME, "f32", 2, 256]])), { ftype: Q4_K_S, ...target }).catch((error) => error);

  test("importance of another size, but not for embeddings", async () => {
    const importance = importanceOf(NAME, new Float32Array(128));
    expect(await refused({ importance })).toMatchObject({
      code: "E_SHAPE",
      field: NAME,
      message: expect.stringContaining(`imatrix size 128 is different from tensor size 256 for ${NAME}`),
    });
    const embedding = await model([["token_embd.weight", "f32", 2, 256]]);
    const of = importanceOf("token_embd.weight", new Float32Array(128));
    expect(await refused({ importance: of }, embedding)).not.toBeInstanceOf(Error);
  });

  test("rows too long for importance", async () => {
    const columns = PIECE_VALUES + 256;
    const file = await model([[NAME, "f16", 2, columns]]);
    expect(await refused({ importance: importanceOf(NAME, new Float32Array(columns)) }, file)).toMatchObject({
      code: "E_LIMIT",
    });
  });

  test.each([[[2]], [[-1]], [[0.5]], [[0, 1]]])("layers %j of two", async (pruneLayers) => {
    expect(await refused({ pruneLayers })).toMatchObject({ code: "E_LAYER" });
  });

  test("a plan of somebody else, and another number of sinks", async () => {
    const plan = await planGguf(await model([[NAME, "f32", 2, 256]]), { ftype: Q4_K_S });
    await expect(quantizeGguf({ ...plan }, [memorySink()])).rejects.toThrow(TypeError);
    await expect(quantizeGguf(plan, [])).rejects.toThrow(RangeError);
  });

  test("an alignment that no reader takes", async () => {
    const overrides = new Map<string, WritableValue>([["general.alignment", { type: "u32", value: 3 }]]);
    expect(await refused({ overrides })).toMatchObject({ code: "E_LIMIT" });
  });
});

describe("numbers that are none", () => {
  const target = { ftype: 2, allowRequantize: true };
  const bytesWith = async (type: string, shape: number[], data: Uint8Array): Promise<Uint8Array> => {
    const bytes = await modelBytes([["a.weight", type, ...shape]]);
    const [tensor] = (await openGgufSet([memorySource(bytes)])).tensors;
    bytes.set(data, tensor?.dataOffset);
    return bytes;
  };
  const mxfp4 = new Uint8Array(17).fill(255, 0, 1);

  test.each([
    ["f32", [2, 32], f32Bytes([Number.NaN])],
    ["f32", [32], f32Bytes([Number.POSITIVE_INFINITY])], // which is copied
    ["f16", [2, 32], Uint8Array.of(0, 0x7c)],
    ["bf16", [2, 32], Uint8Array.of(0x80, 0x7f)],
    ["q4_1", [2, 32], Uint8Array.of(0, 0, 0, 0x7e)],
    ["mxfp4", [2, 32], mxfp4],
    ["mxfp4", [32], mxfp4],
    ["f32", [2, 32], f32Bytes([3e38])], // beyond the scale of q4_0
  ] as const)("%s of shape %j", async (type, shape, data) => {
    const file = await openGgufSet([memorySource(await bytesWith(type, [...shape], data))]);
    await expect(quantized(file, target)).rejects.toMatchObject({ code: "E_NUMBER", field: "a.weight" });
  });
});
