import { fc, test as propertyTest } from "@fast-check/vitest";
import { describe, expect, test } from "vitest";
import { inert, term } from "../src/terminal.ts";
import { captured } from "./programs.ts";

describe("CL11 on a terminal", () => {
  test("titles, clipboard writes, other screens, cursor moves and overwriting come out as plain text", () => {
    const stream = captured(true);
    const terminal = term(stream);
    terminal.write("a\x1b]0;title\x07b\x1b]52;c;AAAA\x07c\x1b[?1049hd\x1b[2Ae\rf\u009b31mg\x7f\n\th");
    expect(stream.text()).toBe("a]0;titleb]52;c;AAAAc[?1049hd[2Aef31mg\n\th");
  });

  test("a sequence split across writes is as inert as a whole one", () => {
    const stream = captured(true);
    const terminal = term(stream);
    for (const piece of ["\x1b", "]0;", "t\x07"]) terminal.write(piece);
    expect(stream.text()).toBe("]0;t");
  });

  test("a character split across byte pieces arrives whole; a byte that is no UTF-8 arrives as U+FFFD", () => {
    const stream = captured(true);
    const terminal = term(stream);
    const bytes = new TextEncoder().encode("ü🙂");
    for (const byte of bytes) terminal.write(Uint8Array.of(byte));
    terminal.write(Uint8Array.of(0x9b, 0x41));
    expect(stream.text()).toBe("ü🙂\ufffdA");
  });

  test("control sequences of our own pass", () => {
    const stream = captured(true);
    term(stream).control("\x1b[K");
    expect(stream.text()).toBe("\x1b[K");
  });

  propertyTest.prop([fc.string({ unit: "binary" })])("no control character but newline and tab is left", (text) => {
    const codes = [...inert(text)].map((character) => character.codePointAt(0) ?? 0);
    expect(codes.filter((code) => (code < 0x20 && code !== 9 && code !== 10) || (code >= 0x7f && code < 0xa0))).toEqual(
      [],
    );
  });

  test("nothing turns the direction of a line round; letters that are written from right to left stay", () => {
    const turns = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069";
    const stream = captured(true);
    term(stream).write(`a${turns}b \u05d0\u0628 \u200d`);
    for (const byte of new TextEncoder().encode("\u202e|\u2066")) term(stream).write(Uint8Array.of(byte));
    const terminal = term(stream);
    for (const byte of new TextEncoder().encode("\u202e|\u2066")) terminal.write(Uint8Array.of(byte));
    expect(stream.text()).not.toMatch(/[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/);
    expect(stream.text()).toMatch(/^ab \u05d0\u0628 \u200d/);
  });
});

describe("elsewhere", () => {
  test("bytes and text pass unchanged, control sequences of our own do not", () => {
    const stream = captured(false);
    const terminal = term(stream);
    terminal.write("\x1b[31m\r");
    terminal.control("\x1b[K");
    terminal.write(Uint8Array.of(0x41, 0x1b));
    expect(stream.text()).toBe("\x1b[31m\rA\x1b");
  });
});

test("columns are 80 where the stream has none", () => {
  expect(term({ columns: 0, write: () => true }).columns).toBe(80);
  expect(term({ columns: 132, write: () => true }).columns).toBe(132);
});
