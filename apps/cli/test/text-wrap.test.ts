import { fc, test as propertyTest } from "@fast-check/vitest";
import { describe, expect, test } from "vitest";
import { MAIN_OPTIONS } from "../src/inference/options/index.ts";
import { optionHelp } from "../src/option-table.ts";
import { term } from "../src/terminal.ts";
import { columnsOf, widthOf, wrapFor, wrapText } from "../src/text-wrap.ts";
import { VERBS } from "../src/verbs.ts";
import { captured, runHere } from "./programs.ts";

describe("wrapText", () => {
  test.each([
    ["short enough", "one two\n three", 8, 0, "one two\n three"],
    ["at a space", "one two three", 8, 0, "one two\nthree"],
    ["as its line is indented", "  one two three", 9, 0, "  one two\n  three"],
    ["and by more columns", "  one two three", 9, 2, "  one two\n    three"],
    ["a word is never cut", "a verylongword b", 6, 0, "a\nverylongword\nb"],
    ["wide characters take two columns", "好好 好好 好", 9, 0, "好好 好好\n好"],
  ])("%s", (_name, text, columns, hanging, wrapped) => {
    expect(wrapText(text, columns, hanging)).toBe(wrapped);
  });

  propertyTest.prop([
    fc.array(fc.stringMatching(/^[a-z]{1,8}$/), { minLength: 1, maxLength: 30 }),
    fc.integer({ min: 8, max: 40 }),
  ])("keeps every word in its order, on lines that fit", (words, columns) => {
    const lines = wrapText(words.join(" "), columns).split("\n");
    expect(lines.flatMap((line) => line.split(" "))).toEqual(words);
    for (const line of lines) expect(widthOf(line)).toBeLessThanOrEqual(columns);
  });
});

test("the width: COLUMNS, then that of the terminal, 80 without one, never less than 20", () => {
  const narrow = term(Object.assign(captured(true), { columns: 40 }));
  expect(columnsOf(narrow, {})).toBe(40);
  expect(columnsOf(narrow, { COLUMNS: "60" })).toBe(60);
  for (const COLUMNS of ["", "0", "-1", "wide"]) expect(columnsOf(narrow, { COLUMNS })).toBe(40);
  expect(columnsOf(term({ write: () => true }), {})).toBe(80);
  expect(columnsOf(narrow, { COLUMNS: "3" })).toBe(20);
});

test("messages are broken on a terminal only: a log has one line for each", () => {
  const text = "one two three four five six seven eight";
  expect(wrapFor(term(Object.assign(captured(true), { columns: 20 })), {}, text)).toContain("\n");
  expect(wrapFor(term(captured()), { COLUMNS: "20" }, text)).toBe(text);
});

describe.each([80, 60, 40])("help in %i columns", (columns) => {
  test.each(["ll", ...[...VERBS.keys()].map((verb) => `ll-${verb}`)])("%s: no line is wider", async (bin) => {
    const { stdout } = await runHere(bin, ["--help"], { COLUMNS: String(columns) });
    const wide = stdout.split("\n").filter((line) => widthOf(line) > columns && line.trim().includes(" "));
    expect(wide).toEqual([]);
  });

  test("every word of every sentence is there", () => {
    const words = (text: string): string => text.replace(/\s+/g, " ");
    const help = words(optionHelp(MAIN_OPTIONS, columns));
    for (const option of MAIN_OPTIONS) expect(help).toContain(words(option.help));
  });
});
