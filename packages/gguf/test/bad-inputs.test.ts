// The bad-input corpus: all kinds of llama.cpp's tests/test-gguf.cpp, and the counterparts of the ggjt corpus. What is refused,
// with every field of the error, and what must be taken. Every prefix and every bit are in corruption.test.ts.

import { FormatError, memorySource } from "@ll/bytes";
import { describe, expect, test } from "vitest";
import { countingBudget, expectWithinPromise } from "../../../tools/parser-cost.ts";
import { openGguf } from "../src/index.ts";
import { headerRows } from "./corpus/header-rows.ts";
import { metadataRows } from "./corpus/metadata-rows.ts";
import type { Row } from "./corpus/row.ts";
import { tensorRows } from "./corpus/tensor-rows.ts";

const rows: readonly Row[] = [...headerRows, ...metadataRows, ...tensorRows];

async function take(row: Row, chunkBytes: number | undefined): Promise<void> {
  const budget = countingBudget();
  const options = { ...row.options, budget, ...(chunkBytes !== undefined && { chunkBytes }) };
  const file = await openGguf(memorySource(row.bytes, "model.gguf"), options).finally(() =>
    expectWithinPromise(budget, row.bytes.length),
  );
  await row.check?.(file);
}

async function expectRefused(row: Row, chunkBytes: number | undefined): Promise<void> {
  const [code, offset, field, expected, got, says] = row.refused!;
  const error = await take(row, chunkBytes).then(
    () => expect.unreachable("it was taken"),
    (reason: unknown) => reason as FormatError,
  );
  expect(error).toMatchObject({ name: "GgufFormatError", code, file: "model.gguf", offset, field, expected, got });
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

  test.each<[family: string, kinds: string[]]>([
    [
      "HEADER",
      ["BAD_MAGIC", "BAD_VERSION_0", "BAD_VERSION_1", "BAD_VERSION_FUTURE", "BAD_N_TENSORS", "BAD_N_KV", "EMPTY"],
    ],
    [
      "KV",
      [
        "BAD_KEY_SIZE",
        "EMPTY_KEY",
        "BAD_TYPE",
        "BAD_VALUE_SIZE",
        "DUPLICATE_KEY",
        "BAD_ALIGN",
        "WRONG_TYPE_ALIGN",
        "SUCCESS",
      ],
    ],
    [
      "TENSORS",
      [
        "BAD_NAME_SIZE",
        "BAD_N_DIMS",
        "BAD_SHAPE",
        "ZERO_DIM",
        "NE_TOO_BIG",
        "NBYTES_TOO_BIG",
        "BAD_TYPE",
        "BAD_OFFSET",
        "DUPLICATE_NAME",
        "BAD_ALIGN",
        "INCONSISTENT_ALIGN",
        "SUCCESS",
        "CUSTOM_ALIGN",
      ],
    ],
    ["DATA", ["NOT_ENOUGH_DATA", "BAD_ALIGN", "INCONSISTENT_ALIGN", "MEM_SIZE_OVERFLOW", "SUCCESS", "CUSTOM_ALIGN"]],
  ])("every kind %s_… of test-gguf.cpp is here", (family, kinds) => {
    const ids = new Set(rows.map(({ id }) => id));
    expect(kinds.filter((kind) => !ids.has(`${family}_${kind}`))).toEqual([]);
  });
});
