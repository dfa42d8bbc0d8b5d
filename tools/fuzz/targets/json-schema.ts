// JSON schemas, which become grammars.

import { jsonSchemaToGrammar, parseGrammar } from "@ll/sampling";

const schemas = [
  { type: "object", properties: { a: { type: "string", maxLength: 3 }, b: { type: "integer" } }, required: ["a"] },
  { type: "array", items: { enum: [1, "x", null] }, minItems: 1, maxItems: 4 },
  { oneOf: [{ const: 1 }, { type: "boolean" }] },
  { $ref: "#/$defs/n", $defs: { n: { type: "object", properties: { next: { $ref: "#/$defs/n" } } } } },
];

export const seeds: readonly Uint8Array[] = schemas.map((schema) => new TextEncoder().encode(JSON.stringify(schema)));
export const dictionary: readonly string[] = [
  ...["type", "properties", "required", "items", "enum", "const", "anyOf", "oneOf", "$ref", "maxItems"].map(
    (name) => `,"${name}":`,
  ),
  ...['"object"', '"array"', '"string"', '"#"', '"#/"', "{}", "[]", "1e9", "-1", "null", '"__proto__":', "~1", "%"],
];
export const maxBytes = 1024;

const decoder = new TextDecoder();

export function fuzz(data: Uint8Array): void {
  let schema: unknown;
  try {
    schema = JSON.parse(decoder.decode(data));
  } catch {
    return; // text that is no JSON never gets to the reader of schemas
  }
  parseGrammar(jsonSchemaToGrammar(schema));
}
