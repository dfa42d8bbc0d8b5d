// The line editor of build 803, key by key.

import { describe, expect, test } from "vitest";
import { type InputLine, readLine } from "../../src/commands/main/line-editor.ts";

const CTRL_D = "\x04";
const DELETE = "\x7f";
const E_ACUTE = "e\u0301"; // the accent has no width of its own

/** Types `keys`; the line, what was echoed, with `<prompt>` and `<user>` for changes of colour, and the keys that are left. */
async function typing(keys: string, multiline = false): Promise<InputLine & { echo: string; rest: string }> {
  const characters = [...keys];
  let echo = "";
  const line = await readLine(
    { next: async () => characters.shift() },
    {
      write: (text) => {
        echo += text;
      },
      erase: (columns) => {
        echo += "\b \b".repeat(columns);
      },
      colour: (kind) => {
        echo += `<${kind}>`;
      },
    },
    multiline,
  );
  return { ...line, echo, rest: characters.join("") };
}

const SHOWN = { "/": "/<prompt>\b/", "\\": "\\<prompt>\b\\" } as const;
const ERASED = "\b \b";

describe("how a line ends", () => {
  test.each([
    // keys, several lines, text, goes on, echo
    ["ab\n", false, "ab\n", false, "ab\n"],
    ["ab\r", false, "ab\n", false, "ab\n"],
    ["\n", false, "\n", false, "\n"],
    ["ab/\n", false, "ab", false, `ab${SHOWN["/"]}${ERASED}`],
    ["/\n", false, "", false, `${SHOWN["/"]}${ERASED}`],
    [" /\n", false, "", false, ` ${SHOWN["/"]}${ERASED}\b`], // one space and no more is nothing
    ["ab\\\n", false, "ab\n", true, `ab${SHOWN["\\"]}${ERASED}\n`],
    ["ab\n", true, "ab\n", true, "ab\n"],
    ["ab/\n", true, "ab", false, `ab${SHOWN["/"]}${ERASED}`],
    ["ab\\\n", true, "ab\n", false, `ab${SHOWN["\\"]}${ERASED}\n`],
  ])("%j, several lines %s", async (keys, multiline, text, more, echo) => {
    expect(await typing(`${keys}next`, multiline)).toEqual({ text, more, endOfInput: false, echo, rest: "next" });
  });

  test.each([
    ["ab", "ab"],
    ["", ""],
    ["ab/", "ab"],
  ])("%j and Ctrl-D, or the end of input: no newline, and no other line", async (keys, text) => {
    for (const multiline of [false, true]) {
      for (const end of ["", `${CTRL_D}next`]) {
        expect(await typing(keys + end, multiline)).toMatchObject({ text, more: false, endOfInput: true });
      }
    }
  });
});

test("/ and \\ count at the end only, and get the user's colour back", async () => {
  const { text, echo } = await typing("a/b\\c\n");
  expect(text).toBe("a/b\\c\n");
  expect(echo).toBe(`a${SHOWN["/"]}<user>\b/b${SHOWN["\\"]}<user>\b\\c\n`);
});

describe("backspace", () => {
  test.each([
    ["ab", `ab${ERASED}`, "a"],
    ["a日", `a日${ERASED}${ERASED}`, "a"],
    [`a${E_ACUTE}`, `a${E_ACUTE}${ERASED}`, "a"], // with all that stands on it
    ["", "", ""],
  ])("behind %j", async (keys, echo, text) => {
    for (const key of [DELETE, "\b"]) {
      expect(await typing(`${keys}${key}\n`)).toMatchObject({ text: `${text}\n`, echo: `${echo}\n` });
    }
  });

  test("shows a / that comes to the end, or takes one away", async () => {
    expect(await typing(`a/b${DELETE}\n`)).toMatchObject({ text: "a", more: false });
    expect(await typing(`a/${DELETE}\n`)).toMatchObject({ text: "a\n", more: false });
  });
});

test.each(["\x1b[A", "\x1b[1;5C", "\x1b[3~", "\x1b\x1b[D", "\x1bx"])("the key %j does nothing", async (key) => {
  expect(await typing(`a${key}b\n`)).toMatchObject({ text: "ab\n", echo: "ab\n" });
});
