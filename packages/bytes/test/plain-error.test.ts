// Errors keep their class, code and fields on the way from a worker.

import { describe, expect, test } from "vitest";
import { FormatError, IoError, isFormatError, isIoError } from "../src/index.ts";
import { errorFrom, plainError } from "../src/workers.ts";

const sent = (error: unknown): Error => errorFrom(structuredClone(plainError(error)));

class OtherError extends FormatError {
  override readonly name = "OtherError";
}

describe("an error that was sent", () => {
  test.each([
    new RangeError("out of range"),
    new TypeError("wrong type"),
    new SyntaxError("wrong syntax"),
    new Error("a bug"),
    new IoError({ code: "E_CHANGED", file: "model.bin", message: "it changed" }),
    new FormatError({
      code: "E_MAGIC",
      file: "model.bin",
      offset: 4,
      field: "magic",
      expected: 1,
      got: 2,
      message: "no",
      hint: "try",
    }),
    new OtherError({ code: "E_SHAPE", message: "no shape" }),
    Object.assign(new Error("of the system"), { code: "ENOENT", errno: -2, syscall: "open" }),
  ])("$name", (error) => {
    const again = sent(error);
    expect({ ...again }).toEqual({ ...error });
    expect(again.name).toBe(error.name);
    expect(again.message).toBe(error.message);
    expect(again.stack).toBe(error.stack);
    expect(isIoError(again)).toBe(isIoError(error));
    expect(isFormatError(again)).toBe(isFormatError(error));
    expect(Object.keys(again)).not.toContain("stack");
  });

  test("is of the class that was thrown", () => {
    expect(sent(new RangeError("x"))).toBeInstanceOf(RangeError);
    expect(sent(new TypeError("x"))).toBeInstanceOf(TypeError);
    expect(sent(new IoError({ code: "E_IO", message: "x" }))).toBeInstanceOf(IoError);
    expect(sent(new OtherError({ code: "E_SHAPE", message: "x" }))).toBeInstanceOf(FormatError);
  });

  test("may have been none", () => {
    expect(sent("a text")).toEqual(new Error("a text"));
    expect(sent(undefined)).toEqual(new Error("undefined"));
  });
});
