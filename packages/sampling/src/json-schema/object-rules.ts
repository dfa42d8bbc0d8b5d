// Objects: properties in the order of the schema, each optional one there or not, and commas only between those that are; then
// others, if the schema describes them.

import { parsePattern } from "./pattern.ts";
import { literalOf, PLAIN_RANGES, QUOTE, spellMember, WS } from "./primitive-rules.ts";
import { isObject, member, otherKeywords, type Place, placeIn, type SchemaObject, schemaError } from "./schema.ts";
import type { SchemaRules } from "./schema-rules.ts";

/** A property, or all those that the schema does not name. */
interface Member {
  /** Without a comma in front. */
  readonly first: string;
  /** Behind another one; can be empty unless the member is required. */
  readonly behind: string;
  readonly isRequired: boolean;
}

/** True if the object may hold properties that the schema describes without naming them. */
export function describesOthers(schema: SchemaObject): boolean {
  const additional = member(schema, "additionalProperties");
  return (
    ["patternProperties", "propertyNames"].some((name) => Object.hasOwn(schema, name)) || saysSomething(additional)
  );
}

/** A schema other than `true` and `{}`. */
function saysSomething(schema: unknown): boolean {
  return isObject(schema) && otherKeywords(schema, []).length > 0;
}

/** The body of a rule for an object. @throws GrammarError E_SCHEMA */
export function objectRules(rules: SchemaRules, place: Place, name: string): string {
  const { pointer } = place;
  const schema = place.schema as SchemaObject;
  const additional = member(schema, "additionalProperties") ?? true;
  if (typeof additional !== "boolean" && !isObject(additional)) {
    throw schemaError(pointer, `"additionalProperties" expected a boolean or an object`);
  }
  const named = namedMembers(rules, place);
  const others = otherMembers(rules, place, name, named.names);
  const members = [...named.members, ...(others === undefined ? [] : [others])];
  if (members.length === 0) {
    return additional !== false && listedNames(schema) === undefined ? "object" : `"{" ${WS} "}"`;
  }

  const firstRequired = members.findIndex(({ isRequired }) => isRequired);
  const leading = firstRequired < 0 ? members : members.slice(0, firstRequired);
  const rest = members.slice(leading.length);
  if (leading.length === 0) {
    return `"{" ${WS} ${withoutFirstComma(rest)} ${WS} "}"`;
  }

  // whichever comes first has no comma in front: one alternative for each that can
  const restName = rest.length === 0 ? "" : rules.add(name, "rest", rest.map(({ behind }) => behind).join(" "));
  const beginnings: string[] = rest.length === 0 ? [] : [withoutFirstComma(rest)];
  let tail = restName;
  for (const [i, one] of [...leading.entries()].reverse()) {
    beginnings.unshift(`${one.first} ${tail}`.trimEnd());
    if (i > 0) tail = rules.add(name, `from-${i + 1}`, `${one.behind} ${tail}`.trimEnd());
  }
  const all = beginnings.join(" | ");
  return rest.length === 0 ? `"{" ${WS} ( ( ${all} ) ${WS} )? "}"` : `"{" ${WS} ( ${all} ) ${WS} "}"`;
}

function withoutFirstComma([first, ...others]: readonly Member[]): string {
  return [first?.first, ...others.map(({ behind }) => behind)].join(" ");
}

interface NamedMembers {
  readonly members: readonly Member[];
  readonly names: readonly string[];
}

/** Those of `properties` and `required`, and the names that `propertyNames` lists. */
function namedMembers(rules: SchemaRules, place: Place): NamedMembers {
  const { pointer } = place;
  const schema = place.schema as SchemaObject;
  const declared = member(schema, "properties") ?? {};
  if (!isObject(declared)) throw schemaError(pointer, `"properties" expected an object`);
  const required = member(schema, "required") ?? [];
  if (!Array.isArray(required) || !required.every((one): one is string => typeof one === "string")) {
    throw schemaError(pointer, `"required" expected an array of strings`);
  }
  const listed = listedNames(schema);
  const additional = member(schema, "additionalProperties");
  const isAdmitted = (name: string): boolean =>
    (listed === undefined || listed.includes(name)) && (additional !== false || Object.hasOwn(declared, name));
  const excluded = required.find((name) => !isAdmitted(name));
  if (excluded !== undefined) {
    const keyword = additional === false ? "additionalProperties" : "propertyNames";
    throw schemaError(pointer, `"required" names ${JSON.stringify(excluded)}, which "${keyword}" excludes`);
  }
  const isRequired = new Set(required);
  const names = [...new Set([...Object.keys(declared), ...required, ...(listed ?? [])])].filter(isAdmitted);
  const members = names.map((name): Member => {
    const own = Object.hasOwn(declared, name);
    const at: Place = own
      ? { schema: declared[name], pointer: placeIn(place, "properties", name) }
      : { schema: additional ?? true, pointer: placeIn(place, "additionalProperties") };
    const pair = `${literalOf(`${JSON.stringify(name)}:`)} ${WS} ${own || isObject(additional) ? rules.nameOf(at) : "value"}`;
    const behind = isRequired.has(name) ? `"," ${WS} ${pair}` : `( "," ${WS} ${pair} )?`;
    return { first: pair, behind, isRequired: isRequired.has(name) };
  });
  return { members, names };
}

/** The names that `propertyNames` admits, if it lists them. */
function listedNames(schema: SchemaObject): readonly string[] | undefined {
  const names = member(schema, "propertyNames");
  if (!isObject(names)) return undefined;
  const listed = Object.hasOwn(names, "const") ? [names["const"]] : member(names, "enum");
  return Array.isArray(listed) ? listed.filter((one): one is string => typeof one === "string") : undefined;
}

/** Properties without a name in the schema: how they are called, and what they hold. */
function otherMembers(rules: SchemaRules, place: Place, name: string, named: readonly string[]): Member | undefined {
  const schema = place.schema as SchemaObject;
  const additional = member(schema, "additionalProperties") ?? true;
  const propertyNames = member(schema, "propertyNames");
  const patterns = member(schema, "patternProperties");
  if (listedNames(schema) !== undefined) return undefined; // all have a name
  const pair = (key: string, value: Place): Member => {
    const one = `${key} ":" ${WS} ${rules.nameOf(value)}`;
    const behind = `( "," ${WS} ${one} )*`;
    return { first: `${one} ${behind}`, behind, isRequired: false };
  };
  if (patterns !== undefined) {
    const [pattern, ...more] = isObject(patterns) ? Object.keys(patterns) : [];
    if (pattern === undefined) return undefined;
    // a name may fit several patterns, or be declared as well: then more than one schema holds
    const isSole = more.length === 0 && named.length === 0 && !saysSomething(propertyNames);
    if (isSole && parsePattern(pattern) !== undefined) {
      const pointer = placeIn(place, "patternProperties", pattern);
      const key = rules.nameOf({ schema: { type: "string", pattern }, pointer: `${pointer}/name` });
      return pair(key, { schema: (patterns as SchemaObject)[pattern], pointer });
    }
    rules.unenforced(place, "patternProperties");
    return undefined;
  }
  if (additional === false) return undefined;
  const value: Place = { schema: additional, pointer: placeIn(place, "additionalProperties") };
  if (isObject(propertyNames) && otherKeywords(propertyNames, ["type"]).length > 0) {
    if (named.length === 0 && otherKeywords(propertyNames, NAME_KEYWORDS).length === 0) {
      const schemaOfNames = { type: "string", ...propertyNames };
      return pair(rules.nameOf({ schema: schemaOfNames, pointer: placeIn(place, "propertyNames") }), value);
    }
    rules.unenforced(place, "propertyNames");
    return undefined;
  }
  return saysSomething(additional) ? pair(rules.add(name, "key", nameOtherThan(named)), value) : undefined;
}

/** What a schema of names may say. */
const NAME_KEYWORDS = ["type", "minLength", "maxLength", "pattern", "format"];

/** Parentheses nest as deep as a name is long. */
const MAX_NAME_LETTERS = 100;

/**
 * A JSON string without escapes that is none of these: letter by letter, as long as it could still become one of them. A name with
 * a letter that needs an escape is met by no such string; beginnings of a hundred letters in common are not written.
 */
function nameOtherThan(names: readonly string[]): string {
  const write = (rests: readonly string[], depth: number): string => {
    const groups = new Map<number, string[]>();
    for (const rest of rests) {
      const code = rest.codePointAt(0);
      if (code === undefined) continue;
      const group = groups.get(code) ?? [];
      group.push(rest.slice(String.fromCodePoint(code).length));
      groups.set(code, group);
    }
    const ways = [`${plainClassWithout([...groups.keys()])} ${plainClassWithout([])}*`];
    if (!rests.includes("")) ways.push('""');
    if (depth < MAX_NAME_LETTERS) {
      for (const [code, group] of groups) ways.push(`[${spellMember(code)}] ( ${write(group, depth + 1)} )`);
    }
    return ways.join(" | ");
  };
  const isPlain = (name: string): boolean => [...name].every((letter) => isPlainCode(letter.codePointAt(0)!));
  return `${QUOTE} ( ${write(names.filter(isPlain), 1)} ) ${QUOTE}`;
}

/** A class of GBNF: all characters that stand in JSON strings as they are, but these. */
function plainClassWithout(excluded: readonly number[]): string {
  const borders = [...excluded].sort((a, b) => a - b);
  const members = PLAIN_RANGES.flatMap(([first, last]) => {
    const inside = borders.filter((code) => first <= code && code <= last);
    return [...inside, last + 1].flatMap((border, i) => {
      const low = i === 0 ? first : inside[i - 1]! + 1;
      return low < border ? [`${spellMember(low)}-${spellMember(border - 1)}`] : [];
    });
  });
  return `[${members.join("")}]`;
}

function isPlainCode(code: number): boolean {
  return PLAIN_RANGES.some(([first, last]) => first <= code && code <= last);
}
