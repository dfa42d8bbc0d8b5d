import { fc, test as propertyTest } from "@fast-check/vitest";
import { describe, expect, test } from "vitest";
import { term } from "../src/terminal.ts";
import { tableColumns, tableLines } from "../src/text-table.ts";
import { captured } from "./programs.ts";

test("columns are as wide as their widest cell on a terminal", () => {
  expect(tableLines([["a", "12"], ["🙂🙂🙂", "3", "x"], ["b"]], ["left", "right", "left"])).toEqual([
    "a       12",
    "🙂🙂🙂   3  x",
    "b",
  ]);
});

describe("wider than a terminal", () => {
  const head = ["tensor", "type", "note"];

  test("the last column is broken at words", () => {
    const rows = [
      ["a", "f16", "one two three four five"],
      ["bb", "q4_0", "six"],
    ];
    expect(tableLines([head, ...rows], ["left", "left", "left"], { columns: 28, hasHead: true })).toEqual([
      "tensor  type  note",
      "a       f16   one two three",
      "              four five",
      "bb      q4_0  six",
    ]);
  });

  test("or every row becomes a paragraph, with the names of the columns", () => {
    const rows = [
      ["layers.0.attention.wq.weight", "f16", "128"],
      ["norm", "f32", ""],
    ];
    expect(tableLines([head, ...rows], ["left", "left", "right"], { columns: 24, hasHead: true })).toEqual([
      "layers.0.attention.wq.weight", // a word is never cut
      "  type f16, note 128",
      "norm",
      "  type f32",
    ]);
    expect(tableLines([["general.architecture", "llama of some length"]], ["left", "left"], { columns: 24 })).toEqual([
      "general.architecture",
      "  llama of some length",
    ]);
  });

  propertyTest.prop([
    fc.array(fc.array(fc.stringMatching(/^[a-z]{1,9}( [a-z]{1,9}){0,4}$/), { minLength: 3, maxLength: 3 }), {
      minLength: 1,
      maxLength: 4,
    }),
    fc.integer({ min: 24, max: 60 }),
  ])("nothing is cut, and no line is too wide", (rows, columns) => {
    const lines = tableLines(rows, ["left", "left", "left"], { columns });
    for (const line of lines) expect(line.length).toBeLessThanOrEqual(columns);
    const letters = (text: string): string => [...text.replace(/\s/g, "")].sort().join("");
    expect(letters(lines.join(""))).toBe(letters(rows.flat().join("")));
  });
});

test("the columns of a table: those of a terminal, or of COLUMNS; no limit in a file or a pipe or with --no-truncate", () => {
  const out = term(Object.assign(captured(true), { columns: 50 }));
  expect(tableColumns(out, {}, { truncate: true })).toBe(50);
  expect(tableColumns(out, { COLUMNS: "70" }, { truncate: true })).toBe(70);
  expect(tableColumns(out, {}, { truncate: false })).toBe(Number.POSITIVE_INFINITY);
  expect(tableColumns(term(captured()), { COLUMNS: "70" }, { truncate: true })).toBe(Number.POSITIVE_INFINITY);
});
