// A JSON schema becomes a grammar: every text of the grammar is JSON that is valid under the schema.

import { checkRules } from "../grammar/analysis.ts";
import { parseGrammar } from "../grammar/parser.ts";
import { show } from "../guards.ts";
import { objectRules } from "./object-rules.ts";
import { assertDisjoint } from "./one-of.ts";
import { literal, WS } from "./primitive-rules.ts";
import {
  assertKeywords,
  type CheckedSchema,
  isObject,
  type JsonType,
  listedValues,
  member,
  nonEmptyArray,
  type Place,
  placeIn,
  resolveReference,
  type SchemaObject,
  schemaError,
  typesOf,
} from "./schema.ts";
import { collectRules, type SchemaRules } from "./schema-rules.ts";

/**
 * GBNF text for `parseGrammar`. It knows `type` (also several), `properties`, `required`, `additionalProperties` as a boolean,
 * `items`, `enum`, `const`, `anyOf`, `oneOf`, `$ref` within the document, `true`, and annotations.
 *
 * The texts are a subset of what is valid: at most one blank behind `{ [ , :` and before `} ]`; properties in the order of the
 * schema, and none that it does not name if it names any; integers of at most 16 digits, so that they are finite. `oneOf`
 * is taken only where no text of one alternative can be valid under another.
 *
 * A `type` that is misspelt in a schema written in code does not compile, from TypeScript 5.3 on.
 * @throws GrammarError E_SCHEMA with the JSON pointer as `field` for everything else; E_LEFT_RECURSION for references in a circle;
 * E_LIMIT
 */
export function jsonSchemaToGrammar<const Schema>(schema: Schema & CheckedSchema<Schema>): string {
  const text = collectRules(schema, ruleBody);
  checkRules(parseGrammar(text)); // references that lead in a circle show here
  return text;
}

/** The right side of the rule for a place. */
function ruleBody(rules: SchemaRules, place: Place, name: string): string {
  const { schema, pointer } = place;
  if (schema === true) return "value";
  if (!isObject(schema)) throw schemaError(pointer, `expected an object or true, got ${show(schema)}`);
  if (Object.hasOwn(schema, "$ref")) {
    assertKeywords(schema, pointer, ["$ref"]);
    return rules.nameOf(resolveReference(rules.document, schema["$ref"], pointer));
  }
  for (const keyword of ["anyOf", "oneOf"]) {
    if (!Object.hasOwn(schema, keyword)) continue;
    assertKeywords(schema, pointer, [keyword]);
    const places = nonEmptyArray(schema, keyword, pointer).map(
      (one, i): Place => ({ schema: one, pointer: placeIn(place, keyword, i) }),
    );
    if (keyword === "oneOf") assertDisjoint(rules.document, places, pointer);
    return places.map((one) => rules.nameOf(one)).join(" | ");
  }
  const values = listedValues(schema, pointer);
  if (values !== undefined) {
    assertKeywords(schema, pointer, ["type", Object.hasOwn(schema, "const") ? "const" : "enum"]);
    return values.map((value) => literal(value, pointer)).join(" | ");
  }
  assertKeywords(schema, pointer, ["type", "properties", "required", "additionalProperties", "items"]);
  const types = typesOf(schema, pointer);
  return types.map((type) => typeBody(rules, place, schema, type, name)).join(" | ");
}

function typeBody(rules: SchemaRules, place: Place, schema: SchemaObject, type: JsonType, name: string): string {
  if (type === "object") return objectRules(rules, place, schema, name);
  if (type !== "array") return type;
  const items = member(schema, "items");
  if (items === undefined) return "array";
  const item = rules.nameOf({ schema: items, pointer: placeIn(place, "items") });
  return `"[" ${WS} ( ${item} ( "," ${WS} ${item} )* ${WS} )? "]"`;
}
