// What zod 4, valibot and TypeBox write for everyday types: every text of the grammar is a value that the library itself takes.

import { toJsonSchema } from "@valibot/to-json-schema";
import Type, { type TSchema } from "typebox";
import Value from "typebox/value";
import * as v from "valibot";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { createRng, type UnenforcedKeyword } from "../../src/index.ts";
import { sampleText, textMatcher } from "./texts.ts";

interface Case {
  readonly texts: readonly string[];
  readonly others: readonly string[];
  readonly unenforced?: readonly string[];
}

/** Texts that the grammar takes, texts that it does not, and keywords that it does not hold to. */
function check(schema: unknown, isValid: (value: unknown) => boolean, { texts, others, unenforced = [] }: Case): void {
  const matches = textMatcher(schema, true);
  expect(texts.filter((text) => !matches(text))).toEqual([]);
  expect(others.filter((text) => matches(text))).toEqual([]);
  const told: UnenforcedKeyword[] = [];
  let nTexts = 0;
  for (let seed = 0; seed < 12; seed++) {
    told.length = 0;
    const text = sampleText(schema, createRng(seed), (one) => told.push(one));
    if (text === undefined) continue;
    nTexts++;
    if (unenforced.length === 0) expect(isValid(JSON.parse(text)), text).toBe(true);
  }
  expect(told.map(({ pointer }) => pointer)).toEqual(unenforced);
  expect(nTexts).toBeGreaterThan(3);
}

describe("zod", () => {
  const tree = z.object({
    value: z.int(),
    get children() {
      return z.array(tree).max(2);
    },
  });
  const point = z.object({ x: z.int() }).meta({ id: "Point" });
  const dates = { texts: ['"2024-02-29"', '"1999-12-31"'], others: ['"2023-02-29"', '"2024-13-01"', '"2024-1-1"'] };
  const cases: Record<string, readonly [z.ZodType, Case]> = {
    "z.int()": [
      z.int(),
      { texts: ["0", "-9007199254740991", "9007199254740991"], others: ["9007199254740992", "1.5"] },
    ],
    "int within bounds": [z.int().min(-7).max(120), { texts: ["-7", "0", "120"], others: ["-8", "121", "00"] }],
    "int positive": [z.int().positive(), { texts: ["1", "99"], others: ["0", "-1"] }],
    "number positive": [z.number().positive(), { texts: ["0.5"], others: ['"1"'], unenforced: ["/exclusiveMinimum"] }],
    multipleOf: [z.number().multipleOf(0.5), { texts: ["0.5"], others: ["x"], unenforced: ["/multipleOf"] }],
    "string of a length": [z.string().min(1).max(3), { texts: ['"a"', '"é\\"😀"'], others: ['""', '"abcd"'] }],
    "string without end": [z.string().min(2), { texts: ['"abcdefgh"'], others: ['"a"'] }],
    "long string": [z.string().max(1000), { texts: ['""'], others: ["1"], unenforced: ["/maxLength"] }],
    email: [z.email(), { texts: ['"a.b@c.org"'], others: ['"a"', '"@c.org"', '"a@b"'] }],
    uuid: [
      z.uuidv7(),
      { texts: ['"0190163d-8694-739b-aea5-966c26f8ad91"'], others: ['"0190163d-8694-439b-aea5-966c26f8ad91"'] },
    ],
    datetime: [
      z.iso.datetime(),
      { texts: ['"2024-02-29T23:59:59Z"', '"2000-01-01T00:00:00.5Z"'], others: ['"2024-02-29"'] },
    ],
    date: [z.iso.date(), dates],
    time: [z.iso.time(), { texts: ['"12:30"', '"12:30:05.25"'], others: ['"24:00"'] }],
    duration: [z.iso.duration(), { texts: ['"P1D"'], others: ["1"], unenforced: ["/pattern"] }],
    url: [z.url(), { texts: ['"https://a.org/b?c=d#e"', '"http://a-b.co:8080"'], others: ['"a.org"', '"https://"'] }],
    ipv4: [z.ipv4(), { texts: ['"127.0.0.1"'], others: ['"256.0.0.1"', '"1.2.3"'] }],
    ipv6: [z.ipv6(), { texts: ['"::1"', '"fe80:0:0:0:0:0:0:1"'], others: ['":"'] }],
    base64: [z.base64(), { texts: ['""', '"YWI="'], others: ['"YWI"'] }],
    regex: [z.string().regex(/^[a-z]+-\d{2,3}$/), { texts: ['"ab-12"'], others: ['"ab-1"', '"-12"', '"ab-1234"'] }],
    "parts of a string": [
      z.string().startsWith("ab").endsWith("c"),
      { texts: ['"abc"', '"ab-c"'], others: ['"xbc"'], unenforced: ["/allOf/1/pattern"] },
    ],
    array: [
      z.array(z.boolean()).min(1).max(2),
      { texts: ["[true]", "[true, false]"], others: ["[]", "[true,true,true]"] },
    ],
    tuple: [
      z.tuple([z.boolean(), z.null()]),
      { texts: ["[true,null]"], others: ["[true]", "[true,null,1]", "[null,true]"] },
    ],
    "tuple with rest": [
      z.tuple([z.boolean()], z.null()),
      { texts: ["[true]", "[true,null,null]"], others: ["[]", "[true,1]"] },
    ],
    "tuple with optional": [
      z.tuple([z.boolean(), z.null().optional()]),
      { texts: ["[true]", "[true,null]"], others: ["[]"] },
    ],
    record: [z.record(z.string(), z.boolean()), { texts: ["{}", '{"a":true,"b":false}'], others: ['{"a":1}'] }],
    "record of any": [z.record(z.string(), z.any()), { texts: ["{}", '{"a":[1]}'], others: ["[]"] }],
    "record by enum": [
      z.record(z.enum(["a", "b"]), z.boolean()),
      { texts: ['{"a":true,"b":false}'], others: ["{}", '{"a":true}'] },
    ],
    "partial record": [
      z.partialRecord(z.enum(["a", "b"]), z.null()),
      { texts: ["{}", '{"b":null}'], others: ['{"c":null}'] },
    ],
    "record by pattern": [
      z.record(z.string().regex(/^x-\d$/), z.null()),
      { texts: ['{"x-1":null}'], others: ['{"y":null}'] },
    ],
    "object with optional, nullable, default": [
      z.object({ a: z.string().optional(), b: z.int().nullable(), c: z.boolean().default(true) }),
      {
        texts: ['{"b":null,"c":true}', '{"a":"x","b":1,"c":false}'],
        others: ['{"a":"x"}', '{"b":null,"c":true,"d":1}'],
      },
    ],
    catchall: [
      z.object({ ab: z.string() }).catchall(z.null()),
      {
        texts: ['{"ab":"x"}', '{"ab":"x","c":null,"abc":null,"a":null}'],
        others: ['{"ab":"x","ab":null}', '{"ab":"x","c":1}'],
      },
    ],
    union: [z.union([z.boolean(), z.null()]), { texts: ["true", "null"], others: ["1"] }],
    "discriminated union": [
      z.discriminatedUnion("k", [z.object({ k: z.literal("a"), x: z.null() }), z.object({ k: z.literal("b") })]),
      { texts: ['{"k":"a","x":null}', '{"k":"b"}'], others: ['{"k":"a"}', '{"k":"c"}'] },
    ],
    intersection: [
      z.intersection(z.object({ a: z.null() }), z.object({ b: z.null() })),
      { texts: ['{"a":null,"b":null}'], others: ['{"a":null}'] },
    ],
    "literals and enums": [
      z.union([z.literal([1, null]), z.enum(["a", "b"])]),
      { texts: ["1", "null", '"b"'], others: ["2"] },
    ],
    "template literal": [
      z.templateLiteral(["w", z.int(), z.enum(["px", "em"])]),
      { texts: ['"w-12px"'], others: ['"wpx"'] },
    ],
    json: [z.json(), { texts: ['{"a":[1,null]}', "true"], others: ["x"] }],
    tree: [tree, { texts: ['{"value":1,"children":[{"value":2,"children":[]}]}'], others: ['{"value":1}'] }],
    references: [z.object({ p: point, q: point }), { texts: ['{"p":{"x":1},"q":{"x":2}}'], others: ['{"p":{}}'] }],
  };
  test.each(Object.entries(cases))("%s", (_name, [schema, one]) => {
    check(z.toJSONSchema(schema), (value) => schema.safeParse(value).success, one);
  });

  test("nothing is admitted by never", () => {
    expect(() => textMatcher(z.toJSONSchema(z.never()), true)).toThrow('"not" of everything admits nothing');
  });
});

describe("valibot", () => {
  type Schema = Parameters<typeof toJsonSchema>[0];
  const cases: Record<string, readonly [Schema, Case]> = {
    integer: [
      v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(31)),
      { texts: ["1", "31"], others: ["0", "32"] },
    ],
    string: [v.pipe(v.string(), v.minLength(1), v.maxLength(3)), { texts: ['"abc"'], others: ['""'] }],
    email: [v.pipe(v.string(), v.email()), { texts: ['"a@b.org"'], others: ['"a@"'] }],
    "ISO date": [v.pipe(v.string(), v.isoDate()), { texts: ['"2024-02-29"'], others: ['"2023-02-29"'] }],
    timestamp: [v.pipe(v.string(), v.isoTimestamp()), { texts: ['"2024-02-29T00:00:00Z"'], others: ['"2024"'] }],
    url: [v.pipe(v.string(), v.url()), { texts: ['"https://a.org"'], others: ['"a"'] }],
    regex: [v.pipe(v.string(), v.regex(/^a+$/)), { texts: ['"aaa"'], others: ['"ab"'] }],
    array: [v.pipe(v.array(v.null()), v.minLength(1), v.maxLength(2)), { texts: ["[null]"], others: ["[]"] }],
    tuple: [v.tuple([v.boolean(), v.null()]), { texts: ["[true,null]"], others: ["[true]", "[true,null,1]"] }],
    "strict tuple": [v.strictTuple([v.boolean()]), { texts: ["[true]"], others: ["[]", "[true,true]"] }],
    "tuple with rest": [v.tupleWithRest([v.boolean()], v.null()), { texts: ["[true,null]"], others: ["[true,true]"] }],
    object: [
      v.object({ a: v.optional(v.string()), b: v.nullable(v.number()) }),
      { texts: ['{"b":null}', '{"a":"x","b":1.5}'], others: ['{"a":"x"}'] },
    ],
    "object with rest": [
      v.objectWithRest({ a: v.null() }, v.boolean()),
      { texts: ['{"a":null,"b":true}'], others: ['{"a":true}'] },
    ],
    record: [v.record(v.string(), v.boolean()), { texts: ['{"a":true}'], others: ['{"a":1}'] }],
    variant: [
      v.variant("k", [v.object({ k: v.literal("a") }), v.object({ k: v.literal("b"), x: v.null() })]),
      { texts: ['{"k":"a"}', '{"k":"b","x":null}'], others: ['{"k":"b"}'] },
    ],
    intersect: [
      v.intersect([v.object({ a: v.null() }), v.object({ b: v.boolean() })]),
      { texts: ['{"a":null,"b":true}'], others: ['{"a":null}', '{"b":true}'] },
    ],
    picklist: [v.picklist(["a", "b"]), { texts: ['"a"'], others: ['"c"'] }],
  };
  test.each(Object.entries(cases))("%s", (_name, [schema, one]) => {
    check(toJsonSchema(schema), (value) => v.safeParse(schema, value).success, one);
  });
});

describe("TypeBox", () => {
  const cases: Record<string, readonly [TSchema, Case]> = {
    integer: [Type.Integer({ minimum: 1, maximum: 12 }), { texts: ["1", "12"], others: ["0", "13"] }],
    string: [Type.String({ minLength: 1, format: "email" }), { texts: ['"a@b.org"'], others: ['""'] }],
    pattern: [Type.String({ pattern: "^a{2}$" }), { texts: ['"aa"'], others: ['"a"'] }],
    array: [
      Type.Array(Type.Null(), { minItems: 1, uniqueItems: true }),
      { texts: ["[null]"], others: ["[]"], unenforced: ["/uniqueItems"] },
    ],
    tuple: [Type.Tuple([Type.Boolean(), Type.Null()]), { texts: ["[true,null]"], others: ["[true]", "[true,null,1]"] }],
    object: [
      Type.Object({ a: Type.Optional(Type.Null()), b: Type.Union([Type.Literal("x"), Type.Null()]) }),
      { texts: ['{"b":"x"}', '{"a":null,"b":null}'], others: ["{}"] },
    ],
    record: [Type.Record(Type.String(), Type.Boolean()), { texts: ["{}", '{"a":true}'], others: ['{"a":1}'] }],
    "record by integer": [Type.Record(Type.Integer(), Type.Null()), { texts: ['{"12":null}'], others: ['{"a":null}'] }],
    intersect: [
      Type.Intersect([Type.Object({ a: Type.Null() }), Type.Object({ b: Type.Null() })], {
        unevaluatedProperties: false,
      }),
      { texts: ['{"a":null,"b":null}'], others: ['{"a":null}'] },
    ],
    enum: [Type.Enum({ A: "a", B: 1 }), { texts: ['"a"', "1"], others: ["2"] }],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: TypeBox reads it
    "template literal": [Type.TemplateLiteral("a${0|1}"), { texts: ['"a0"'], others: ['"a2"'] }],
    tree: [
      Type.Cyclic({ Node: Type.Object({ kids: Type.Array(Type.Ref("Node")) }) }, "Node"),
      { texts: ['{"kids":[{"kids":[]}]}'], others: ['{"kids":[1]}'] },
    ],
  };
  test.each(Object.entries(cases))("%s", (_name, [schema, one]) => {
    check(JSON.parse(JSON.stringify(schema)), (value) => Value.Check(schema, value), one);
  });
});
