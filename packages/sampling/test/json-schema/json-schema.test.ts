import { describe, expect, test } from "vitest";
import { type GrammarError, isGrammarError, jsonSchemaToGrammar } from "../../src/index.ts";
import { accepts } from "./texts.ts";

/** The rules that the schema itself made, before those that every schema gets. */
const rulesOf = (schema: unknown) => {
  const lines = jsonSchemaToGrammar(schema).trimEnd().split("\n");
  return lines.slice(
    0,
    lines.findIndex((line) => line.startsWith("value ::=")),
  );
};

function errorOf(schema: unknown): GrammarError {
  try {
    jsonSchemaToGrammar(schema);
  } catch (error) {
    if (isGrammarError(error)) return error;
    throw error;
  }
  throw new Error("no error");
}

describe("types", () => {
  test.each<[unknown, string[], string[]]>([
    [{ type: "string" }, ['""', '"a é 😀"', '"\\n\\u00e9\\""'], ['"', '"\n"', '"\\x"', "a", '"\\u00g0"']],
    [{ type: "integer" }, ["0", "-12", "1234567890123456"], ["01", "1.0", "12345678901234567", "-", "+1"]],
    [{ type: "number" }, ["0", "-1.50", "1e9", "2.5E-10"], [".5", "1.", "1e", "1e999", "NaN"]],
    [{ type: "boolean" }, ["true", "false"], ["True", "0"]],
    [{ type: "null" }, ["null"], ["nil"]],
    [{ type: "array" }, ["[]", "[1, [true], {}]"], ["[1,]", "[", "[1 ,2]"]],
    [{ type: "object" }, ["{}", '{"a": 1,"b":[null]}'], ["{a:1}", '{"a":1,}', '{"a" :1}']],
    [{ type: ["integer", "null"] }, ["1", "null"], ["true"]],
    [{}, ["1", '"x"', "[{}]", "null"], ["", "x"]],
    [true, ["1", '{"a":2}'], [""]],
  ])("%j", (schema, good, bad) => {
    expect(good.filter((text) => !accepts(schema, text))).toEqual([]);
    expect(bad.filter((text) => accepts(schema, text))).toEqual([]);
  });
});

describe("objects", () => {
  const schema = {
    properties: { a: { type: "integer" }, b: { type: "null" }, c: { type: "boolean" }, d: { type: "null" } },
    required: ["c"],
  };

  test("properties come in order, the optional ones may be missing, wherever they are", () => {
    for (const a of ["", '"a":1']) {
      for (const b of ["", '"b":null']) {
        for (const d of ["", '"d":null']) {
          const all = [a, b, '"c":true', d].filter((one) => one !== "");
          expect(accepts(schema, `{${all.join(",")}}`)).toBe(true);
          expect(accepts(schema, `{ ${all.join(", ")} }`)).toBe(true);
        }
      }
    }
    const bad = [
      "{}",
      '{"a":1}',
      '{"c":true,"b":null}',
      '{"c":true,"c":true}',
      '{"c":true,"e":1}',
      '{,"c":true}',
      '{"c":true,}',
    ];
    expect(bad.filter((text) => accepts(schema, text))).toEqual([]);
  });

  test("the rules: each optional property in front of the first required one can be the beginning", () => {
    expect(rulesOf(schema)).toMatchInlineSnapshot(`
      [
        "root ::= "{" ws ( "\\"a\\":" ws properties-a root-from-2 | "\\"b\\":" ws properties-b root-rest | "\\"c\\":" ws properties-c ( "," ws "\\"d\\":" ws properties-d )? ) ws "}"",
        "properties-a ::= integer",
        "properties-b ::= null",
        "properties-c ::= boolean",
        "properties-d ::= null",
        "root-rest ::= "," ws "\\"c\\":" ws properties-c ( "," ws "\\"d\\":" ws properties-d )?",
        "root-from-2 ::= ( "," ws "\\"b\\":" ws properties-b )? root-rest",
      ]
    `);
  });

  test("all of them optional", () => {
    const optional = { properties: { a: { type: "null" }, b: { type: "null" } } };
    const texts = ["{}", '{"a":null}', '{"b":null}', '{"a":null,"b":null}', '{"b":null,"a":null}', "{ }"];
    expect(texts.filter((text) => accepts(optional, text))).toEqual([...texts.slice(0, 4), "{ }"]);
  });

  test("a required property that is not described may be anything", () => {
    expect(accepts({ required: ["x"] }, '{"x":[1]}')).toBe(true);
    expect(accepts({ required: ["x"] }, "{}")).toBe(false);
  });

  test("without properties, any object, or only the empty one", () => {
    expect(accepts({ type: "object", additionalProperties: true }, '{"x":1}')).toBe(true);
    expect(accepts({ type: "object", additionalProperties: false }, '{"x":1}')).toBe(false);
    expect(accepts({ type: "object", additionalProperties: false }, "{}")).toBe(true);
  });

  test("names are quoted for JSON and for GBNF", () => {
    const name = 'a"b\\c\nd\u0000é[]';
    const text = JSON.stringify({ [name]: null });
    expect(accepts({ properties: { [name]: { type: "null" } }, required: [name] }, text)).toBe(true);
    expect(
      accepts(
        JSON.parse('{"properties": {"__proto__": {"type": "null"}}, "required": ["__proto__"]}'),
        '{"__proto__":null}',
      ),
    ).toBe(true);
  });

  test("a thousand optional properties make a grammar of a size in proportion", () => {
    const size = (n: number) =>
      jsonSchemaToGrammar({
        properties: Object.fromEntries(Array.from({ length: n }, (_, i) => [`p${i}`, { type: "null" }])),
      }).length;
    expect(size(1000)).toBeLessThan(12 * size(100));
  });
});

describe("values", () => {
  test("const and enum", () => {
    expect(rulesOf({ enum: ["a", 1, null, { b: [true] }] })).toEqual([
      'root ::= "\\"a\\"" | "1" | "null" | "{\\"b\\":[true]}"',
    ]);
    expect(rulesOf({ const: "x" })).toEqual(['root ::= "\\"x\\""']);
  });

  test("those that type excludes are left out", () => {
    expect(rulesOf({ type: ["string", "integer"], enum: ["a", 1, 1.5, null] })).toEqual(['root ::= "\\"a\\"" | "1"']);
    expect(errorOf({ type: "string", const: 1 })).toMatchObject({ code: "E_SCHEMA", field: "" });
  });
});

describe("references", () => {
  test("a tree", () => {
    const tree = {
      $ref: "#/$defs/node",
      $defs: {
        node: {
          type: "object",
          properties: { value: { type: "integer" }, children: { type: "array", items: { $ref: "#/$defs/node" } } },
          required: ["value"],
        },
      },
    };
    expect(accepts(tree, '{"value":1,"children":[{"value":2},{"value":3,"children":[]}]}')).toBe(true);
    expect(accepts(tree, '{"value":1,"children":[{}]}')).toBe(false);
  });

  test("the document itself, escaped steps, array indices", () => {
    expect(accepts({ type: ["array", "null"], items: { $ref: "#" } }, "[[null], []]")).toBe(true);
    expect(accepts({ $ref: "#/$defs/a~1b~0%20c", $defs: { "a/b~ c": { type: "null" } } }, "null")).toBe(true);
    expect(accepts({ anyOf: [{ type: "null" }, { type: "array", items: { $ref: "#/anyOf/0" } }] }, "[null]")).toBe(
      true,
    );
  });

  test.each([
    [{ $ref: "other.json#/x" }, ""],
    [{ $ref: "#/$defs/lost" }, ""],
    [{ $ref: "#/__proto__" }, ""],
    [{ $ref: 1 }, ""],
    [{ $ref: "#" }, ""],
    [{ anyOf: [{ type: "null" }, { $ref: "#" }] }, ""],
    [
      { type: "array", items: { $ref: "#/$defs/a" }, $defs: { a: { $ref: "#/$defs/b" }, b: { $ref: "#/$defs/a" } } },
      "/$defs/a",
    ],
  ])("%j is refused", (schema, field) => {
    expect(errorOf(schema)).toMatchObject({ code: "E_SCHEMA", field });
  });
});

describe("alternatives", () => {
  test("anyOf takes each", () => {
    expect(accepts({ anyOf: [{ type: "integer" }, { type: "number" }] }, "1.5")).toBe(true);
  });

  const object = (properties: object, required: string[] = []) => ({ type: "object", properties, required });

  /** The schema inside so many objects. */
  function nested(depth: number, schema: object): object {
    return depth === 0 ? schema : object({ a: nested(depth - 1, schema) }, ["a"]);
  }

  test.each([
    [[{ type: "integer" }, { type: "string" }]],
    [[{ const: 1 }, { enum: [2, "1"] }]],
    [[{ type: "string" }, { const: 1 }]],
    [[object({ kind: { const: "a" } }, ["kind"]), object({ kind: { enum: ["b", "c"] } }, ["kind"])]],
    [[object({ a: { type: "null" } }, ["a"]), object({ b: { type: "null" } }, ["b"])]],
    [[object({ a: { type: "null" } }, ["a"]), { type: "object", required: ["b"] }]],
    [[nested(8, { const: 1 }), nested(8, { const: 2 })]],
    [[{ type: "array" }, { anyOf: [{ type: "null" }, { type: "boolean" }] }]],
    [
      [
        object({ in: object({ x: { const: 1 } }, ["x"]) }, ["in"]),
        object({ in: object({ x: { const: 2 } }, ["x"]) }, ["in"]),
      ],
    ],
  ])("oneOf of alternatives that exclude each other: %j", (oneOf) => {
    expect(jsonSchemaToGrammar({ oneOf })).toContain("root ::= oneOf-0 | oneOf-1\n");
  });

  test.each([
    [[{ type: "integer" }, { type: "number" }]],
    [[{ type: "string" }, {}]],
    [[{ const: 1 }, { type: "number" }]],
    [[{ const: { a: 1, b: 2 } }, { const: { b: 2, a: 1 } }]],
    [
      [
        { type: "array", items: { type: "null" } },
        { type: "array", items: { type: "string" } },
      ],
    ], // [] is both
    [[object({ a: { type: "null" } }), object({ b: { type: "null" } })]], // {} is both
    [[object({ a: { type: "null" } }, ["a"]), { properties: { b: {} } }]],
    [[object({ kind: { const: "a" } }), object({ kind: { const: "b" } }, ["kind"])]],
    [[object({ a: { type: "null" } }, ["a"]), { type: "object", required: ["a"] }]],
    // nine objects inside each other are not looked through
    [[nested(9, { const: 1 }), nested(9, { const: 2 })]],
  ])("oneOf that could be ambiguous is refused: %j", (oneOf) => {
    expect(errorOf({ oneOf })).toMatchObject({ code: "E_SCHEMA", field: "" });
    expect(() => jsonSchemaToGrammar({ anyOf: oneOf })).not.toThrow();
  });

  test("oneOf looks through references", () => {
    const schema = {
      oneOf: [{ type: "null" }, { $ref: "#/$defs/x" }],
      $defs: { x: { anyOf: [{ const: 1 }, { const: null }] } },
    };
    expect(errorOf(schema).message).toContain("a text for alternative 0 might be valid under 1 as well");
  });

  test("values too deep or too many to compare are taken for the same", () => {
    let deep: unknown = 1;
    for (let i = 0; i < 20_000; i++) deep = [deep];
    expect(errorOf({ oneOf: [{ const: deep }, { const: [deep] }] }).code).toBe("E_SCHEMA");
    const numbers = (from: number) => Array.from({ length: 2000 }, (_, i) => from + i);
    expect(errorOf({ oneOf: [{ enum: numbers(0) }, { enum: numbers(2000) }] }).code).toBe("E_SCHEMA");
    expect(() =>
      jsonSchemaToGrammar({ oneOf: [{ enum: numbers(0).slice(0, 900) }, { enum: numbers(2000).slice(0, 500) }] }),
    ).not.toThrow();
  });

  test("a oneOf of exploding references ends", () => {
    const refs = Array.from({ length: 12 }, () => ({ $ref: "#/$defs/x" }));
    expect(errorOf({ oneOf: [{ $ref: "#/$defs/x" }, { type: "null" }], $defs: { x: { anyOf: refs } } }).code).toBe(
      "E_SCHEMA",
    );
  });
});

describe("what it does not know is an error with the place", () => {
  test.each<[unknown, string, string]>([
    [{ type: "string", pattern: "(?=a)b" }, "", 'the schema: "pattern" is not supported'],
    [{ type: "string", format: "hostname" }, "", 'the schema: "format" is not supported'],
    [{ type: "string", maxLength: 257 }, "", 'the schema: "maxLength" is not supported'],
    [{ type: "string", pattern: "[^\\s\\S]" }, "", 'the schema: "pattern" matches no text'],
    [{ type: "string", minLength: 3, maxLength: 2 }, "", 'the schema: "minLength" is greater than "maxLength"'],
    [{ type: "string", minLength: -1 }, "", 'the schema: "minLength" expected a whole number that is not negative'],
    [
      { type: "integer", minimum: 1.2, maximum: 1.8 },
      "",
      "the schema: no integer of at most 16 digits lies between the bounds",
    ],
    [{ type: "integer", minimum: "1" }, "", 'the schema: "minimum" expected a number'],
    [{ type: "array", uniqueItems: true }, "", 'the schema: "uniqueItems" is not supported'],
    [
      { type: "array", prefixItems: [{}], items: false, minItems: 2 },
      "",
      'the schema: "minItems" asks for more than "items" admits',
    ],
    [{ type: "object", foo: 1 }, "", 'the schema: "foo" is not supported'],
    [
      { allOf: [{ type: "string" }, { type: "null" }] },
      "/allOf/1",
      '/allOf/1: "type" is not supported a second time in "allOf"',
    ],
    [{ properties: { "a/b": { minimum: 1 } } }, "/properties/a~1b", '/properties/a~1b: "minimum" is not supported'],
    [{ type: "array", items: { not: {} } }, "/items", '/items: "not" of everything admits nothing'],
    [{ type: "array", items: { not: { const: 1 } } }, "/items", '/items: "not" is not supported'],
    [{ allOf: [] }, "", 'the schema: "allOf" expected a non-empty array'],
    [
      { $ref: "#/$defs/x", type: "null", $defs: { x: {} } },
      "",
      'the schema: "type" is not supported together with "$ref"',
    ],
    [{ anyOf: [{}], type: "null" }, "", 'the schema: "type" is not supported together with "anyOf"'],
    [{ const: 1, minimum: 0 }, "", 'the schema: "minimum" is not supported together with "type", "const"'],
    [{ additionalProperties: 1 }, "", 'the schema: "additionalProperties" expected a boolean or an object'],
    [
      { type: "date" },
      "",
      'the schema: "type" expected object, array, string, number, integer, boolean, null or an array of them',
    ],
    [{ type: [] }, "", 'the schema: "type" expected a non-empty array'],
    [{ enum: [] }, "", 'the schema: "enum" expected a non-empty array'],
    [{ anyOf: {} }, "", 'the schema: "anyOf" expected a non-empty array'],
    [{ properties: [] }, "", 'the schema: "properties" expected an object'],
    [
      { required: ["x"], additionalProperties: false },
      "",
      'the schema: "required" names "x", which "additionalProperties" excludes',
    ],
    [{ required: [1] }, "", 'the schema: "required" expected an array of strings'],
    [{ anyOf: [true, false] }, "/anyOf/1", "/anyOf/1: expected an object or true, got false"],
    [null, "", "the schema: expected an object or true, got null"],
    ["string", "", 'the schema: expected an object or true, got "string"'],
  ])("%j", (schema, field, message) => {
    expect(errorOf(schema)).toMatchObject({ code: "E_SCHEMA", field, message });
  });

  test("a schema that contains itself is stopped", () => {
    const schema: { type: string; items: unknown } = { type: "array", items: {} };
    schema.items = schema;
    expect(errorOf(schema).code).toBe("E_LIMIT");
  });

  test("too many rules", () => {
    const items = Array.from({ length: 10_000 }, (_, i) => ({ const: i }));
    expect(errorOf({ anyOf: items }).code).toBe("E_LIMIT");
    expect(() => jsonSchemaToGrammar({ anyOf: items.slice(0, 5000) })).not.toThrow();
  });

  test("values that JSON does not have", () => {
    const circular: { self?: unknown } = {};
    circular.self = circular;
    expect(errorOf({ const: circular })).toMatchObject({
      code: "E_SCHEMA",
      message: "the schema: a listed value is no JSON",
    });
    for (const value of [undefined, 1n, Number.NaN, Number.POSITIVE_INFINITY, () => 1]) {
      expect(errorOf({ const: value }).code).toBe("E_SCHEMA");
    }
  });

  test("annotations say nothing", () => {
    const notes = {
      title: "t",
      description: "d",
      default: 1,
      examples: [1],
      $comment: "c",
      $id: "i",
      $schema: "s",
      deprecated: true,
    };
    expect(jsonSchemaToGrammar({ ...notes, type: "null" })).toBe(jsonSchemaToGrammar({ type: "null" }));
  });
});
