// A JSON schema becomes a grammar: every text of the grammar is JSON that is valid under the schema.

import { checkRules } from "../grammar/analysis.ts";
import { isGrammarError } from "../grammar/errors.ts";
import { parseGrammar } from "../grammar/parser.ts";
import { show } from "../guards.ts";
import { allOf } from "./all-of.ts";
import { arrayRules } from "./array-rules.ts";
import { integerRules, numberRules } from "./number-rules.ts";
import { objectRules } from "./object-rules.ts";
import { overlapOf } from "./one-of.ts";
import { literal } from "./primitive-rules.ts";
import {
  type CheckedSchema,
  isObject,
  type JsonType,
  listedValues,
  member,
  nonEmptyArray,
  otherKeywords,
  type Place,
  placeIn,
  resolveReference,
  type SchemaObject,
  schemaError,
  typesOf,
} from "./schema.ts";
import { collectRules, type SchemaRules, type UnenforcedKeyword } from "./schema-rules.ts";
import { stringRules } from "./string-rules.ts";

export interface JsonSchemaOptions {
  /** Told of each keyword that the grammar does not hold to; without it, such a schema is refused. */
  readonly onUnenforced?: (unenforced: UnenforcedKeyword) => void;
}

/**
 * GBNF text for `parseGrammar`. It knows `type` (also several), `enum`, `const`, `anyOf`, `$ref` within the document, `true`,
 * annotations, and:
 * - objects: `properties`, `required`, `additionalProperties`, `propertyNames`, `patternProperties` with one pattern;
 * - arrays: `items`, `prefixItems`, `additionalItems`, `minItems` and `maxItems` to 256;
 * - strings: `minLength` and `maxLength` to 256, `pattern` without look-around and back-references, `format` date, time, date-time,
 *   uuid, email, ipv4, uri, which win over a pattern beside them;
 * - integers: `minimum`, `maximum`, `exclusiveMinimum`, `exclusiveMaximum`;
 * - `oneOf` where no text of one alternative can be valid under another; `allOf` where nothing is said twice.
 *
 * The texts are a subset of what is valid: at most one blank behind `{ [ , :` and before `} ]`; properties in the order of the
 * schema, and none that it does not name if it names any, unless it describes them; integers of at most 16 digits, so that they
 * are finite; times in UTC.
 *
 * Everything else (bounds of fractions, `multipleOf`, `uniqueItems`, `not`, `if`, other formats and patterns, unknown keywords) is
 * told to `onUnenforced`, and then valid JSON may come out that the schema does not admit; without `onUnenforced` it is refused.
 *
 * A `type` that is misspelt in a schema written in code does not compile, from TypeScript 5.3 on.
 * @throws GrammarError E_SCHEMA with the JSON pointer as `field` for what is no schema, points out of the document or in a circle,
 * admits nothing, or is refused; E_LIMIT
 */
export function jsonSchemaToGrammar<const Schema>(
  schema: Schema & CheckedSchema<Schema>,
  options: JsonSchemaOptions = {},
): string {
  const { text, pointerOf } = collectRules(schema, ruleBody, options.onUnenforced);
  try {
    checkRules(parseGrammar(text));
  } catch (error) {
    if (!isGrammarError(error, "E_LEFT_RECURSION")) throw error;
    throw schemaError(pointerOf(error.field) ?? "", "references lead in a circle with no value in it");
  }
  return text;
}

/** The right side of the rule for a place. */
function ruleBody(rules: SchemaRules, place: Place, name: string): string {
  const { schema, pointer } = place;
  if (schema === true) return "value";
  if (!isObject(schema)) throw schemaError(pointer, `expected an object or true, got ${show(schema)}`);
  if (Object.hasOwn(schema, "$ref")) {
    alone(rules, place, ["$ref"]);
    return rules.nameOf(resolveReference(rules.document, schema["$ref"], pointer));
  }
  for (const keyword of ["anyOf", "oneOf"]) {
    if (!Object.hasOwn(schema, keyword)) continue;
    alone(rules, place, [keyword]);
    const places = nonEmptyArray(schema, keyword, pointer).map(
      (one, i): Place => ({ schema: one, pointer: placeIn(place, keyword, i) }),
    );
    const overlap = keyword === "oneOf" ? overlapOf(rules.document, places) : undefined;
    if (overlap !== undefined) rules.unenforced(place, keyword, overlap);
    return places.map((one) => rules.nameOf(one)).join(" | ");
  }
  if (Object.hasOwn(schema, "allOf")) return ruleBody(rules, allOf(rules, place), name);
  const values = listedValues(schema, pointer);
  if (values !== undefined) {
    alone(rules, place, ["type", Object.hasOwn(schema, "const") ? "const" : "enum"]);
    return values.map((value) => literal(value, pointer)).join(" | ");
  }
  for (const keyword of otherKeywords(schema)) {
    if (keyword === "not" && isEmptySchema(schema[keyword])) {
      throw schemaError(pointer, `"not" of everything admits nothing`);
    }
    if (!isSatisfied(schema, keyword)) rules.unenforced(place, keyword);
  }
  const types = typesOf(schema, pointer);
  return types.map((type) => typeBody(rules, place, type, name)).join(" | ");
}

/** Of a schema in which one keyword says all, others are not looked at. */
function alone(rules: SchemaRules, place: Place, known: readonly string[]): void {
  const context = ` together with ${known.map((keyword) => `"${keyword}"`).join(", ")}`;
  for (const keyword of otherKeywords(place.schema as SchemaObject, known)) rules.unenforced(place, keyword, context);
}

function isEmptySchema(schema: unknown): boolean {
  return schema === true || (isObject(schema) && otherKeywords(schema, []).length === 0);
}

/** Keywords that every text of the grammar obeys. */
function isSatisfied(schema: SchemaObject, keyword: string): boolean {
  const value = member(schema, keyword);
  // what an object holds beyond its properties is described, or not written
  if (keyword === "unevaluatedProperties") return value === false && Object.hasOwn(schema, "properties");
  return keyword === "minProperties" && value === 0;
}

function typeBody(rules: SchemaRules, place: Place, type: JsonType, name: string): string {
  switch (type) {
    case "object":
      return objectRules(rules, place, name);
    case "array":
      return arrayRules(rules, place);
    case "string":
      return stringRules(rules, place);
    case "integer":
      return integerRules(rules, place);
    case "number":
      return numberRules(rules, place);
    default:
      return type;
  }
}
