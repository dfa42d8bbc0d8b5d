import { fc, test } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import { CheckpointError } from "../src/errors.ts";
import { JsonReader } from "../src/json-reader.ts";

const reader = (text: string, maxDepth = 64) =>
  new JsonReader(new TextEncoder().encode(text), { file: "x.json", maxDepth, depthCode: "E_DEPTH" });

/** The value as JSON.parse gives it, built by walking; objects as entries in file order. */
function walk(json: JsonReader): unknown {
  switch (json.peek()) {
    case "object": {
      const entries: [string, unknown][] = [];
      json.object((key) => entries.push([key, walk(json)]));
      return { entries };
    }
    case "array": {
      const items: unknown[] = [];
      json.array(() => items.push(walk(json)));
      return items;
    }
    default: {
      const value = json.read();
      if (value.kind === "number") return Number(value.digits);
      if (value.kind === "string") return value.text;
      return value.kind === "boolean" ? value.value : null;
    }
  }
}

function parsed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(parsed);
  if (typeof value !== "object" || value === null) return value;
  return { entries: Object.keys(value).map((key) => [key, parsed((value as Record<string, unknown>)[key])]) };
}

/** Accepts the text the way a caller would that wants nothing of it. */
function accepts(text: string): boolean {
  try {
    const json = reader(text, 1000);
    json.read();
    json.end();
    return true;
  } catch (error) {
    if (error instanceof CheckpointError) return false;
    throw error;
  }
}

function parses(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

describe("JsonReader", () => {
  test.prop([fc.json({ maxDepth: 4 }), fc.constantFrom(undefined, 2, "\t")])(
    "reads what JSON.parse reads, in the order of the text",
    (text, indent) => {
      const value: unknown = JSON.parse(text);
      const json = reader(JSON.stringify(value, null, indent));
      expect(walk(json)).toEqual(parsed(value));
      json.end();
    },
  );

  test.prop([fc.array(fc.constantFrom(...'[]{},:"\\ \n1-.e0tfn', "true", "null", '"a"', "\\u00"), { maxLength: 12 })], {
    numRuns: 5000,
  })("takes exactly the texts that JSON.parse takes", (parts) => {
    const text = parts.join("");
    // duplicate keys are refused only where an object is walked through
    expect(accepts(text)).toBe(parses(text));
  });

  it.each(['{"a":[1,{"b":2}]}', "[[],{},[{}]]", '{"a":{},"b":[]}', '["[","{"]', '{"}":"]"}'])("skips %s", (text) => {
    expect(accepts(text)).toBe(true);
    expect(accepts(text.slice(0, -1))).toBe(false);
    expect(accepts(`${text}]`)).toBe(false);
  });

  it("keeps the digits of a number", () => {
    for (const digits of ["9007199254740993", "-0", "1.50", "1E+2", "0.1e-7"]) {
      expect(reader(digits).read()).toEqual({ kind: "number", digits });
    }
  });

  it("decodes escapes, also of characters beyond the basic plane", () => {
    expect(reader('"\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\\ud83d\\ude00é"').read()).toEqual({
      kind: "string",
      text: '"\\/\b\f\n\r\tA😀é',
    });
  });

  it("counts the depth of what is walked through and of what is skipped together", () => {
    const nested = `{"a":${"[".repeat(3)}${"]".repeat(3)}}`;
    const walkAndSkip = (maxDepth: number) => {
      const json = reader(nested, maxDepth);
      json.object(() => json.read());
    };
    expect(() => walkAndSkip(3)).toThrow(expect.objectContaining({ code: "E_DEPTH" }));
    walkAndSkip(4);
  });

  it("refuses forbidden keys only where it is told to", () => {
    const options = { maxDepth: 4, depthCode: "E_DEPTH", forbiddenKeys: new Set(["__proto__"]) };
    const json = new JsonReader(new TextEncoder().encode('{"__proto__":1}'), options);
    expect(() => json.object(() => json.read())).toThrow(expect.objectContaining({ code: "E_FIELD" }));
    expect(walk(reader('{"__proto__":1}'))).toEqual({ entries: [["__proto__", 1]] });
  });
});
