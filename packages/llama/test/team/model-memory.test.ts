import { afterEach, expect, test, vi } from "vitest";
import { type KvTypes, modelMemory } from "../../src/index.ts";
import { graphOf } from "../../src/model-graph.ts";
import { exchangeBytes } from "../../src/team/exchange.ts";
import { teamMemory } from "../../src/team/model-memory.ts";
import { randomTensors, smallConfig, sourceOf } from "../support/hand-made.ts";
import { loadForTest } from "./support/engines.ts";

afterEach(() => vi.unstubAllGlobals());

const SLICE_TOKENS = 128;

/** The memories that are made from now on and may grow: those of shards. */
function shardMemories(): WebAssembly.Memory[] {
  const memories: WebAssembly.Memory[] = [];
  class Recorded extends WebAssembly.Memory {
    constructor(descriptor: WebAssembly.MemoryDescriptor) {
      super(descriptor);
      if (descriptor.maximum !== descriptor.initial) memories.push(this);
    }
  }
  vi.stubGlobal(
    "WebAssembly",
    new Proxy(WebAssembly, { get: (wasm, name) => (name === "Memory" ? Recorded : Reflect.get(wasm, name)) }),
  );
  return memories;
}

const sizeOf = (memories: readonly WebAssembly.Memory[]): number =>
  memories.reduce((sum, { buffer }) => sum + buffer.byteLength, 0);

test.each<[string, KvTypes, number, number]>([
  ["q4_0", "f16", 512, 1],
  ["q4_0", { k: "f16", v: "f16" }, 512, 1],
  ["q4_0", "q8_0", 512, 1],
  ["q4_0", { k: "q8_0", v: "f32" }, 512, 1],
  ["q4_0", "f32", 512, 1],
  ["q8_0", "f16", 4096, 1],
  ["f16", "f16", 4096, 2],
])(
  "%s with an %j cache of %i positions takes the memory that was foretold, in %i shards",
  async (type, kvType, contextTokens, shards) => {
    const config = smallConfig({ nKvHeads: 2 });
    const source = sourceOf(config, randomTensors(config), type);
    const exchange = exchangeBytes(graphOf(config), SLICE_TOKENS);
    const whole = await modelMemory(source, config, { threads: 1, contextTokens, kvType });
    // with a page less than one memory needs, the planner takes two
    const memoryLimitBytes = whole.model - exchange + whole.context - 65536;
    const internals = shards === 1 ? {} : { memoryLimitBytes, reservedTokens: contextTokens };
    const told = await teamMemory(source, config, { threads: 1, contextTokens, kvType }, internals);
    expect(source.reads).toBe(0);

    // the kernels of some caches are tested, in a memory of their own, when the first context wants them
    const first = await loadForTest(source, config, { threads: 1 });
    await first.createContext({ contextTokens: 64, kvType });
    await first.dispose();

    const memories = shardMemories();
    const model = await loadForTest(source, config, { threads: 1 }, internals);
    expect(memories.length).toBe(shards);
    expect(told.model).toBe(sizeOf(memories) + exchange);
    const context = await model.createContext({ contextTokens, kvType });
    expect(told.model + told.context).toBe(sizeOf(memories) + exchange);
    await context.dispose();
  },
);

test("more threads than one have memories of their own", async () => {
  const config = smallConfig();
  const source = sourceOf(config, randomTensors(config), "q4_0");
  const options = { contextTokens: 512 };
  const one = await modelMemory(source, config, { ...options, threads: 1 });
  const two = await modelMemory(source, config, { ...options, threads: 2 });
  expect(two.model).toBeGreaterThan(one.model);
});

test("asks for what loadModel asks for", async () => {
  const config = smallConfig();
  const source = sourceOf(config, randomTensors(config), "q4_0");
  await expect(modelMemory(source, config, { contextTokens: 8, threads: 0 })).rejects.toThrow(/"threads" expected/);
});
