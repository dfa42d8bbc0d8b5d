import { fc, test as property } from "@fast-check/vitest";
import { describe, expect, test } from "vitest";
import { FormatError, IoError, isFormatError, isIoError, isWorkerError, printable, WorkerError } from "../src/index.ts";

describe("FormatError", () => {
  test("says what, where and what to do", () => {
    const cause = new Error("inner");
    const error = new FormatError({
      code: "E_MAGIC",
      file: "x.bin",
      offset: 0,
      field: "magic",
      expected: "ggjt",
      got: "GGUF",
      message: "not a ggjt file",
      hint: "open it with another tool",
      cause,
    });
    expect(error.message).toBe("x.bin: not a ggjt file (field magic, byte 0); open it with another tool");
    expect({ ...error }).toMatchObject({
      name: "FormatError",
      code: "E_MAGIC",
      file: "x.bin",
      offset: 0,
      field: "magic",
      expected: "ggjt",
      got: "GGUF",
      summary: "not a ggjt file",
      hint: "open it with another tool",
    });
    expect(error.cause).toBe(cause);
  });

  test("leaves out what is not known", () => {
    const error = new FormatError({ code: "E_X", message: "odd" });
    expect(error.message).toBe("odd");
    expect(error).toMatchObject({
      file: undefined,
      offset: undefined,
      field: undefined,
      hint: undefined,
      summary: "odd",
    });
    expect("cause" in error).toBe(false);
    expect(new FormatError({ code: "E_X", message: "odd", field: "f" }).message).toBe("odd (field f)");
    expect(new FormatError({ code: "E_X", message: "odd", offset: 3 }).message).toBe("odd (byte 3)");
  });

  test("is never longer than 512 characters, and a long path leaves room for the rest", () => {
    const error = new FormatError({ code: "E_X", file: `/${"p".repeat(4096)}`, message: "what happened", offset: 1 });
    expect(error.message).toMatch(/^\/p{198}…: what happened \(byte 1\)$/);
    expect(error.file?.length).toBe(4097);
    expect(new FormatError({ code: "E_X", message: "m".repeat(4096) }).message.length).toBe(512);
    expect(new IoError({ code: "E_IO", message: "m".repeat(4096) }).message.length).toBe(512);
  });
});

describe("guards", () => {
  class OwnError extends FormatError {
    override readonly name = "OwnError";
  }
  const format = new OwnError({ code: "E_A", message: "a" });
  const io = new IoError({ code: "E_IO", file: "f", message: "b" });

  test("know the two kinds and their codes", () => {
    expect([isFormatError(format), isFormatError(format, "E_A"), isFormatError(format, "E_B")]).toEqual([
      true,
      true,
      false,
    ]);
    expect([isIoError(io), isIoError(io, "E_IO"), isIoError(io, "E_B")]).toEqual([true, true, false]);
    expect([isFormatError(io), isIoError(format)]).toEqual([false, false]);
    for (const other of [new Error("x"), undefined, null, "E_A", { code: "E_A" }]) {
      expect([isFormatError(other), isIoError(other)]).toEqual([false, false]);
    }
  });

  test("know errors of another installed copy", async () => {
    const path = "../src/errors.ts?another-copy";
    const copy = (await import(/* @vite-ignore */ path)) as typeof import("../src/errors.ts");
    expect(copy.FormatError).not.toBe(FormatError);
    expect(isFormatError(new copy.FormatError({ code: "E_A", message: "a" }), "E_A")).toBe(true);
    expect(isIoError(new copy.IoError({ code: "E_IO", message: "a" }), "E_IO")).toBe(true);
    expect(isWorkerError(new copy.WorkerError("a"))).toBe(true);
  });
});

test("a WorkerError says why, and its guard knows no others", () => {
  const cause = new Error("inner");
  const error = new WorkerError("worker 1 of 2 died", cause);
  expect({ ...error, message: error.message }).toEqual({
    name: "WorkerError",
    code: "E_WORKER",
    message: "worker 1 of 2 died",
  });
  expect(error.cause).toBe(cause);
  expect("cause" in new WorkerError("died")).toBe(false);
  expect([isWorkerError(error), isFormatError(error), isIoError(error)]).toEqual([true, false, false]);
  expect(isWorkerError({ name: "WorkerError", code: "E_WORKER" })).toBe(false);
});

describe("printable", () => {
  test.each([
    ["plain ünïcödé 👍", "plain ünïcödé 👍"],
    ["a\nb\tc\0", "a\\x0ab\\x09c\\x00"],
    ["\x1b[2J\x7f\x9b", "\\x1b[2J\\x7f\\x9b"],
    ["a\u202eb\u2066c\u200ed\u061c", "a\\u{202e}b\\u{2066}c\\u{200e}d\\u{61c}"],
    ["\u2028\u2029", "\\u{2028}\\u{2029}"],
    ["\ud800x", "\\u{d800}x"],
    ["\u200d", "\u200d"], // joins emoji, and does nothing to a terminal
  ])("%j", (text, expected) => {
    expect(printable(text)).toBe(expected);
  });

  test("cuts what is longer than asked, and only that", () => {
    expect(printable("x".repeat(128))).toBe("x".repeat(128));
    expect(printable("x".repeat(129))).toBe(`${"x".repeat(127)}…`);
    expect(printable("abc", 3)).toBe("abc");
    expect(printable("abcd", 3)).toBe("ab…");
    expect(printable("ab\n", 4)).toBe("ab…"); // an escape is kept whole or not at all
    expect(printable("a👍b", 3)).toBe("a…");
  });

  property.prop([fc.string({ unit: "binary", maxLength: 40 }), fc.integer({ min: 1, max: 60 })])(
    "is short and harmless for any text",
    (text, maxChars) => {
      const shown = printable(text, maxChars);
      expect(shown.length).toBeLessThanOrEqual(maxChars);
      expect(shown.isWellFormed()).toBe(true);
      // biome-ignore lint/suspicious/noControlCharactersInRegex: that there are none is the point
      expect(shown).not.toMatch(/[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]/);
      expect(printable(shown, maxChars)).toBe(shown);
    },
  );
});
