// `allOf`: what its schemas say is put together into one, where none of them says again what another has said.

import {
  isObject,
  member,
  nonEmptyArray,
  otherKeywords,
  type Place,
  placeIn,
  resolveReference,
  type SchemaObject,
  schemaError,
} from "./schema.ts";
import type { SchemaRules } from "./schema-rules.ts";

const MAX_DEPTH = 32; // of references and `allOf` within each other
const MAX_PARTS = 1000; // references can make 2^n of few words

/** Keywords of which several may be there: their members are joined. */
const JOINED = ["properties", "required", "patternProperties"];

/** One schema without `allOf`. What is said a second time, in other words, is not enforced. @throws GrammarError E_SCHEMA, E_LIMIT */
export function allOf(rules: SchemaRules, place: Place): Place {
  const schema = Object.create(null) as Record<string, unknown>; // "__proto__" is a keyword like any other that is unknown
  const origins = new Map<string, string>();
  const required = new Set<unknown>();
  const closed: Place[] = [];
  for (const part of partsOf(rules, place, 0, { left: MAX_PARTS })) {
    const own = part.schema as SchemaObject;
    if (member(own, "additionalProperties") === false) closed.push(part);
    for (const keyword of otherKeywords(own, ["allOf"])) {
      const value = own[keyword];
      const pointer = placeIn(part, keyword);
      if (keyword === "required" && Array.isArray(value)) for (const name of value) required.add(name);
      else if (JOINED.includes(keyword) && isObject(value)) join(rules, part, keyword, value, schema, origins);
      else if (!Object.hasOwn(schema, keyword)) {
        schema[keyword] = value;
        origins.set(`/${keyword}`, pointer);
      } else if (!isSame(schema[keyword], value)) rules.unenforced(part, keyword, ` a second time in "allOf"`);
    }
  }
  if (required.size > 0) schema["required"] = [...required];
  // one that admits no other properties than its own decides about all
  const names = Object.keys(isObject(schema["properties"]) ? schema["properties"] : {});
  for (const { schema: one, pointer } of closed) {
    const own = member(one as SchemaObject, "properties");
    const excluded = names.find((name) => !isObject(own) || !Object.hasOwn(own, name));
    if (excluded === undefined) continue;
    const message = `"allOf": ${JSON.stringify(excluded)} is excluded by "additionalProperties" of one of its schemas`;
    throw schemaError(pointer, message);
  }
  return { schema, pointer: place.pointer, origins };
}

function join(
  rules: SchemaRules,
  part: Place,
  keyword: string,
  members: SchemaObject,
  schema: Record<string, unknown>,
  origins: Map<string, string>,
): void {
  const joined = new Map(Object.entries((schema[keyword] ?? {}) as SchemaObject));
  for (const [name, one] of Object.entries(members)) {
    if (!joined.has(name)) {
      joined.set(name, one);
      origins.set(placeIn({ schema, pointer: "" }, keyword, name), placeIn(part, keyword, name));
    } else if (!isSame(joined.get(name), one)) {
      rules.unenforced({ schema: members, pointer: placeIn(part, keyword) }, name, ` a second time in "allOf"`);
    }
  }
  schema[keyword] = Object.fromEntries(joined);
}

/** The schema itself and those of its `allOf`, through references. */
function partsOf(rules: SchemaRules, place: Place, depth: number, budget: { left: number }): Place[] {
  const { schema, pointer } = place;
  if (budget.left-- <= 0) throw schemaError(pointer, `"allOf" has more than ${MAX_PARTS} schemas`);
  if (depth > MAX_DEPTH) throw schemaError(pointer, `"allOf" and references are nested more than ${MAX_DEPTH} deep`);
  if (schema === true) return [];
  if (!isObject(schema)) throw schemaError(pointer, `"allOf" expected objects`);
  if (Object.hasOwn(schema, "$ref") && depth > 0) {
    return partsOf(rules, resolveReference(rules.document, schema["$ref"], pointer), depth + 1, budget);
  }
  if (!Object.hasOwn(schema, "allOf")) return [place];
  const inner = nonEmptyArray(schema, "allOf", pointer).flatMap((one, i) =>
    partsOf(rules, { schema: one, pointer: placeIn(place, "allOf", i) }, depth + 1, budget),
  );
  return [place, ...inner];
}

/** Equal as texts; when in doubt, they are not. */
function isSame(a: unknown, b: unknown): boolean {
  try {
    return JSON.stringify(a) === JSON.stringify(b);
  } catch {
    return false;
  }
}
