import { memorySource } from "@ll/bytes";
import { describe, expect, it } from "vitest";
import { CheckpointError, isCheckpointError } from "../src/index.ts";
import { countElements, ELEMENT_BYTES, elementBytes, spanTensor } from "../src/source-tensor.ts";

describe("sizes", () => {
  it("knows the bytes of every element type, and says so of others", () => {
    for (const [type, bytes] of ELEMENT_BYTES) expect(elementBytes(type)).toBe(bytes);
    expect(() => elementBytes("q4_0")).toThrow('"type" expected an element type, got "q4_0"');
  });

  it("counts elements exactly, up to 2^53 - 1", () => {
    expect(countElements([])).toBe(1);
    expect(countElements([3, 0, 5])).toBe(0);
    expect(countElements([2 ** 26, 2 ** 26])).toBe(2 ** 52);
    expect(countElements([2 ** 53 - 1])).toBe(2 ** 53 - 1);
    expect(countElements([2 ** 27, 2 ** 26])).toBeUndefined();
  });
});

it("a tensor is read within its own bytes only", async () => {
  const tensor = spanTensor("t", "u8", [4], memorySource(Uint8Array.of(1, 2, 3, 4, 5, 6)), 1, 4);
  const bytes = new Uint8Array(2);
  await tensor.read(2, bytes);
  expect([...bytes]).toEqual([4, 5]);
  await expect(tensor.read(3, bytes)).rejects.toThrow(RangeError);
});

it("an error is known by its name and code, not by its class", () => {
  const error = new CheckpointError({ code: "E_TRUNC", message: "too short" });
  expect(isCheckpointError(error)).toBe(true);
  expect(isCheckpointError(error, "E_TRUNC")).toBe(true);
  expect(isCheckpointError(error, "E_MAGIC")).toBe(false);
  expect(isCheckpointError(new Error("too short"))).toBe(false);
});
