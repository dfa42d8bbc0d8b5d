// A misspelt type in a schema written in code does not compile; a schema from elsewhere does, and is checked at run time. The
// lines marked with @ts-expect-error are checked by `pnpm typecheck`: one that compiles is an error there.

import { expect, test } from "vitest";
import { jsonSchemaToGrammar } from "../../src/index.ts";

/** As a library that describes schemas would declare them. */
interface AnySchema {
  readonly type?: "object" | "string" | ("object" | "string")[] | undefined;
  readonly properties?: Record<string, AnySchema | boolean> | undefined;
  readonly items?: AnySchema | AnySchema[];
  readonly anyOf?: AnySchema[];
}

test("schemas that compile and become a grammar", () => {
  const text = jsonSchemaToGrammar({
    type: "object",
    properties: { type: { type: "string" }, n: { type: ["number", "null"] } },
  });
  expect(text).toContain("root ::=");
  const name = "string" as string;
  expect(jsonSchemaToGrammar({ type: name })).toBe(jsonSchemaToGrammar({ type: "string" }));
  const mutable = { type: "string" };
  expect(jsonSchemaToGrammar(mutable)).toBe(jsonSchemaToGrammar({ type: "string" }));
  expect(jsonSchemaToGrammar(JSON.parse('{"type": "string"}'))).toBe(jsonSchemaToGrammar({ type: "string" }));
  expect(jsonSchemaToGrammar({ type: "string" } as unknown)).toBe(jsonSchemaToGrammar({ type: "string" }));
  const declared: AnySchema = { type: "object", properties: { a: { type: "string" }, b: true } };
  expect(jsonSchemaToGrammar(declared)).toContain("root ::=");
  expect(jsonSchemaToGrammar(true)).toContain("root ::=");
  expect(jsonSchemaToGrammar({ enum: ["strng", { type: "strng" }], $defs: {} })).toContain("strng");
});

test("schemas that do not compile", () => {
  const wrong: readonly (() => unknown)[] = [
    // @ts-expect-error
    () => jsonSchemaToGrammar({ type: "strng" }),
    // @ts-expect-error
    () => jsonSchemaToGrammar({ type: ["string", "nul"] }),
    // @ts-expect-error
    () => jsonSchemaToGrammar({ type: 1 }),
    // @ts-expect-error
    () => jsonSchemaToGrammar({ type: "array", items: { type: "int" } }),
    // @ts-expect-error
    () => jsonSchemaToGrammar({ properties: { a: { type: "text" } } }),
    // @ts-expect-error
    () => jsonSchemaToGrammar({ anyOf: [{ type: "string" }, { type: "bool" }] }),
    // @ts-expect-error
    () => jsonSchemaToGrammar({ $defs: { a: { type: "String" } }, $ref: "#/$defs/a" }),
  ];
  for (const call of wrong) expect(call).toThrow('"type" expected object, array, string');
});
