// JSON schemas as values from anywhere: what they may say, and where in the document something stands.

import { GrammarError } from "../grammar/errors.ts";

export const JSON_TYPES = ["object", "array", "string", "number", "integer", "boolean", "null"] as const;
export type JsonType = (typeof JSON_TYPES)[number];

/**
 * What a schema must be to have the type of `Schema`: the same, with types that are named as literals among those of JSON. What
 * is only known as `string` or `unknown` is checked at run time.
 */
export type CheckedSchema<Schema> = unknown extends Schema
  ? unknown
  : Schema extends object
    ? { readonly [Keyword in keyof Schema]: CheckedMember<Keyword, Schema[Keyword]> }
    : Schema;

type CheckedMember<Keyword, Value> = Keyword extends "type"
  ? CheckedType<Value>
  : Keyword extends "items"
    ? CheckedSchema<Value>
    : Keyword extends "properties" | "anyOf" | "oneOf" | "$defs" | "definitions"
      ? { readonly [Name in keyof Value]: CheckedSchema<Value[Name]> }
      : unknown;

type CheckedType<Value> = unknown extends Value
  ? unknown
  : Value extends readonly unknown[]
    ? { readonly [I in keyof Value]: CheckedType<Value[I]> }
    : Value extends string
      ? string extends Value
        ? string
        : JsonType
      : Value extends undefined
        ? undefined
        : JsonType;

/** A schema that is an object; its members are not checked yet. */
export type SchemaObject = Readonly<Record<string, unknown>>;

/** A schema and its JSON pointer: "" is the document. */
export interface Place {
  readonly schema: unknown;
  readonly pointer: string;
  /** Where parts of it stand, if not below `pointer`, by their pointers from here: of what `allOf` puts together. */
  readonly origins?: ReadonlyMap<string, string>;
}

/** Say nothing about what is valid. */
const ANNOTATIONS: ReadonlySet<string> = new Set([
  "$schema",
  "$id",
  "$anchor",
  "$comment",
  "$defs",
  "definitions",
  "title",
  "description",
  "default",
  "examples",
  "deprecated",
  "readOnly",
  "writeOnly",
  "contentEncoding",
  "contentMediaType",
]);

/** Say something, which the rules of a type judge; about a value of another type they say nothing. */
const ASSERTIONS: ReadonlySet<string> = new Set([
  "type",
  "properties",
  "required",
  "additionalProperties",
  "propertyNames",
  "patternProperties",
  "items",
  "prefixItems",
  "additionalItems",
  "minItems",
  "maxItems",
  "uniqueItems",
  "contains",
  "minLength",
  "maxLength",
  "pattern",
  "format",
  "minimum",
  "maximum",
  "exclusiveMinimum",
  "exclusiveMaximum",
  "multipleOf",
]);

/** Keywords that are neither in `known` nor annotations. */
export function otherKeywords(schema: SchemaObject, known: Iterable<string> = ASSERTIONS): string[] {
  const names = new Set(known);
  return Object.keys(schema).filter((keyword) => !ANNOTATIONS.has(keyword) && !names.has(keyword));
}

export function schemaError(pointer: string, message: string): GrammarError {
  const where = pointer === "" ? "the schema" : pointer;
  return new GrammarError({ code: "E_SCHEMA", message: `${where}: ${message}`, field: pointer });
}

export function isObject(value: unknown): value is SchemaObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A member by its own name; what objects inherit is no part of a document. */
export function member(schema: SchemaObject, name: string): unknown {
  return Object.hasOwn(schema, name) ? schema[name] : undefined;
}

export function placeIn(place: Place, ...names: readonly (string | number)[]): string {
  const steps = names.map((step) => `/${String(step).replaceAll("~", "~0").replaceAll("/", "~1")}`);
  const path = steps.join("");
  return place.origins?.get(path) ?? place.pointer + path;
}

/** An array with at least one element. @throws GrammarError E_SCHEMA */
export function nonEmptyArray(schema: SchemaObject, keyword: string, pointer: string): readonly unknown[] {
  const value = member(schema, keyword);
  if (!Array.isArray(value) || value.length === 0)
    throw schemaError(pointer, `"${keyword}" expected a non-empty array`);
  return value;
}

/** The types that a schema without a reference or alternatives admits. @throws GrammarError E_SCHEMA */
export function typesOf(schema: SchemaObject, pointer: string): readonly JsonType[] {
  const type = member(schema, "type");
  if (type === undefined) return impliedTypes(schema);
  const types: readonly unknown[] = Array.isArray(type) ? nonEmptyArray(schema, "type", pointer) : [type];
  for (const one of types) {
    if (!JSON_TYPES.some((known) => known === one)) {
      throw schemaError(pointer, `"type" expected ${JSON_TYPES.join(", ")} or an array of them`);
    }
  }
  return [...new Set(types)] as JsonType[];
}

/** Strictly, `properties` says nothing about a value that is no object; but whoever writes it means one. */
function impliedTypes(schema: SchemaObject): readonly JsonType[] {
  const has = (names: readonly string[]): boolean => names.some((name) => Object.hasOwn(schema, name));
  const types = IMPLIED.filter(([, keywords]) => has(keywords)).map(([type]) => type);
  return types.length > 0 ? types : JSON_TYPES.filter((type) => type !== "integer");
}

const IMPLIED: readonly (readonly [JsonType, readonly string[]])[] = [
  ["object", ["properties", "required", "additionalProperties", "propertyNames", "patternProperties"]],
  ["array", ["items", "prefixItems", "additionalItems", "minItems", "maxItems", "uniqueItems", "contains"]],
  ["string", ["minLength", "maxLength", "pattern", "format"]],
  ["number", ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"]],
];

/** True if a value has one of these types. */
export function hasType(value: unknown, types: readonly JsonType[]): boolean {
  if (value === null) return types.includes("null");
  if (Array.isArray(value)) return types.includes("array");
  if (Number.isInteger(value)) return types.includes("number") || types.includes("integer");
  if (typeof value === "number") return Number.isFinite(value) && types.includes("number");
  const type = typeof value;
  return types.some((one) => one === type);
}

/**
 * The values that `const` or `enum` leaves, undefined if neither is there. Those that `type` does not admit are left out.
 * @throws GrammarError E_SCHEMA if none is left
 */
export function listedValues(schema: SchemaObject, pointer: string): readonly unknown[] | undefined {
  const hasConst = Object.hasOwn(schema, "const");
  if (!hasConst && !Object.hasOwn(schema, "enum")) return undefined;
  const listed = hasConst ? [schema["const"]] : nonEmptyArray(schema, "enum", pointer);
  const types = member(schema, "type") === undefined ? JSON_TYPES : typesOf(schema, pointer);
  const values = listed.filter((value) => hasType(value, types));
  if (values.length === 0) throw schemaError(pointer, `no value of "${hasConst ? "const" : "enum"}" has the "type"`);
  return values;
}

/**
 * The schema that a reference within the document points to: "#", "#/…", or the `$id` of one of its `$defs`, which TypeBox writes.
 * @throws GrammarError E_SCHEMA
 */
export function resolveReference(document: unknown, reference: unknown, pointer: string): Place {
  if (typeof reference === "string" && isObject(document)) {
    for (const keyword of ["$defs", "definitions"]) {
      const definitions = member(document, keyword);
      if (!isObject(definitions)) continue;
      const name = Object.keys(definitions).find((one) => {
        const schema = definitions[one];
        return isObject(schema) && member(schema, "$id") === reference;
      });
      if (name !== undefined) {
        return { schema: definitions[name], pointer: placeIn({ schema: document, pointer: "" }, keyword, name) };
      }
    }
  }
  if (typeof reference !== "string" || !(reference === "#" || reference.startsWith("#/"))) {
    throw schemaError(pointer, `"$ref" expected "#" or "#/…", a place in this document`);
  }
  let schema = document;
  const steps = reference.split("/").slice(1).map(decodeStep);
  for (const step of steps) {
    const inside: unknown =
      isObject(schema) || Array.isArray(schema) ? member(schema as SchemaObject, step) : undefined;
    if (inside === undefined) throw schemaError(pointer, `"$ref" ${reference} points to nothing`);
    schema = inside;
  }
  return { schema, pointer: placeIn({ schema: document, pointer: "" }, ...steps) };
}

function decodeStep(step: string): string {
  let decoded = step;
  try {
    decoded = decodeURIComponent(step);
  } catch {
    // a lone % is taken as it is, and will point to nothing
  }
  return decoded.replaceAll("~1", "/").replaceAll("~0", "~");
}

/** The greatest length or count that is enforced: a state of the grammar for each would cost time at every token. */
const MOST_COUNTED = 256;

interface Unenforced {
  unenforced(place: Place, keyword: string): void;
}

/** A length or count that is enforced; one that is too great is said not to be. @throws GrammarError E_SCHEMA */
export function countOf(rules: Unenforced, place: Place, keyword: string): number | undefined {
  const value = member(place.schema as SchemaObject, keyword);
  if (value === undefined) return undefined;
  if (typeof value !== "number" || !Number.isInteger(value) || value < 0) {
    throw schemaError(place.pointer, `"${keyword}" expected a whole number that is not negative`);
  }
  if (value <= MOST_COUNTED) return value;
  rules.unenforced(place, keyword);
  return undefined;
}
