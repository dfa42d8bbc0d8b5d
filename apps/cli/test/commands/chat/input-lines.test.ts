import { expect, test } from "vitest";
import { createInputLines } from "../../../src/commands/chat/input-lines.ts";

test.each([
  ["a line", ["a"], ["a"]],
  ["an empty line", [""], [""]],
  ["a backslash goes on", ["a\\", "b\\", "c"], ["a\nb\nc"]],
  ["a fence", ['"""', "a", "", "b", '"""'], ["a\n\nb"]],
  ["a fence with text beside it", ['"""a', 'b"""'], ["a\nb"]],
  ["a fence on one line", ['"""a"""', "b"], ["a", "b"]],
  ["a backslash inside a fence is one", ['"""', "a\\", '"""'], ["a\\"]],
  ["quotes in the middle of a line", ['a """ b'], ['a """ b']],
  ["a fence that begins after a backslash is none", ["a\\", '"""b'], ['a\n"""b']],
  ["an empty fence", ['""""""'], [""]],
])("%s", (_name, lines, expected) => {
  const input = createInputLines();
  const got = lines.map((line) => input.push(line)).filter((text) => text !== undefined);
  expect(got).toEqual(expected);
  expect(input.isOpen).toBe(false);
});

test("is open until the end, and can be given up", () => {
  const input = createInputLines();
  input.push('"""');
  expect(input.isOpen).toBe(true);
  input.push("a");
  input.clear();
  expect(input.isOpen).toBe(false);
  expect(input.push("b")).toBe("b");
  input.push("c\\");
  expect(input.isOpen).toBe(true);
});
