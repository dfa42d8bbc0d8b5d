// Arrays: elements by their place first, as of a tuple, then all others alike; lengths.

import { WS } from "./primitive-rules.ts";
import { countOf, member, type Place, placeIn, type SchemaObject, schemaError } from "./schema.ts";
import type { SchemaRules } from "./schema-rules.ts";

/** The body of a rule for an array. @throws GrammarError E_SCHEMA */
export function arrayRules(rules: SchemaRules, place: Place): string {
  const { pointer } = place;
  const schema = place.schema as SchemaObject;
  if (member(schema, "uniqueItems") === true) rules.unenforced(place, "uniqueItems");
  if (member(schema, "contains") !== undefined) rules.unenforced(place, "contains");
  const min = countOf(rules, place, "minItems") ?? 0;
  const max = countOf(rules, place, "maxItems") ?? Number.POSITIVE_INFINITY;
  if (min > max) throw schemaError(pointer, `"minItems" is greater than "maxItems"`);

  // a tuple is `items` as an array up to draft 2019-09, with `additionalItems` for the others; then `prefixItems` with `items`
  const items = member(schema, "items");
  const listKeyword = Array.isArray(items) ? "items" : "prefixItems";
  const restKeyword = Array.isArray(items) ? "additionalItems" : "items";
  const listed = member(schema, listKeyword) ?? [];
  if (!Array.isArray(listed)) throw schemaError(pointer, `"prefixItems" expected an array`);
  const first = listed
    .slice(0, max)
    .map((one, i) => rules.nameOf({ schema: one, pointer: placeIn(place, listKeyword, i) }));
  const rest = member(schema, restKeyword);
  if (rest === false && min > first.length) {
    throw schemaError(pointer, `"minItems" asks for more than "${restKeyword}" admits`);
  }
  // like objects: what a tuple does not name is not written, unless its length asks for it
  const isEnd =
    rest === false || max <= first.length || (rest === undefined && first.length > 0 && min <= first.length);
  if (first.length === 0) {
    if (isEnd) return `"[" ${WS} "]"`;
    if (rest === undefined && min === 0 && max === Number.POSITIVE_INFINITY) return "array";
  }
  const others = isEnd ? undefined : restName(rules, place, restKeyword, rest);
  let tail = "";
  if (others !== undefined) {
    const [least, most] = [Math.max(0, min - first.length), max - first.length];
    if (first.length > 0) tail = `( "," ${WS} ${others} )${times(least, most)}`;
    else return wrap(`${others} ( "," ${WS} ${others} )${times(Math.max(0, least - 1), most - 1)}`, min > 0);
  }
  for (const [i, one] of [...first.entries()].reverse()) {
    if (i === 0) return wrap(`${one} ${tail}`.trimEnd(), min > 0);
    const element = `"," ${WS} ${one} ${tail}`.trimEnd();
    tail = i < min ? element : `( ${element} )?`;
  }
  throw new RangeError("an array without elements"); // left above
}

/** Undefined and true are any value. */
function restName(rules: SchemaRules, place: Place, keyword: string, rest: unknown): string {
  return rest === undefined ? "value" : rules.nameOf({ schema: rest, pointer: placeIn(place, keyword) });
}

function wrap(elements: string, isFull: boolean): string {
  return isFull ? `"[" ${WS} ${elements} ${WS} "]"` : `"[" ${WS} ( ${elements} ${WS} )? "]"`;
}

function times(least: number, most: number): string {
  if (most === Number.POSITIVE_INFINITY) return least === 0 ? "*" : `{${least},}`;
  return `{${least},${most}}`;
}
