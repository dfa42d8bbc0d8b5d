import { appendFileSync, mkdtempSync, readFileSync, rmSync, statSync, truncateSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { memorySource } from "@ll/bytes";
import type { SpawnWorker } from "@ll/bytes/workers";
import { openGgml } from "@ll/ggml-format";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import type { MortalWorker } from "../../../../tools/mortal-workers.ts";
import { fixture } from "../../../../tools/test-data.ts";
import { type TinyType, tinyModel } from "../../../../tools/tiny-model.ts";
import {
  configFromGgml,
  createScalarModel,
  loadModel,
  loadWeights,
  type Model,
  type ModelConfig,
  type SourceTensor,
  type TensorSource,
} from "../../src/index.ts";
import { logitsInBatches, randomTensors, smallConfig, sourceOf } from "../support/hand-made.ts";
import { sha256 } from "../support/model-files.ts";
import { loadForTest, mortalTeam } from "./support/engines.ts";

const TOKENS = [1, 17, 4, 95, 4, 60, 33, 2, 80, 11, 12, 13];

/** A model with shared heads, its source and its scalar twin. */
async function twins(type = "q4_0", config = smallConfig({ nKvHeads: 2 })): Promise<Twins> {
  const source = sourceOf(config, randomTensors(config), type);
  return { source, config, scalar: createScalarModel(await loadWeights(source, config)) };
}

interface Twins {
  readonly source: TensorSource & { readonly tensors: Map<string, SourceTensor> };
  readonly config: ModelConfig;
  readonly scalar: Model;
}

/** The same weights in a file that only workers can read. */
async function located({ tensors }: Twins["source"]): Promise<{ path: string; files: TensorSource }> {
  const folder = mkdtempSync(join(tmpdir(), "ll-team-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const path = join(folder, "weights.bin");
  const inFile = new Map<string, SourceTensor>();
  let offset = 0;
  for (const [name, tensor] of tensors) {
    const bytes = new Uint8Array(tensor.byteLength);
    await tensor.read(0, bytes);
    appendFileSync(path, bytes);
    const read = (start: number, target: Uint8Array): Promise<void> => {
      // samples for the fingerprint
      if (target.length <= 192) return tensor.read(start, target);
      return Promise.reject(new Error("read in the main thread"));
    };
    inFile.set(name, { ...tensor, read, location: { path, offset } });
    offset += bytes.length;
  }
  return { path, files: { names: () => inFile.keys(), tensor: (name) => inFile.get(name) } };
}

describe("logits are those of the scalar engine, bit for bit", () => {
  test.each([
    ["q4_0", 1, "f16"],
    ["q4_0", 2, "f16"],
    ["q5_1", 2, "f32"],
    ["f16", 3, "f16"],
    ["q8_0", 5, "f16"], // more threads than key heads
  ] as const)("%s on %i threads, %s cache", async (type, threads, kvType) => {
    const { source, config, scalar } = await twins(type);
    const model = await loadForTest(source, config, { threads });
    expect(model.threads).toBe(threads);
    const expected = await logitsInBatches(scalar, TOKENS, 12, { kvType });
    for (const batchTokens of [1, 5, 12]) {
      expect(await logitsInBatches(model, TOKENS, batchTokens, { kvType })).toEqual(expected);
    }
  });

  test("over several shards on each thread", async () => {
    const { source, config, scalar } = await twins("q4_0", smallConfig());
    const memoryLimitBytes = 1_600_000; // tables and working memory are most of it
    const model = await loadForTest(source, config, { threads: 2 }, { memoryLimitBytes });
    expect(await logitsInBatches(model, TOKENS, 5)).toEqual(await logitsInBatches(scalar, TOKENS, 5));
  });

  test("in evaluations longer than a slice", async () => {
    const { source, config, scalar } = await twins();
    const tokens = Array.from({ length: 300 }, (_, i) => (i * 37) % 96);
    const model = await loadForTest(source, config, { threads: 2 });
    expect(await logitsInBatches(model, tokens, 300)).toEqual(await logitsInBatches(scalar, tokens, 300));
  });

  test("of the last token, with the vector they come from", async () => {
    const { source, config, scalar } = await twins();
    const model = await loadForTest(source, config, { threads: 2 });
    const [fast, slow] = await Promise.all([model.createContext(), scalar.createContext()]);
    expect(await fast.readEmbedding()).toEqual(new Float32Array(64));
    expect(await fast.evaluate(TOKENS, 0)).toEqual(await slow.evaluate(TOKENS, 0));
    expect(await fast.readEmbedding()).toEqual(await slow.readEmbedding());
    await Promise.all([fast, slow].map((context) => context.evaluate([7, 8, 9], 12, { logits: "all" })));
    expect(await fast.readEmbedding()).toEqual(await slow.readEmbedding());
  });
});

describe("the embedded model gives the logits recorded from build 803", () => {
  const { tokens, sha256: recorded } = JSON.parse(readFileSync(fixture("tiny/golden/tiny-logits.json"), "utf8"));
  test.each(["f16", "q4_0", "q8_0"] as TinyType[])("%s", async (type) => {
    const file = await openGgml(memorySource(await tinyModel(type)));
    const model = await loadForTest(file, configFromGgml(file.hyperParams), { threads: 2 });
    expect(sha256(await logitsInBatches(model, tokens.prompt_tokens, 7))).toBe(recorded[type]);
  });
});

describe("weights", () => {
  test("are read by the workers themselves where they say where they are", async () => {
    const { source, config, scalar } = await twins();
    const { path, files } = await located(source);
    const model = await loadForTest(files, config, { threads: 2 });
    expect(await logitsInBatches(model, TOKENS, 5)).toEqual(await logitsInBatches(scalar, TOKENS, 5));

    truncateSync(path, statSync(path).size - 1);
    const cut = loadModel(files, config, { threads: 2 });
    await expect(cut).rejects.toThrow(expect.objectContaining({ name: "IoError", code: "E_CHANGED" }));
    rmSync(path);
    const missing = loadModel(files, config, { threads: 2 });
    await expect(missing).rejects.toThrow(expect.objectContaining({ name: "IoError", code: "E_IO" }));
  });

  test("that one worker cannot read fail the loading while another still reads", async () => {
    const { source, config } = await twins();
    const { path, files } = await located(source);
    rmSync(path);
    const workers: MortalWorker[] = [];
    const start = mortalTeam(workers);
    const spawn: SpawnWorker = (listeners) => {
      const handle = start(listeners);
      if (workers.length === 1) return handle;
      // reads for ever: it is never told to begin
      return { ...handle, post: (message, transfer) => isLoad(message) || handle.post(message, transfer) };
    };
    const isLoad = (message: unknown): boolean => (message as { kind: string }).kind === "load";
    const loading = loadForTest(files, config, { threads: 2 }, { spawn });
    await expect(loading).rejects.toThrow(expect.objectContaining({ name: "IoError", code: "E_IO" }));
    expect(workers.map(({ worker }) => worker.threadId)).toEqual([-1, -1]);
  });

  test("are given up if whoever is told of them fails", async () => {
    const { source, config } = await twins();
    const { files } = await located(source);
    const workers: MortalWorker[] = [];
    const onEvent = (): void => {
      throw new Error("told enough");
    };
    const loading = loadForTest(files, config, { threads: 2, onEvent }, { spawn: mortalTeam(workers) });
    await expect(loading).rejects.toThrow("told enough");
    expect(workers.map(({ worker }) => worker.threadId)).toEqual([-1, -1]);
  });

  test.each([1, 2])("report how far loading is, on %i threads", async (threads) => {
    const { source, config } = await twins();
    const total = [...source.tensors.values()].reduce((sum, { byteLength }) => sum + byteLength, 0);
    const seen: number[] = [];
    await loadForTest(source, config, {
      threads,
      onEvent(event) {
        expect(event).toMatchObject({ kind: "weights-loaded", total });
        if (event.kind === "weights-loaded") seen.push(event.bytes);
      },
    });
    expect(seen).toEqual(seen.toSorted((a, b) => a - b));
    expect(seen.at(-1)).toBe(total);
  });

  test.each([1, 2])("stop loading at an abort, on %i threads", async (threads) => {
    const { source, config } = await twins();
    const controller = new AbortController();
    const slow: TensorSource = {
      names: () => source.names(),
      tensor(name) {
        const tensor = source.tensor(name);
        return tensor && { ...tensor, read: (offset, target) => readAndAbort(tensor, offset, target) };
      },
    };
    async function readAndAbort(tensor: SourceTensor, offset: number, target: Uint8Array): Promise<void> {
      if (tensor.name === "norm.weight") controller.abort(new Error("stop"));
      await tensor.read(offset, target);
    }
    await expect(loadModel(slow, config, { threads, signal: controller.signal })).rejects.toThrow("stop");
    await expect(loadModel(source, config, { threads, signal: controller.signal })).rejects.toThrow("stop");
  });

  test.each([1, 2])("that cannot be read fail the loading, on %i threads", async (threads) => {
    const { source, config } = await twins();
    const tensor = source.tensors.get("layers.1.feed_forward.w2.weight")!;
    source.tensors.set(tensor.name, { ...tensor, read: () => Promise.reject(new Error("disk on fire")) });
    await expect(loadModel(source, config, { threads })).rejects.toThrow("disk on fire");
  });

  test("with a scale that is infinite go to the scalar engine", async () => {
    const { source, config } = await twins();
    const tensor = source.tensors.get("layers.1.attention.wo.weight")!;
    source.tensors.set(tensor.name, {
      ...tensor,
      async read(offset, target) {
        await tensor.read(offset, target);
        if (offset === 0) target.set([0x00, 0x7c], 0); // the scale of the first block
      },
    });
    const scalar = createScalarModel(await loadWeights(source, config));
    const model = await loadForTest(source, config, { threads: 2 });
    expect([model.kernels, model.threads]).toEqual(["scalar", 1]);
    expect(await logitsInBatches(model, TOKENS, 5)).toEqual(await logitsInBatches(scalar, TOKENS, 5));
  });

  test("and options are checked", async () => {
    const { source, config } = await twins();
    for (const threads of [0, 1.5, 1000]) {
      await expect(loadModel(source, config, { threads })).rejects.toThrow(RangeError);
    }
    await expect(loadModel(source, config, { kernels: "fast" as "simd" })).rejects.toThrow(RangeError);
    await expect(loadModel(source, { ...config, nFf: 128 })).rejects.toThrow("shape");
    const tooSmall = loadForTest(source, config, { threads: 1 }, { memoryLimitBytes: 65536 });
    await expect(tooSmall).rejects.toThrow(expect.objectContaining({ code: "E_NOMEM", have: 65536 }));
  });

  test("and a page that is not isolated takes one thread, of itself or told so", async () => {
    vi.stubGlobal("crossOriginIsolated", false);
    onTestFinished(() => void vi.unstubAllGlobals());
    const { source, config } = await twins();
    await expect(loadModel(source, config, { threads: 2 })).rejects.toThrow(
      new RangeError('"threads" expected 1 on a page that is not cross-origin isolated, got 2'),
    );
    const model = await loadModel(source, config);
    expect(model.threads).toBe(1);
    await model.dispose();
  });

  test("on request stay with the readable engine", async () => {
    const { source, config, scalar } = await twins();
    const model = await loadForTest(source, config, { kernels: "scalar" });
    expect([model.kernels, model.threads]).toEqual(["scalar", 1]);
    expect(await logitsInBatches(model, TOKENS, 5)).toEqual(await logitsInBatches(scalar, TOKENS, 5));
  });
});
