import { fc, test } from "@fast-check/vitest";
import { describe, expect } from "vitest";
import { createRng, isGrammarError, jsonSchemaToGrammar, parseGrammar } from "../../src/index.ts";
import { sampleText, textMatcher } from "./texts.ts";
import { follow, isValid } from "./validator.ts";

const name = fc.constantFrom("a", "b", "kind", 'quo"te', "back\\slash", "new\nline", "é", "__proto__", "2", "");
const jsonValue = fc.jsonValue({ maxDepth: 1 });

const span = (least: string, most: string, limit: number) =>
  fc
    .tuple(fc.integer({ min: 0, max: limit }), fc.integer({ min: 0, max: limit }), fc.nat({ max: 3 }))
    .map(([a, b, which]) => ({
      ...(which % 2 === 0 && { [least]: Math.min(a, b) }),
      ...(which < 2 && { [most]: Math.max(a, b) }),
    }));
const pattern = fc.constantFrom(
  "^a+$",
  "b|c",
  "^x",
  "y$",
  "^(?:ab?){2,3}$",
  "^[^a-z]{2}$",
  "^(a*)*b$",
  "^\\d+(\\.\\d{2})?$",
  '^"?\\\\$',
  "^[\\s\\S]{1,2}$",
  "^(a|)(b|)(c|)$",
  "^([a-c]?x?){0,4}$",
);
const bound = fc.oneof(
  fc.integer({ min: -1200, max: 1200 }),
  fc.integer({ min: -(2 ** 40), max: 2 ** 40 }),
  fc.constant(0.5),
);
const integerBounds = fc.tuple(bound, bound, fc.nat({ max: 5 })).map(([a, b, which]) => ({
  ...(which % 2 === 0 && { [which === 4 ? "exclusiveMinimum" : "minimum"]: Math.min(a, b) }),
  ...(which < 4 && { [which === 3 ? "exclusiveMaximum" : "maximum"]: Math.max(a, b) }),
}));

const { schema } = fc.letrec<{ schema: unknown }>((tie) => ({
  schema: fc.oneof(
    { maxDepth: 3, depthSize: "small" },
    fc.constantFrom("string", "integer", "number", "boolean", "null").map((type) => ({ type })),
    fc.constantFrom(true, {}, { type: "object" }, { type: "array" }, { title: "anything", default: 3 }),
    jsonValue.map((value) => ({ const: value })),
    fc.array(jsonValue, { minLength: 1, maxLength: 4 }).map((values) => ({ enum: values })),
    fc.constantFrom({ $ref: "#" }, { $ref: "#/$defs/x" }, { $ref: "#/$defs/y~1~0" }),
    fc.array(tie("schema"), { minLength: 1, maxLength: 3 }).map((anyOf) => ({ anyOf })),
    fc.array(tie("schema"), { minLength: 1, maxLength: 3 }).map((oneOf) => ({ oneOf })),
    fc.record({ type: fc.constant("array"), items: tie("schema") }),
    span("minLength", "maxLength", 5).map((lengths) => ({ type: "string", ...lengths })),
    pattern.map((one) => ({ type: "string", pattern: one })),
    integerBounds.map((bounds) => ({ type: "integer", ...bounds })),
    fc
      .tuple(
        fc.array(tie("schema"), { maxLength: 3 }),
        fc.option(fc.oneof(fc.constant(false), tie("schema"))),
        span("minItems", "maxItems", 4),
      )
      .map(([prefixItems, items, lengths]) => ({
        type: "array",
        prefixItems,
        ...(items !== null && { items }),
        ...lengths,
      })),
    fc.record({
      type: fc.constant("object"),
      properties: fc.dictionary(name, tie("schema"), { maxKeys: 2 }),
      additionalProperties: tie("schema"),
    }),
    fc.record({
      type: fc.constant("object"),
      propertyNames: fc.oneof(
        fc.constant({ enum: ["a", "kind"] }),
        pattern.map((one) => ({ pattern: one })),
      ),
      additionalProperties: tie("schema"),
    }),
    pattern.chain((one) => tie("schema").map((inner) => ({ type: "object", patternProperties: { [one]: inner } }))),
    fc.array(tie("schema"), { minLength: 1, maxLength: 2 }).map((allOf) => ({ allOf })),
    fc.record(
      {
        type: fc.constantFrom("object", ["object", "null"], ["integer", "object", "string"]),
        properties: fc.dictionary(name, tie("schema"), { maxKeys: 4 }),
        required: fc.uniqueArray(name, { maxLength: 3 }),
        additionalProperties: fc.boolean(),
      },
      { requiredKeys: ["type"] },
    ),
  ),
}));

const document = fc
  .tuple(schema, schema, schema)
  .filter(([root]) => typeof root === "object")
  .map(([root, x, y]) => ({ ...(root as object), $defs: { x, "y/~": y } }));

/** What no grammar, or no finite text, can be made of: references in a circle, `oneOf` that may overlap. */
const isRefusal = (error: unknown) => isGrammarError(error, "E_SCHEMA");

/** A value that a schema admits, in the grammar's order of properties; undefined where this cannot be had at once. */
function draw(root: unknown, one: unknown, choose: (n: number) => number, depth = 0): unknown {
  if (depth > 6) throw new TooDeep();
  const inside = (inner: unknown) => draw(root, inner, choose, depth + 1);
  if (one === true) return [null, 1, "x", [], {}][choose(5)];
  const s = one as Readonly<Record<string, unknown>>;
  if (s["$ref"] !== undefined) return inside(follow(root, s["$ref"] as string));
  const alternatives = (s["anyOf"] ?? s["oneOf"]) as unknown[] | undefined;
  if (alternatives !== undefined) return inside(alternatives[choose(alternatives.length)]);
  if (s["allOf"] !== undefined) {
    const parts = s["allOf"] as object[];
    if (parts.length > 1) throw new TooDeep();
    return inside(parts[0]);
  }
  if ("const" in s) return s["const"];
  if (s["enum"] !== undefined) return (s["enum"] as unknown[])[choose((s["enum"] as unknown[]).length)];
  const types = [s["type"] ?? "null"].flat();
  const between = (least: string, most: string) => {
    const min = (s[least] as number) ?? 0;
    return min + choose(Math.min(3, ((s[most] as number) ?? min + 2) - min + 1));
  };
  switch (types[choose(types.length)]) {
    case "string":
      if (s["pattern"] !== undefined) {
        const texts = [
          "",
          "a",
          "aaa",
          "b",
          "c",
          "xa",
          "ay",
          "abab",
          "aab",
          "A1",
          '"\\',
          "12.50",
          "ab",
          "bc",
          "ax",
          "\n",
        ];
        const fitting = texts.filter((text) => new RegExp(s["pattern"] as string, "u").test(text));
        return fitting[choose(fitting.length)];
      }
      return Array.from(
        { length: between("minLength", "maxLength") },
        () => ["a", "é", "😀", '"', "\\", "\n"][choose(6)],
      ).join("");
    case "integer": {
      const low = Math.ceil((s["minimum"] as number) ?? Math.floor((s["exclusiveMinimum"] as number) ?? -5) + 1);
      const high = Math.floor(
        (s["maximum"] as number) ?? Math.ceil((s["exclusiveMaximum"] as number) ?? low + 1000) - 1,
      );
      return Math.min(high, low + choose(Math.max(1, high - low + 1)));
    }
    case "number":
      return [0, -1.5, 1e21, 12][choose(4)];
    case "boolean":
      return choose(2) === 0;
    case "array": {
      const first = (s["prefixItems"] ?? []) as unknown[];
      const rest = s["items"];
      const length = between("minItems", "maxItems");
      const isEnd = rest === false || (rest === undefined && first.length > 0);
      const n = isEnd ? Math.max(Math.min(length, first.length), (s["minItems"] as number) ?? 0) : length;
      return Array.from({ length: n }, (_, i) => inside(i < first.length ? first[i] : (rest ?? true)));
    }
    case "object": {
      const properties = (s["properties"] ?? {}) as Readonly<Record<string, unknown>>;
      const required = new Set((s["required"] ?? []) as string[]);
      const additional = s["additionalProperties"] ?? true;
      const listed = (s["propertyNames"] as { enum?: string[] } | undefined)?.enum ?? [];
      const entries: [string, unknown][] = [];
      for (const key of new Set([...Object.keys(properties), ...required, ...listed])) {
        if (!required.has(key) && choose(2) === 0) continue;
        entries.push([key, inside(Object.hasOwn(properties, key) ? properties[key] : additional)]);
      }
      // a key of digits comes first in objects of JavaScript, whatever the schema's order
      if (entries.length > 1 && entries.some(([key]) => key === "2")) throw new TooDeep();
      return Object.fromEntries(entries);
    }
    default:
      return null;
  }
}

class TooDeep extends Error {}

/** A character of a text dropped, doubled or replaced. */
function mutate(text: string, at: number, how: number): string {
  const i = at % text.length;
  const put = ["", text[i]! + text[i], "0", '"', "a", ",", "}", "]", "-", "1"][how % 10]!;
  return text.slice(0, i) + put + text.slice(i + 1);
}

describe("every text of the grammar is JSON and valid", () => {
  test.prop([document, fc.nat()], { numRuns: 500 })("for random schemas and choices", (root, seed) => {
    let text: string | undefined;
    try {
      text = sampleText(root, createRng(seed));
    } catch (error) {
      if (!isRefusal(error)) throw error;
      fc.pre(false);
    }
    fc.pre(text !== undefined);
    const value = JSON.parse(text!);
    expect(isValid(root, root, value), text).toBe(true);
  });
});

describe("values drawn from a schema are texts of its grammar, and changed ones only if they are valid", () => {
  let nDrawn = 0;
  test.prop([document, fc.nat(), fc.array(fc.tuple(fc.nat(), fc.nat()), { minLength: 5, maxLength: 5 })], {
    numRuns: 600,
  })("for random schemas", (root, seed, changes) => {
    const rng = createRng(seed);
    let text: string;
    let matches: (text: string) => boolean;
    try {
      matches = textMatcher(root, false);
      text = JSON.stringify(draw(root, root, (n) => rng.next() % n));
    } catch (error) {
      if (!isRefusal(error) && !(error instanceof TooDeep)) throw error;
      fc.pre(false);
    }
    // a drawn value may meet a "oneOf" or a bound in a way that `draw` does not look at
    if (isValid(root, root, JSON.parse(text))) {
      nDrawn++;
      expect(matches(text), text).toBe(true);
    }
    for (const [at, how] of changes) {
      const changed = mutate(text, at, how);
      if (matches(changed)) expect(isValid(root, root, JSON.parse(changed)), changed).toBe(true);
    }
  });
  test("and there were many", () => {
    expect(nDrawn).toBeGreaterThan(200);
  });
});

test("the property sees texts of every kind", () => {
  const kinds = new Set<string>();
  for (const [i, root] of fc.sample(document, { numRuns: 300, seed: 5 }).entries()) {
    try {
      const text = sampleText(root, createRng(i));
      if (text !== undefined) kinds.add(text[0]!.replace(/[-0-9]/, "0"));
    } catch (error) {
      if (!isRefusal(error)) throw error;
    }
  }
  expect([...kinds].sort().join("")).toBe('"0[fnt{');
});

test.prop([fc.jsonValue({ maxDepth: 4 }), fc.anything({ withBigInt: true, withDate: true, withMap: true })])(
  "anything is a schema or is refused",
  (json, thing) => {
    for (const root of [
      json,
      thing,
      { type: thing },
      { properties: json },
      { enum: thing },
      { anyOf: json },
      { $ref: thing },
    ]) {
      try {
        parseGrammar(jsonSchemaToGrammar(root));
      } catch (error) {
        if (!isGrammarError(error)) throw error;
      }
    }
  },
);
