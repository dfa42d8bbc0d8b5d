import { describe, expect, test } from "vitest";
import { readSimpleLine } from "../../src/commands/main/line-editor.ts";

/** A source of the characters of `text`. */
function typed(text: string): { next(): Promise<string | undefined>; rest(): string } {
  const characters = [...text];
  return { next: async () => characters.shift(), rest: () => characters.join("") };
}

describe("readSimpleLine", () => {
  test.each([
    ["hello\nnext", false, { text: "hello\n", more: false, endOfInput: false }],
    ["\nnext", false, { text: "\n", more: false, endOfInput: false }],
    ["hello/\nnext", false, { text: "hello", more: false, endOfInput: false }],
    [" /\nnext", false, { text: " ", more: false, endOfInput: false }], // the editor makes nothing of it
    ["hello\\\nnext", false, { text: "hello\n", more: true, endOfInput: false }],
    ["hello\nnext", true, { text: "hello\n", more: true, endOfInput: false }],
    ["hello\\\nnext", true, { text: "hello\n", more: false, endOfInput: false }],
    ["hello/\nnext", true, { text: "hello", more: false, endOfInput: false }],
  ])("%j, multiline %s", async (text, multiline, line) => {
    const source = typed(text);
    expect(await readSimpleLine(source, multiline)).toEqual(line);
    expect(source.rest()).toBe("next");
  });

  test("the end of input ends a line; nothing before it ends the turn", async () => {
    expect(await readSimpleLine(typed("hello"), false)).toEqual({ text: "hello\n", more: false, endOfInput: true });
    for (const multiline of [false, true]) {
      expect(await readSimpleLine(typed(""), multiline)).toEqual({ text: "", more: false, endOfInput: true });
    }
  });
});
