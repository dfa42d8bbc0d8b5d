import { fc, test } from "@fast-check/vitest";
import { describe, expect } from "vitest";
import type { AttentionShape } from "../../src/kernels/index.ts";
import { attended, bitsOf, bytesAt, kernelPair, numbers, placeHead, spreads } from "./kernel-pair.ts";

const cases = fc.record({
  kvType: fc.constantFrom("f16" as const, "f32" as const),
  headDim: fc.integer({ min: 1, max: 40 }).map((half) => 2 * half),
  n: fc.integer({ min: 1, max: 70 }),
  spare: fc.integer({ min: 0, max: 40 }),
  gap: fc.integer({ min: 0, max: 5 }), // elements between rows of keys
});
const seeds = fc.integer({ min: 0, max: 2 ** 31 });
const pair = await kernelPair("simd");

/** Everything that `readKeys` and `readValues` write for a head: keys with their gaps, then values. */
function readBoth(kernels: (typeof pair)[0], shape: AttentionShape, data: Float32Array, n: number, gap: number) {
  const { headDim, kvType } = shape;
  const elementBytes = kvType === "f16" ? 2 : 4;
  const placed = placeHead(
    kernels,
    shape,
    data,
    data.map((x) => -x),
    n,
  );
  const out = placed.work; // not used for anything else here
  const keyBytes = n * (headDim + gap) * elementBytes;
  bytesAt(kernels, out, 2 * keyBytes).fill(0x77);
  placed.attention.readKeys(placed.head, out, n, headDim + gap);
  placed.attention.readValues(placed.head, out + keyBytes, n);
  return { placed, keyBytes, bytes: bytesAt(kernels, out, 2 * keyBytes + 64).slice() };
}

describe("keys and values of a session file", () => {
  test.prop([cases, seeds, spreads])(
    "are those of the scalar engine",
    ({ kvType, headDim, n, spare, gap }, seed, spread) => {
      const shape = { kvType, headDim, headsPerKvHead: 1, contextTokens: n + spare };
      const data = numbers(seed, n * headDim, spread); // (n, headDim)
      const [kernels, twin] = pair.map((each) => readBoth(each, shape, data, n, gap));
      const used = kernels!.keyBytes + n * headDim * (kvType === "f16" ? 2 : 4);
      expect(kernels!.bytes.subarray(0, used)).toEqual(twin!.bytes.subarray(0, used));
    },
  );

  test.prop([cases, seeds])("go back to where they came from", ({ kvType, headDim, n, spare, gap }, seed) => {
    const [kernels] = pair;
    const shape = { kvType, headDim, headsPerKvHead: 1, contextTokens: n + spare };
    const data = numbers(seed, n * headDim); // (n, headDim)
    const queries = numbers(seed + 1, headDim); // (1, headDim)
    const { placed, keyBytes, bytes } = readBoth(kernels, shape, data, n, gap);
    const expected = attended(kernels, placed, queries, n - 1);

    const other = placeHead(
      kernels,
      shape,
      data.map(() => 7),
      data.map(() => 7),
      n,
    );
    const src = other.work;
    bytesAt(kernels, src, bytes.length).set(bytes);
    other.attention.writeKeys(other.head, src, n, headDim + gap);
    other.attention.writeValues(other.head, src + keyBytes, n);
    expect(attended(kernels, other, queries, n - 1)).toEqual(expected);
  });

  test.each(["f16", "f32"] as const)("%s: an infinity in a file counts like one that was stored", (kvType) => {
    const headDim = 8;
    const n = 40;
    const shape = { kvType, headDim, headsPerKvHead: 1, contextTokens: n };
    const data = numbers(1, n * headDim); // (n, headDim)
    const queries = numbers(2, n * headDim); // (n, headDim)
    const [out, expected] = pair.map((kernels) => {
      const { placed, keyBytes, bytes } = readBoth(kernels, shape, data, n, 0);
      const { attention, head, work } = placed;
      const last = keyBytes + keyBytes / headDim; // of channel 0: the value of the last position ends here
      bytes.set(kvType === "f16" ? [0x00, 0x7c] : [0x00, 0x00, 0x80, 0x7f], last - (kvType === "f16" ? 2 : 4));
      bytesAt(kernels, work, bytes.length).set(bytes);
      attention.writeValues(head, work + keyBytes, n);
      return attended(kernels, placed, queries, 0);
    });
    expect(bitsOf(out!)).toEqual(bitsOf(expected!));
    expect(out!.filter((x) => !Number.isFinite(x))).toEqual(new Float32Array([Number.POSITIVE_INFINITY]));
  });
});
