// A misspelt name of a block type does not compile; a name that is only known as a string does, and is checked at run time. The
// lines marked with @ts-expect-error are checked by `pnpm typecheck`: one that compiles is an error there.

import { expect, expectTypeOf, test } from "vitest";
import {
  type BlockType,
  blockInfo,
  checkRows,
  dot,
  dotValues,
  loadKernels,
  packActivation,
  packRows,
  packStats,
  planQuantization,
  rowBytes,
  toolHistogram,
  unpackRows,
  valueLimit,
} from "../src/index.ts";

const values = new Float32Array(256);
const bytes = new Uint8Array(256);

test("names of block types", () => {
  const known: BlockType = blockInfo("q4_0").activationType;
  const some = "q4_0" as string;
  expect(packRows(some, values)).toEqual(packRows("q4_0", values));
  expect(blockInfo(known).type).toBe("q8_0");
  expectTypeOf(packRows<"q4_0">)
    .parameter(0)
    .not.toEqualTypeOf<string>();
  expectTypeOf(packRows<string>)
    .parameter(0)
    .toEqualTypeOf<string>();
  const wrong: readonly (() => unknown)[] = [
    // @ts-expect-error
    () => packRows("q4_O", values),
    // @ts-expect-error
    () => unpackRows("Q4_0", bytes),
    // @ts-expect-error
    () => packActivation("q8", values),
    // @ts-expect-error
    () => dot("q4", bytes, bytes),
    // @ts-expect-error
    () => dotValues("q4-0", bytes, values),
    // @ts-expect-error
    () => blockInfo("q4_k"),
    // @ts-expect-error
    () => rowBytes("f23", 256),
    // @ts-expect-error
    () => checkRows("", bytes),
    // @ts-expect-error
    () => valueLimit("fp16"),
    // @ts-expect-error
    () => packStats("q4_O", values, bytes),
    // @ts-expect-error
    () => toolHistogram("q4_O", bytes),
    // @ts-expect-error
    () => planQuantization([{ name: "a.weight", shape: [256, 256], type: "f61" }], 2),
  ];
  for (const call of wrong) expect(call).toThrow('"type" expected one of f32 f16');
});

test("names of tiers and arithmetics", async () => {
  // @ts-expect-error
  await expect(loadKernels("fast")).rejects.toThrow('"name" expected one of');
  // @ts-expect-error
  void (() => dot("q4_0", bytes, bytes, "lane"));
});

test("a plan of tensors of several types, and of types that are only strings", () => {
  const shape = [256, 256];
  const plan = planQuantization(
    [
      { name: "a.weight", shape, type: "f16" },
      { name: "b.weight", shape, type: "f32" },
    ],
    2,
  );
  const types = ["f16", "f32"].map((type, i) => ({ name: `${"ab"[i]}.weight`, shape, type }));
  expect(planQuantization(types, 2)).toEqual(plan);
});
