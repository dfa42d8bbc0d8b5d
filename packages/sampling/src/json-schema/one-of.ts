// `oneOf` asks that exactly one alternative is valid, which a grammar cannot count. It can be had where the alternatives exclude
// each other; this finds out, and says no when in doubt.

import { describesOthers } from "./object-rules.ts";
import {
  hasType,
  isObject,
  JSON_TYPES,
  type JsonType,
  listedValues,
  member,
  nonEmptyArray,
  type Place,
  placeIn,
  resolveReference,
  type SchemaObject,
  typesOf,
} from "./schema.ts";

const MAX_DEPTH = 8; // of references and properties looked into: behind it lies doubt
const MAX_VALUE_DEPTH = 100; // of listed values that are compared
const MAX_PLACES = 1_000_000; // and pairs of values looked at for one `oneOf`: references can make 2^n ways of few words

interface Search {
  readonly document: unknown;
  /** Places that may still be looked at. */
  left: number;
}

/** Words for a text for one place that might be valid under another; undefined if there is none. */
export function overlapOf(document: unknown, places: readonly Place[]): string | undefined {
  const search: Search = { document, left: MAX_PLACES };
  for (const [i, generated] of places.entries()) {
    for (const [j, other] of places.entries()) {
      if (i === j || excludes(search, generated, other, 0)) continue;
      return `: a text for alternative ${i} might be valid under ${j} as well; "anyOf" does without that`;
    }
  }
  return undefined;
}

/** True if nothing that is generated for one place is valid under the other. */
function excludes(search: Search, generated: Place, other: Place, depth: number): boolean {
  if (depth > MAX_DEPTH || search.left <= 0) return false;
  const mine = alternatives(search, generated, 0);
  const theirs = alternatives(search, other, 0);
  return mine.every((a) => theirs.every((b) => excludesOne(search, a, b, depth)));
}

interface ObjectPlace extends Place {
  readonly schema: SchemaObject;
}

/** The schemas that a place leads to through references and alternatives; `true` admits everything, as does what is too deep. */
function alternatives(search: Search, place: Place, depth: number): ObjectPlace[] {
  const { schema, pointer } = place;
  search.left--;
  if (!isObject(schema) || Object.hasOwn(schema, "allOf") || depth > MAX_DEPTH || search.left <= 0)
    return [{ schema: {}, pointer }];
  if (Object.hasOwn(schema, "$ref")) {
    return alternatives(search, resolveReference(search.document, schema["$ref"], pointer), depth + 1);
  }
  const keyword = ["anyOf", "oneOf"].find((name) => Object.hasOwn(schema, name));
  if (keyword === undefined) return [{ schema, pointer }];
  return nonEmptyArray(schema, keyword, pointer).flatMap((one, i) =>
    alternatives(search, { schema: one, pointer: placeIn(place, keyword, i) }, depth + 1),
  );
}

function excludesOne(search: Search, mine: ObjectPlace, theirs: ObjectPlace, depth: number): boolean {
  const myValues = listedValues(mine.schema, mine.pointer);
  const theirValues = listedValues(theirs.schema, theirs.pointer);
  search.left -= (myValues?.length ?? 1) * (theirValues?.length ?? 1);
  if (search.left <= 0) return false;
  const theirTypes = theirValues === undefined ? strictTypes(theirs) : JSON_TYPES;
  if (myValues !== undefined) {
    return myValues.every((value) => {
      if (theirValues !== undefined) return !theirValues.some((one) => mayBeSame(one, value, 0));
      return !hasType(value, theirTypes);
    });
  }
  const myTypes = typesOf(mine.schema, mine.pointer);
  if (theirValues !== undefined) return !theirValues.some((value) => hasType(value, myTypes));
  const common = myTypes.filter((type) => theirTypes.includes(type) || isBothNumbers(type, theirTypes));
  if (common.length === 0) return true;
  return common.every((type) => type === "object") && excludesObject(search, mine, theirs, depth);
}

/** What a schema really admits: without `type`, everything. */
function strictTypes({ schema, pointer }: ObjectPlace): readonly JsonType[] {
  return member(schema, "type") === undefined ? JSON_TYPES : typesOf(schema, pointer);
}

function isBothNumbers(type: JsonType, types: readonly JsonType[]): boolean {
  return (type === "number" && types.includes("integer")) || (type === "integer" && types.includes("number"));
}

/** Objects exclude each other by a property that one needs and the other never has, or whose values exclude each other. */
function excludesObject(search: Search, mine: ObjectPlace, theirs: ObjectPlace, depth: number): boolean {
  const myProperties = namedProperties(mine);
  const theirProperties = namedProperties(theirs);
  if (myProperties.size === 0) return false; // any object may be generated
  const hasOthers = describesOthers(mine.schema);
  for (const [name, their] of theirProperties) {
    const my = myProperties.get(name);
    if (
      my === undefined
        ? their.isRequired && !hasOthers
        : my.isRequired && excludes(search, my.place, their.place, depth + 1)
    ) {
      return true;
    }
  }
  return false;
}

function namedProperties(place: ObjectPlace): Map<string, { readonly place: Place; readonly isRequired: boolean }> {
  const declared = member(place.schema, "properties");
  const required = member(place.schema, "required");
  const requiredNames = new Set<unknown>(Array.isArray(required) ? required : []);
  const names = new Set([...(isObject(declared) ? Object.keys(declared) : []), ...requiredNames]);
  const properties = new Map<string, { readonly place: Place; readonly isRequired: boolean }>();
  for (const name of names) {
    if (typeof name !== "string") continue;
    const schema = isObject(declared) ? (member(declared, name) ?? true) : true;
    const pointer = placeIn(place, "properties", name);
    properties.set(name, { place: { schema, pointer }, isRequired: requiredNames.has(name) });
  }
  return properties;
}

/** Equal as JSON, where the order of members does not matter; very deep down also what is not. */
function mayBeSame(a: unknown, b: unknown, depth: number): boolean {
  if (depth > MAX_VALUE_DEPTH) return true;
  if (Array.isArray(a) && Array.isArray(b)) {
    return a.length === b.length && a.every((one, i) => mayBeSame(one, b[i], depth + 1));
  }
  if (!isObject(a) || !isObject(b)) return a === b;
  const names = Object.keys(a);
  const isIn = (name: string): boolean => Object.hasOwn(b, name) && mayBeSame(a[name], b[name], depth + 1);
  return names.length === Object.keys(b).length && names.every(isIn);
}
