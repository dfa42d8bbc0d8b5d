// Objects: properties in the order of the schema, each optional one there or not, and commas only between those that are.

import { quote, WS } from "./primitive-rules.ts";
import { isObject, member, type Place, placeIn, type SchemaObject, schemaError } from "./schema.ts";
import type { SchemaRules } from "./schema-rules.ts";

interface Property {
  /** `"name": value` as an expression. */
  readonly pair: string;
  readonly isRequired: boolean;
}

/** The body of a rule for an object. @throws GrammarError E_SCHEMA */
export function objectRules(rules: SchemaRules, place: Place, schema: SchemaObject, name: string): string {
  const { pointer } = place;
  const additional = member(schema, "additionalProperties") ?? true;
  if (typeof additional !== "boolean")
    throw schemaError(pointer, `"additionalProperties" is supported as a boolean only`);
  const properties = propertiesOf(rules, place, schema);
  if (properties.length === 0) return additional ? "object" : `"{" ${WS} "}"`;

  const firstRequired = properties.findIndex(({ isRequired }) => isRequired);
  const leading = firstRequired < 0 ? properties : properties.slice(0, firstRequired);
  const rest = properties.slice(leading.length);
  if (leading.length === 0) {
    return `"{" ${WS} ${withoutFirstComma(rest)} ${WS} "}"`;
  }

  // whichever comes first has no comma in front: one alternative for each that can
  const restName = rest.length === 0 ? "" : rules.add(name, "rest", rest.map(behindComma).join(" "));
  const beginnings: string[] = rest.length === 0 ? [] : [withoutFirstComma(rest)];
  let tail = restName;
  for (const [i, property] of [...leading.entries()].reverse()) {
    beginnings.unshift(`${property.pair} ${tail}`.trimEnd());
    if (i > 0) tail = rules.add(name, `from-${i + 1}`, `${behindComma(property)} ${tail}`.trimEnd());
  }
  const members = beginnings.join(" | ");
  return rest.length === 0 ? `"{" ${WS} ( ( ${members} ) ${WS} )? "}"` : `"{" ${WS} ( ${members} ) ${WS} "}"`;
}

function behindComma({ pair, isRequired }: Property): string {
  return isRequired ? `"," ${WS} ${pair}` : `( "," ${WS} ${pair} )?`;
}

function withoutFirstComma([first, ...others]: readonly Property[]): string {
  return [first?.pair, ...others.map(behindComma)].join(" ");
}

function propertiesOf(rules: SchemaRules, place: Place, schema: SchemaObject): Property[] {
  const { pointer } = place;
  const declared = member(schema, "properties") ?? {};
  if (!isObject(declared)) throw schemaError(pointer, `"properties" expected an object`);
  const required = member(schema, "required") ?? [];
  if (!Array.isArray(required) || !required.every((one): one is string => typeof one === "string")) {
    throw schemaError(pointer, `"required" expected an array of strings`);
  }
  const excluded = required.find((name) => !Object.hasOwn(declared, name));
  if (member(schema, "additionalProperties") === false && excluded !== undefined) {
    throw schemaError(pointer, `"required" names ${JSON.stringify(excluded)}, which "additionalProperties" excludes`);
  }
  const isRequired = new Set(required);
  const names = new Set([...Object.keys(declared), ...required]);
  return [...names].map((name) => {
    const at = { schema: member(declared, name) ?? true, pointer: placeIn(place, "properties", name) };
    return { pair: `${quote(`${JSON.stringify(name)}:`)} ${WS} ${rules.nameOf(at)}`, isRequired: isRequired.has(name) };
  });
}
