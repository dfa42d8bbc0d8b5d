import { expect, test } from "vitest";
import { MemoryError } from "../../src/errors.ts";
import { createMemory, MemoryRegions } from "../../src/team/memory-regions.ts";

const PAGE = 65536;

test("regions are aligned, apart, and behind the start", () => {
  const regions = new MemoryRegions(createMemory(PAGE, 4 * PAGE), 1000, 4 * PAGE);
  const a = regions.allocate(100, "a");
  const b = regions.allocate(100, "b");
  expect([a % 64, b % 64]).toEqual([0, 0]);
  expect(a).toBeGreaterThanOrEqual(1000);
  expect(b).toBeGreaterThanOrEqual(a + 100);
});

test("the memory grows when it must, and a freed region is used again", () => {
  const memory = createMemory(PAGE, 8 * PAGE);
  const regions = new MemoryRegions(memory, 0, 8 * PAGE);
  const a = regions.allocate(2 * PAGE, "a");
  regions.allocate(PAGE, "b");
  expect(memory.buffer.byteLength).toBe(3 * PAGE);
  regions.free(a);
  expect(regions.allocate(PAGE, "c")).toBe(a);
  expect(regions.allocate(PAGE, "d")).toBe(a + PAGE);
  expect(memory.buffer.byteLength).toBe(3 * PAGE);
  regions.allocate(PAGE, "e");
  expect(memory.buffer.byteLength).toBe(4 * PAGE);
});

test("past the limit there is an error with both sizes, and nothing is kept", () => {
  const regions = new MemoryRegions(createMemory(PAGE, 2 * PAGE), 0, 2 * PAGE);
  const allocate = (): number => regions.allocate(2 * PAGE + 1, "a cache");
  expect(allocate).toThrow(MemoryError);
  expect(allocate).toThrow(expect.objectContaining({ code: "E_NOMEM", need: 2 * PAGE + 1, have: 2 * PAGE }));
  expect(regions.allocate(2 * PAGE, "a smaller cache")).toBe(0);
});

test("a memory that cannot be had at all", () => {
  expect(() => createMemory(2 ** 33, 2 ** 33)).toThrow(MemoryError);
});
