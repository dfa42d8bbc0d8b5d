import { describe, expect, test } from "vitest";
import { createTextStream } from "../src/text-stream.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

describe("characters", () => {
  test("come whole, however their bytes arrive", () => {
    const stream = createTextStream();
    const [c3, bc] = bytes("ü");
    expect(stream.push(Uint8Array.of(c3!))).toEqual({ text: "", stopped: false });
    expect(stream.push(Uint8Array.of(bc!))).toEqual({ text: "ü", stopped: false });
  });

  test("that cannot be become U+FFFD", () => {
    const stream = createTextStream();
    expect(stream.push(Uint8Array.of(0xff, 0x41)).text).toBe("\ufffdA");
    stream.push(Uint8Array.of(0xe2, 0x82));
    expect(stream.flush()).toBe("\ufffd");
  });

  test("a byte order mark is a character like any other", () => {
    expect(createTextStream().push(bytes("\ufeffx")).text).toBe("\ufeffx");
  });
});

describe("stop strings", () => {
  test("are not shown, nor what follows", () => {
    expect(createTextStream(["\nUser:"]).push(bytes("Yes.\nUser: and"))).toEqual({ text: "Yes.", stopped: true });
  });

  test("hold back what may become one, and give it up when it does not", () => {
    const stream = createTextStream(["User:"]);
    expect(stream.push(bytes("the Us"))).toEqual({ text: "the ", stopped: false });
    expect(stream.push(bytes("e of"))).toEqual({ text: "Use of", stopped: false });
  });

  test("are found across tokens, inside characters too", () => {
    const stream = createTextStream(["é!"]);
    const [first, second, third] = bytes("é!");
    expect(stream.push(Uint8Array.of(0x61, first!)).text).toBe("a");
    expect(stream.push(Uint8Array.of(second!)).text).toBe("");
    expect(stream.push(Uint8Array.of(third!))).toEqual({ text: "", stopped: true });
  });

  test("the one that is whole first counts, and the longest of those", () => {
    expect(createTextStream(["cd", "bcde"]).push(bytes("abcdef"))).toEqual({ text: "ab", stopped: true });
    expect(createTextStream(["cd", "bcd"]).push(bytes("abcdef"))).toEqual({ text: "a", stopped: true });
  });

  test("a beginning that repeats itself is held back from its last possible start", () => {
    const stream = createTextStream(["aab"]);
    expect(stream.push(bytes("aaa")).text).toBe("a");
    expect(stream.push(bytes("b"))).toEqual({ text: "", stopped: true });
  });

  test("what is held back at the end comes with flush", () => {
    const stream = createTextStream(["stop"]);
    stream.push(bytes("st"));
    expect(stream.flush()).toBe("st");
  });

  test("cannot be empty", () => {
    expect(() => createTextStream(["a", ""])).toThrow(TypeError);
  });
});
