import { fc, test } from "@fast-check/vitest";
import { describe, expect } from "vitest";
import type { KvTypes } from "../../src/index.ts";
import type { AttentionShape } from "../../src/kernels/kernels.ts";
import { attended, bitsOf, bytesAt, kernelPair, numbers, placeHead, spreads } from "./kernel-pair.ts";

const cases = fc.record({
  kvType: fc.constantFrom<KvTypes>("f16", "f32", "q8_0", { k: "q8_0", v: "f32" }),
  headDim: fc.integer({ min: 1, max: 40 }).map((half) => 2 * half),
  n: fc.integer({ min: 1, max: 70 }),
  spare: fc.integer({ min: 0, max: 40 }),
});
const seeds = fc.integer({ min: 0, max: 2 ** 31 });
const pair = await kernelPair("simd");

/** Everything that `readKeys` and `readValues` write for a head: keys, then values. */
function readBoth(kernels: (typeof pair)[0], shape: AttentionShape, data: Float32Array, n: number) {
  const placed = placeHead(
    kernels,
    shape,
    data,
    data.map((x) => -x),
    n,
  );
  const out = placed.work; // not used for anything else here
  const keyBytes = n * placed.attention.keyBytes;
  placed.attention.readKeys(placed.head, out, n);
  placed.attention.readValues(placed.head, out + keyBytes, n);
  return { placed, keyBytes, bytes: bytesAt(kernels, out, keyBytes + n * placed.attention.valueBytes).slice() };
}

describe("keys and values of a session file", () => {
  test.prop([cases, seeds, spreads])(
    "are those of the scalar engine",
    ({ kvType, headDim, n, spare }, seed, spread) => {
      const shape = { kvType, headDim, headsPerKvHead: 1, contextTokens: n + spare };
      const data = numbers(seed, n * headDim, spread); // (n, headDim)
      const [kernels, twin] = pair.map((each) => readBoth(each, shape, data, n));
      expect(kernels!.bytes).toEqual(twin!.bytes);
    },
  );

  test.prop([cases, seeds])("go back to where they came from", ({ kvType, headDim, n, spare }, seed) => {
    const [kernels] = pair;
    const shape = { kvType, headDim, headsPerKvHead: 1, contextTokens: n + spare };
    const data = numbers(seed, n * headDim); // (n, headDim)
    const queries = numbers(seed + 1, headDim); // (1, headDim)
    const { placed, keyBytes, bytes } = readBoth(kernels, shape, data, n);
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
    other.attention.writeKeys(other.head, src, n);
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
      const { placed, keyBytes, bytes } = readBoth(kernels, shape, data, n);
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

  test("q8_0: scales of a file that are no finite positive numbers become one in both engines", () => {
    const headDim = 40;
    const n = 35;
    const shape = { kvType: "q8_0", headDim, headsPerKvHead: 2, contextTokens: n } as const;
    const data = numbers(1, n * headDim); // (n, headDim)
    const queries = numbers(2, 2 * n * headDim); // (n, 2, headDim)
    const [out, expected] = pair.map((kernels) => {
      const { placed, keyBytes, bytes } = readBoth(kernels, shape, data, n);
      const { attention, head, work } = placed;
      for (const [i, bits] of [0x7c00, 0xfc00, 0x7e01, 0xbc00].entries()) {
        new DataView(bytes.buffer).setUint16(i * attention.keyBytes, bits, true);
        new DataView(bytes.buffer).setUint16(keyBytes + (i + 7) * attention.valueBytes + 34, bits, true);
      }
      bytes.fill(0x80, 2, 34); // levels of -128, which are never stored
      bytesAt(kernels, work, bytes.length).set(bytes);
      attention.writeKeys(head, work, n);
      attention.writeValues(head, work + keyBytes, n);
      return attended(kernels, placed, queries, 0);
    });
    expect(bitsOf(out!)).toEqual(bitsOf(expected!));
    expect(out!.every(Number.isFinite)).toBe(true);
  });
});
