// What the line editor draws, on an emulated terminal that wraps its rows anew when its width changes.

import { fc, test as propertyTest } from "@fast-check/vitest";
import headless from "@xterm/headless";
import { describe, expect, test } from "vitest";
import { EditedText, MAX_INPUT_CHARS } from "../../../src/commands/chat/edited-text.ts";
import { createDumbScreen, createInputScreen, layoutOf } from "../../../src/commands/chat/input-screen.ts";

const PROMPTS = { prompt: "> ", morePrompt: "… " };

/**
 * A terminal below some lines of output, on which a text is edited. The emulator wraps the line of the cursor anew or leaves it alone;
 * where in it the cursor then is it only knows if it was at the end, where it is put.
 */
function editor(columns: number, rows = 10, wrapsAnew = true) {
  const terminal = new headless.Terminal({ cols: columns, rows, allowProposedApi: true, reflowCursorLine: wrapsAnew });
  const stream = { columns, rows, write: (data: string) => terminal.write(data.replaceAll(/(?<!\r)\n/g, "\r\n")) };
  const input = createInputScreen(stream, { wrapsAnew });
  const edited = new EditedText();
  stream.write("before\n");
  return {
    edited,
    input,
    draw: () => input.draw({ ...PROMPTS, text: edited.text, cursor: edited.cursor }),
    async resize(width: number) {
      while (edited.down());
      edited.end();
      this.draw();
      await new Promise<void>((resolve) => terminal.write("", resolve));
      terminal.resize(width, rows);
      stream.columns = width;
      input.resize();
    },
    /** The lines up to the last that has anything, and the place of the cursor. */
    async shown(): Promise<{ lines: string[]; row: number; column: number }> {
      await new Promise<void>((resolve) => terminal.write("", resolve));
      const { active } = terminal.buffer;
      const lines = Array.from({ length: active.length }, (_, y) => active.getLine(y)?.translateToString(true) ?? "");
      while (lines.at(-1)?.trim() === "") lines.pop();
      return { lines: lines.map((line) => line.trimEnd()), row: active.baseY + active.cursorY, column: active.cursorX };
    },
  };
}

describe("on a terminal", () => {
  test("typing at the beginning of a line of two rows draws both in place", async () => {
    const e = editor(20);
    e.edited.insert("a line that is longer than twenty columns");
    e.draw();
    e.edited.home();
    e.edited.insert("X");
    e.draw();
    expect(await e.shown()).toEqual({
      lines: ["before", "> Xa line that is lo", "nger than twenty col", "umns"],
      row: 1,
      column: 3,
    });
  });

  test.each([true, false])(
    "after the window became narrower, and wider again, nothing of the old rows is left: wraps anew %s",
    async (anew) => {
      const e = editor(40, 10, anew);
      e.edited.insert("this is a fairly long line of text that wraps over forty columns");
      e.draw();
      await e.resize(20);
      e.edited.home();
      e.edited.insert("X");
      e.draw();
      expect((await e.shown()).lines).toEqual([
        "before",
        "> Xthis is a fairly",
        "long line of text th",
        "at wraps over forty",
        "columns",
      ]);
      await e.resize(60);
      expect((await e.shown()).lines).toEqual([
        "before",
        "> Xthis is a fairly long line of text that wraps over forty",
        "columns",
      ]);
    },
  );

  test("a row that is exactly full has the cursor in the next", async () => {
    const e = editor(10);
    e.edited.insert("12345678");
    e.draw();
    expect(await e.shown()).toEqual({ lines: ["before", "> 12345678"], row: 2, column: 0 });
    e.edited.insert("9");
    e.draw();
    expect(await e.shown()).toEqual({ lines: ["before", "> 12345678", "9"], row: 2, column: 1 });
    e.edited.backspace();
    e.edited.backspace();
    e.draw();
    expect(await e.shown()).toEqual({ lines: ["before", "> 1234567"], row: 1, column: 9 });
  });

  test("pasted lines stand below each other; a tab goes to the next stop", async () => {
    const e = editor(30);
    e.edited.insert("first()\n\tsecond()\n\nthird");
    e.draw();
    expect((await e.shown()).lines).toEqual(["before", "> first()", "…       second()", "…", "… third"]);
    expect(e.edited.up() && e.edited.up()).toBe(true);
    e.draw();
    expect(await e.shown()).toMatchObject({ row: 2, column: 2 });
  });

  test("a text of more rows than the window shows those round the cursor", async () => {
    const e = editor(20, 5);
    e.edited.insert(Array.from({ length: 50 }, (_, i) => `line ${i}`).join("\n"));
    e.draw();
    expect((await e.shown()).lines.slice(-5)).toEqual([45, 46, 47, 48, 49].map((i) => `… line ${i}`));
    for (let i = 0; i < 49; i++) e.edited.up();
    e.draw();
    expect((await e.shown()).lines.slice(-5)[0]).toBe("> line 0");
  });

  const character = fc.constantFrom("a", " ", "é", "e\u0301", "日", "한", "\t", "\n", "word ");
  const step = fc.oneof(
    { weight: 4, arbitrary: character.map((text) => ({ insert: text })) },
    fc.constantFrom("left", "right", "home", "end", "backspace", "delete", "up", "down", "deleteWord", "yank"),
    fc.integer({ min: 8, max: 40 }),
  );
  propertyTest.prop([fc.array(step, { maxLength: 60 }), fc.boolean()])(
    "whatever is typed at whatever width, the screen shows the text once, as its layout says",
    async (steps, anew) => {
      const e = editor(20, 60, anew);
      let columns = 20;
      e.draw();
      for (const one of steps) {
        if (typeof one === "number") {
          columns = one;
          await e.resize(one);
        } else if (typeof one === "string") e.edited[one as "left"]();
        else e.edited.insert(one.insert);
        e.draw();
      }
      const { text, cursor } = e.edited;
      const { rows, cursorRow } = layoutOf({ ...PROMPTS, text, cursor }, columns);
      const { lines, row } = await e.shown();
      const first = lines.findLastIndex((line) => /^>( |$)/.test(line));
      expect(lines.slice(0, first)).toEqual(["before"]);
      expect(row).toBe(first + cursorRow);
      const expected = rows.map(({ text: shown }) => shown.trimEnd());
      while (expected.at(-1) === "") expected.pop();
      expect(lines.slice(first)).toEqual(expected);
    },
  );
});

test("a terminal that cannot move its cursor gets what is typed, and no sequence", () => {
  let out = "";
  const screen = createDumbScreen({ write: (data) => (out += data) });
  const draw = (text: string): void => screen.draw({ ...PROMPTS, text, cursor: text.length });
  for (const text of ["", "a", "ab", "a", "ac"]) draw(text);
  screen.finish();
  expect(out).toBe("> ab\n> ac\n");
});

describe("the cursor", () => {
  test("moves by characters, as people count them", () => {
    const edited = new EditedText();
    edited.insert("e\u0301👨‍👩‍👧🇩🇪x");
    for (let i = 0; i < 4; i++) edited.left();
    expect(edited.cursor).toBe(0);
    edited.right();
    edited.delete();
    expect(edited.text).toBe("e\u0301🇩🇪x");
    edited.end();
    edited.backspace();
    edited.backspace();
    edited.backspace();
    expect(edited.text).toBe("");
  });

  test("words and lines are cut and come back", () => {
    const edited = new EditedText();
    edited.insert("one two  three");
    edited.deleteWord();
    edited.wordLeft();
    edited.deleteToEnd();
    expect(edited.text).toBe("one ");
    edited.home();
    edited.yank();
    expect(edited.text).toBe("two  one ");
  });

  test("no more is taken than a context holds", () => {
    const edited = new EditedText();
    expect(edited.insert("x".repeat(MAX_INPUT_CHARS - 1))).toBe(true);
    expect(edited.insert("yz")).toBe(false);
    expect(edited.text.length).toBe(MAX_INPUT_CHARS);
  });
});
