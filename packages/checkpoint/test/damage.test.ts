// Every prefix and every flipped bit of a small file: a typed error, or a reading that is still true.

import { memorySource, type SourceTensor } from "@ll/bytes";
import { describe, expect, it } from "vitest";
import { CheckpointError } from "../src/errors.ts";
import { readMetaParams } from "../src/meta-params.ts";
import { readPickle } from "../src/pickle.ts";
import { openSafetensors } from "../src/safetensors.ts";
import { openTorchCheckpoint } from "../src/torch-checkpoint.ts";
import { openZipArchive } from "../src/zip-archive.ts";
import { concat, f32s } from "./support/bytes.ts";
import { readAll } from "./support/files.ts";
import * as p from "./support/pickle-writer.ts";
import { safetensorsFile } from "./support/safetensors-writer.ts";
import { PARAMS_JSON } from "./support/tiny-model.ts";
import { type TensorData, torchFile } from "./support/torch-writer.ts";

/** Runs `read` on every damaged copy; any error but a typed one fails the test. Returns how many were refused. */
async function countRefused(copies: Iterable<Uint8Array>, read: (bytes: Uint8Array) => unknown): Promise<number> {
  let refused = 0;
  for (const copy of copies) {
    try {
      await read(copy);
    } catch (error) {
      if (!(error instanceof CheckpointError)) throw error;
      refused++;
    }
  }
  return refused;
}

function* prefixes(seed: Uint8Array): Generator<Uint8Array> {
  for (let length = 0; length < seed.length; length++) yield seed.slice(0, length);
}

function* flips(seed: Uint8Array): Generator<Uint8Array> {
  for (let bit = 0; bit < seed.length * 8; bit++) {
    const copy = seed.slice();
    copy[bit >> 3] = (copy[bit >> 3] as number) ^ (1 << (bit & 7));
    yield copy;
  }
}

const TENSORS = new Map<string, TensorData>([
  ["norm.weight", { type: "f32", shape: [3], bytes: f32s([1, 2, 3]) }],
  ["w", { type: "f16", shape: [2, 2], bytes: Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8) }],
]);

/** Type, shape and bytes of every tensor. */
async function contents(tensors: ReadonlyMap<string, SourceTensor>): Promise<Map<string, TensorData>> {
  const all = new Map<string, TensorData>();
  for (const [name, tensor] of tensors) {
    all.set(name, { type: tensor.type, shape: tensor.shape, bytes: await readAll(tensor) });
  }
  return all;
}

describe("a pickle", () => {
  const items = [...TENSORS].map(([name, { shape }], i): [string, Uint8Array] => [
    name,
    p.tensor({ key: `${i}`, numel: 16, shape }),
  ]);
  const protocol2 = p.pickle(p.dict([...items, ["step", p.int(2 ** 40)], ["lr", p.float(0.1)]]));
  const orderedDict = concat(p.shortStr("collections"), p.MEMOIZE, p.shortStr("OrderedDict"), p.STACK_GLOBAL);
  const body = concat(
    p.EMPTY_DICT,
    p.MEMOIZE,
    p.shortStr("a"),
    orderedDict,
    p.EMPTY_TUPLE,
    p.REDUCE,
    p.SETITEM,
    p.STOP,
  );
  const protocol4 = concat(p.proto(4), p.frame(body.length), body);

  it.each([
    ["of protocol 2", protocol2],
    ["of protocol 4", protocol4],
  ])("%s: whole it is read, every prefix is refused", async (_, seed) => {
    expect(readPickle(seed)).toMatchObject({ kind: "dict" });
    expect(await countRefused(prefixes(seed), readPickle)).toBe(seed.length);
  });

  it.each([
    ["of protocol 2", protocol2],
    ["of protocol 4", protocol4],
  ])("%s: every flipped bit is refused with a typed error or gives a plain value", async (_, seed) => {
    expect(await countRefused(flips(seed), readPickle)).toBeGreaterThan(seed.length * 4);
  });
});

describe("a safetensors file", () => {
  const seed = safetensorsFile(TENSORS);
  const headerBytes = seed.length - 20;

  it("whole it is read, every prefix is refused", async () => {
    const read = (bytes: Uint8Array) => openSafetensors(memorySource(bytes));
    expect(await contents((await read(seed)).tensors)).toEqual(TENSORS);
    expect(await countRefused(prefixes(seed), read)).toBe(seed.length);
  });

  it("every flipped bit of the header is refused, or the tensors still fill the same bytes", async () => {
    const refused = await countRefused(flips(seed.subarray(0, headerBytes)), async (header) => {
      const { tensors } = await openSafetensors(memorySource(concat(header, seed.subarray(headerBytes))));
      const bytes = concat(...[...(await contents(tensors)).values()].map((data) => data.bytes));
      expect(bytes).toEqual(seed.subarray(headerBytes));
    });
    expect(refused).toBeGreaterThan(headerBytes * 4);
  });
});

describe("a .pth file", () => {
  const seed = torchFile(new Map([...TENSORS].slice(0, 1)), "r");
  const read = async (bytes: Uint8Array) => {
    const archive = await openZipArchive(memorySource(bytes));
    const tensors = await contents((await openTorchCheckpoint(archive)).tensors);
    await archive.verify();
    expect(tensors).toEqual(new Map([...TENSORS].slice(0, 1)));
  };

  it("whole it is read, every prefix is refused", async () => {
    await read(seed);
    expect(await countRefused(prefixes(seed), read)).toBe(seed.length);
  });

  it("every flipped bit is refused, or all tensors are what they were", async () => {
    expect(await countRefused(flips(seed), read)).toBeGreaterThan(seed.length * 4);
  });
});

describe("params.json", () => {
  const seed = concat(PARAMS_JSON);
  const read = (bytes: Uint8Array) => readMetaParams(memorySource(bytes, "params.json"));

  it("every prefix is refused", async () => {
    expect(await countRefused(prefixes(seed), read)).toBe(seed.length);
  });

  it("every flipped bit is refused with a typed error or gives other values", async () => {
    expect(await countRefused(flips(seed), read)).toBeGreaterThan(seed.length * 4);
  });
});
