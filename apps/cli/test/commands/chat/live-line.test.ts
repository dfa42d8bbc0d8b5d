import { fc, test } from "@fast-check/vitest";
import { expect } from "vitest";
import type { Io } from "../../../src/command.ts";
import { createLiveLine } from "../../../src/commands/chat/live-line.ts";
import { term } from "../../../src/terminal.ts";
import { widthOf } from "../../../src/text-wrap.ts";
import { captured } from "../../programs.ts";

/** A terminal of 20 columns, on which both streams are shown. */
function screen({
  outTty = true,
  errTty = true,
  env = {},
}: {
  outTty?: boolean;
  errTty?: boolean;
  env?: Io["env"];
} = {}) {
  const out = captured(outTty);
  const err = captured(errTty);
  out.columns = 20;
  err.columns = 20;
  const shared: string[] = [];
  for (const stream of [out, err]) {
    const write = stream.write;
    stream.write = (data) => {
      shared.push(String(data));
      write(data);
    };
  }
  let ms = 0;
  const live = createLiveLine({ out: term(out), err: term(err), env }, "auto", () => ms);
  const wait = (more: number): void => {
    ms += more;
  };
  return { live, out, err, wait, all: () => shared.join("") };
}

test("the speed stands behind the text and goes before more text comes", () => {
  const { live, all } = screen({ env: { NO_COLOR: "1" } });
  live.text("Hi");
  live.status("9 t/s");
  live.text(" you");
  live.end();
  expect(all()).toBe("Hi  9 t/s\x1b[7D\x1b[J you");
});

test("is dim where colours are wanted", () => {
  const { live, all } = screen();
  live.status("9 t/s");
  expect(all()).toBe("\x1b[2m  9 t/s\x1b[0m\x1b[7D");
});

test("ten times a second at most", () => {
  const { live, err, wait } = screen({ env: { NO_COLOR: "1" } });
  live.status("1");
  wait(99);
  live.status("2");
  wait(1);
  live.status("3");
  expect(err.text()).toBe("  1\x1b[3D\x1b[J  3\x1b[3D");
});

test("not where it would not fit on the line, which is counted in columns", () => {
  const { live, err } = screen({ env: { NO_COLOR: "1" } });
  live.text("好好好好好好好\ta "); // 14 columns, and on to the next stop at 16
  live.status("12");
  expect(err.text()).toBe("");
  live.text("ab\nc\x07d"); // a control character takes no column
  live.status("12");
  expect(err.text()).toBe("  12\x1b[4D");
});

test("a line that is full goes on in the next one", () => {
  const { live, err } = screen({ env: { NO_COLOR: "1" } });
  live.text("x".repeat(23));
  live.status("12");
  expect(err.text()).toBe("  12\x1b[4D");
});

test("an answer is broken at words, which are held back until it is known whether they fit", () => {
  const { live, out } = screen();
  const shownAfter = (piece: string): string => {
    const before = out.text().length;
    live.text(piece);
    return out.text().slice(before);
  };
  expect(shownAfter("A bird ")).toBe("A bird");
  expect(shownAfter("was sit")).toBe(" was");
  expect(shownAfter("ting ")).toBe(" sitting"); // 18 columns
  expect(shownAfter("o")).toBe("");
  expect(shownAfter("n")).toBe("\non");
  expect(shownAfter(" a")).toBe("");
  expect(shownAfter(" branch.\n  Then")).toBe(" a branch.\n  Then"); // an indent stays
  expect(shownAfter(" x")).toBe("");
  live.end();
  expect(out.text().endsWith("  Then x")).toBe(true);
});

test("a word that is wider than a line is shown as it comes", () => {
  const { live, out } = screen();
  live.text("a ");
  live.text("x".repeat(18)); // just fits
  expect(out.text()).toBe("a");
  live.text("x");
  expect(out.text()).toBe(`a\n${"x".repeat(19)}`);
  live.text("xyz");
  expect(out.text()).toBe(`a\n${"x".repeat(20)}yz`);
  live.text(" end ");
  expect(out.text()).toBe(`a\n${"x".repeat(20)}yz end`);
});

test("a text without spaces is broken between wide characters, none is held back", () => {
  const { live, out } = screen();
  live.text("a 好好好好好好好好好好");
  expect(out.text()).toBe("a 好好好好好好好好好\n好");
});

const piecesOf = fc.array(
  fc.string({ unit: fc.constantFrom("a", "b", " ", "\n", "\t", "好", "\u0301"), maxLength: 12 }),
);

test.prop([piecesOf])("however a text is cut into pieces, it is shown alike and whole", (pieces) => {
  const shown = (parts: readonly string[]): string => {
    const { live, out } = screen();
    for (const part of parts) live.text(part);
    live.end();
    return out.text();
  };
  const text = pieces.join("");
  expect(shown(pieces)).toBe(shown([text]));
  expect(shown(pieces).replace(/\s/g, "")).toBe(text.replace(/\s/g, ""));
  for (const line of shown(pieces).split("\n")) {
    if (!line.includes("\t") && line.trim().includes(" ")) expect(widthOf(line.trim())).toBeLessThanOrEqual(20);
  }
});

test("nothing is shown where there is no terminal, or a dumb one; the text is", () => {
  for (const options of [{ errTty: false }, { env: { TERM: "dumb" } }]) {
    const { live, out, err } = screen(options);
    live.text("a");
    live.status("9 t/s");
    live.end();
    expect([out.text(), err.text()]).toEqual(["a", ""]);
  }
});

test("with the text in a file, the speed alone is on the terminal", () => {
  const { live, out, err } = screen({ outTty: false, env: { NO_COLOR: "1" } });
  live.text("x".repeat(100));
  live.status("9 t/s");
  live.end();
  expect(out.text()).toBe("x".repeat(100));
  expect(err.text()).toBe("  9 t/s\x1b[7D\x1b[J");
});
