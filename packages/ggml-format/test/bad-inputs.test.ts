// The bad-input corpus GJ01 … GJ28: what is refused, with every field of the error, and what must be taken.
// Rows about files on disk (GJ24 … GJ26) are in bad-files.test.ts; GJ02, every prefix, is in corruption.test.ts.

import { FormatError, memorySource } from "@ll/bytes";
import { describe, expect, test } from "vitest";
import { countingBudget, expectWithinPromise } from "../../../tools/parser-cost.ts";
import { checkLlamaTensors, openGgml } from "../src/index.ts";
import { headerRows } from "./corpus/header-rows.ts";
import { modelRows } from "./corpus/model-rows.ts";
import { recordRows } from "./corpus/record-rows.ts";
import type { Row } from "./corpus/row.ts";

const rows: readonly Row[] = [...headerRows, ...recordRows, ...modelRows];

/** Opens the input, and checks its tensors if the row wants a model. */
async function take(row: Row, chunkBytes: number | undefined): Promise<void> {
  const budget = countingBudget();
  const options = { ...row.options, budget, ...(chunkBytes !== undefined && { chunkBytes }) };
  const file = await openGgml(memorySource(row.bytes, "model.bin"), options).finally(() =>
    expectWithinPromise(budget, row.bytes.length),
  );
  row.check?.(file);
  if (row.weights) checkLlamaTensors(file);
}

async function expectRefused(row: Row, chunkBytes: number | undefined): Promise<void> {
  const [code, offset, field, expected, got, says] = row.refused!;
  const error = await take(row, chunkBytes).then(
    () => expect.unreachable("it was taken"),
    (reason: unknown) => reason as FormatError,
  );
  expect(error).toMatchObject({ name: "GgmlFormatError", code, file: "model.bin", offset, field, expected, got });
  expect(error).toBeInstanceOf(FormatError);
  expect(error.message).toContain(says ?? "");
  expect(error.message.length).toBeLessThanOrEqual(512);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: that there are none is the point
  expect(error.message).not.toMatch(/[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]/);
}

describe("bad inputs", () => {
  test.each(rows.map((row) => [row.id, row.input, row] as const))("%s %s", async (_id, _input, row) => {
    const prototype = Object.getOwnPropertyNames(Object.prototype);
    // chunks must not matter; single bytes would take long on the inputs of a megabyte
    for (const chunkBytes of row.bytes.length < 1e6 ? [undefined, 1, 7] : [undefined]) {
      await (row.refused === undefined ? take(row, chunkBytes) : expectRefused(row, chunkBytes));
    }
    expect(Object.getOwnPropertyNames(Object.prototype)).toEqual(prototype);
  });

  test("every row is here, but those that are in files of their own", () => {
    const ids = new Set(rows.map(({ id }) => id));
    const all = Array.from({ length: 28 }, (_, index) => `GJ${String(index + 1).padStart(2, "0")}`);
    expect(all.filter((id) => !ids.has(id))).toEqual(["GJ02", "GJ24", "GJ25", "GJ26"]);
  });
});
