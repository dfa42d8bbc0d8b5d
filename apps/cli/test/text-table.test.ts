import { expect, test } from "vitest";
import { fitted, tableLines } from "../src/text-table.ts";

test("columns are as wide as their widest cell on a terminal", () => {
  expect(tableLines([["a", "12"], ["🙂🙂🙂", "3", "x"], ["b"]], ["left", "right", "left"])).toEqual([
    "a       12",
    "🙂🙂🙂   3  x",
    "b",
  ]);
});

test.each([
  ["short enough", "12345\n1", "12345\n1"],
  ["too long", "123456\n1", "1234…\n1"],
  ["wide characters up to the end", "1好好", "1好好"],
  ["a wide character over the end", "12好好", "12好…"],
  ["a wide character where the mark has to be", "123好好", "123…"],
])("on a terminal of five columns: %s", (_name, text, shown) => {
  expect(fitted(text, { isTty: true, columns: 5 }, { truncate: true })).toBe(shown);
});

test("a file or a pipe gets all of it", () => {
  expect(fitted("123456", { isTty: false, columns: 5 }, { truncate: true })).toBe("123456");
});
