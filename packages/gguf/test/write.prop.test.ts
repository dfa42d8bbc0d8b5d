import { fc, test } from "@fast-check/vitest";
import { memorySink, memorySource } from "@ll/bytes";
import { expect } from "vitest";
import {
  createGgufWriter,
  type GgufArray,
  type GgufPlan,
  ggufFileBytes,
  type NestedArray,
  openGguf,
  tensorBytes,
  tensorType,
  type WritableArray,
  type WritableValue,
} from "../src/index.ts";
import { pattern } from "./support/gguf-bytes.ts";

const integer = (bits: number, signed: boolean) =>
  fc.integer({ min: signed ? -(2 ** (bits - 1)) : 0, max: 2 ** (signed ? bits - 1 : bits) - 1 });
const f32 = fc.float({ noNaN: true });

/** Items of each type. Texts are bytes: what is not UTF-8 must come back too. */
const ITEMS = {
  u8: integer(8, false),
  i8: integer(8, true),
  u16: integer(16, false),
  i16: integer(16, true),
  u32: integer(32, false),
  i32: integer(32, true),
  f32,
  f64: fc.double({ noNaN: true }),
  u64: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  i64: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  bool: fc.boolean(),
  string: fc.uint8Array({ maxLength: 8 }),
} as const;
const TYPES = Object.keys(ITEMS) as (keyof typeof ITEMS)[];

const flatArray = fc
  .constantFrom(...TYPES)
  .chain((itemType) =>
    fc
      .array(ITEMS[itemType] as fc.Arbitrary<unknown>, { maxLength: 5 })
      .map((items) => ({ type: "array", itemType, items })),
  );
const scalar = fc
  .constantFrom(...TYPES)
  .chain((type) => (ITEMS[type] as fc.Arbitrary<unknown>).map((value) => ({ type, value })));
const nestedArray = fc.array(flatArray, { maxLength: 3 }).map((items) => ({ type: "array", itemType: "array", items }));
const value = fc.oneof(scalar, flatArray, nestedArray) as fc.Arbitrary<WritableValue>;

const name = fc.stringMatching(/^[a-z0-9_.]{1,20}$/);
const tensor = fc.record({
  name,
  type: fc.constantFrom("f32", "f16", "q4_0", "q6_K", "iq1_s", "mxfp4", "nvfp4", "i8"),
  rows: fc.array(fc.integer({ min: 0, max: 3 }), { maxLength: 3 }),
  blocks: fc.integer({ min: 0, max: 3 }),
});

const plan = fc
  .record({
    metadata: fc.array(fc.tuple(name, value), { maxLength: 6 }),
    tensors: fc.uniqueArray(tensor, { maxLength: 5, selector: (one) => one.name }),
    alignment: fc.constantFrom(undefined, 1, 8, 32, 64, 4096),
  })
  .map(({ metadata, tensors, alignment }): GgufPlan => {
    const pairs = new Map<string, WritableValue>(metadata);
    if (alignment !== undefined) pairs.set("general.alignment", { type: "u32", value: alignment });
    return {
      metadata: pairs,
      tensors: tensors.map(({ name, type, rows, blocks }) => ({
        name,
        type,
        shape: [...rows, blocks * tensorType(type).blockValues],
      })),
    };
  });

/** As `GgufArray.read` gives it. */
function asRead(value: WritableArray | NestedArray): unknown {
  const items = Array.from(value.items as ArrayLike<unknown>);
  return value.itemType === "array"
    ? items.map((item) => [(item as WritableArray).itemType, asRead(item as WritableArray)])
    : items;
}

test.prop([plan, fc.integer({ min: 1, max: 100 })])(
  "what is written is read, whatever the chunks",
  async (plan, chunkBytes) => {
    const sink = memorySink();
    const writer = await createGgufWriter(sink, plan);
    const data = plan.tensors.map(({ type, shape }, index) => pattern(tensorBytes(tensorType(type), shape), index));
    for (const [index, { name }] of plan.tensors.entries()) await writer.writeTensor(name, [data[index]!]);
    await writer.finish();
    expect(sink.bytesWritten).toBe(ggufFileBytes(plan));

    const file = await openGguf(memorySource(sink.bytes()), { strict: true, chunkBytes });
    expect([...file.metadata.keys()]).toEqual([...plan.metadata.keys()]);
    for (const [key, written] of plan.metadata) {
      const found = file.metadata.get(key)!;
      expect(found.type).toBe(written.type);
      if (written.type === "array") {
        const { itemType } = found as GgufArray;
        const items = await (found as GgufArray).read(itemType);
        expect(asRead({ itemType, items } as NestedArray)).toEqual(asRead(written));
      } else if (found.type === "string") {
        expect(found.bytes).toEqual(written.value);
      } else {
        expect("value" in found && found.value).toBe(written.value);
      }
    }
    expect(file.tensors.map(({ name, type, shape }) => ({ name, type, shape }))).toEqual(plan.tensors);
    for (const [index, tensor] of file.tensors.entries()) {
      const bytes = new Uint8Array(tensor.byteLength);
      await tensor.read(0, bytes);
      expect(bytes).toEqual(data[index]);
    }
  },
);
