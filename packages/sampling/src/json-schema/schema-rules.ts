// The rules that a schema becomes, one for each place in it that is reached.

import { GrammarError } from "../grammar/errors.ts";
import { MAX_POINTER_LENGTH, MAX_SCHEMA_RULES } from "../grammar/limits.ts";
import { PRIMITIVE_RULES } from "./primitive-rules.ts";
import { type Place, placeIn, schemaError } from "./schema.ts";

/** A keyword that says something which the grammar does not hold to. */
export interface UnenforcedKeyword {
  /** JSON pointer of the keyword: "/properties/price/multipleOf". */
  readonly pointer: string;
  readonly keyword: string;
}

export interface SchemaRules {
  readonly document: unknown;
  /** Name of the rule for a place in the document: always the same for the same place. */
  nameOf(place: Place): string;
  /** Adds a rule whose name is derived from another one; returns its name. */
  add(base: string, suffix: string, body: string): string;
  /** Says that the grammar does not hold to a keyword. @throws GrammarError E_SCHEMA if nobody wants to be told */
  unenforced(place: Place, keyword: string, context?: string): void;
}

export interface CollectedRules {
  /** GBNF. */
  readonly text: string;
  /** JSON pointer of the place that a rule is for; undefined for a rule that was added to another one. */
  pointerOf(name: string | undefined): string | undefined;
}

/**
 * All rules that the document needs, from what `bodyOf` says about one place. Places wait in a queue, so that a
 * schema within a schema costs no recursion. @throws GrammarError E_LIMIT
 */
export function collectRules(
  document: unknown,
  bodyOf: (rules: SchemaRules, place: Place, name: string) => string,
  onUnenforced: ((unenforced: UnenforcedKeyword) => void) | undefined,
): CollectedRules {
  const bodies = new Map<string, string>(); // by name, in order
  const names = new Map<string, string>(); // by pointer
  const told = new Set<string>();
  const queue: { readonly place: Place; readonly name: string }[] = [];

  const reserve = (name: string): string => {
    if (bodies.size >= MAX_SCHEMA_RULES) throw tooMuch(`the schema needs more than ${MAX_SCHEMA_RULES} rules`);
    let free = name;
    for (let i = bodies.size; bodies.has(free) || Object.hasOwn(PRIMITIVE_RULES, free); i++) free = `${name}-${i}`;
    bodies.set(free, "");
    return free;
  };
  const rules: SchemaRules = {
    document,
    nameOf(place) {
      if (place.pointer.length > MAX_POINTER_LENGTH) {
        throw tooMuch(`a place in the schema takes more than ${MAX_POINTER_LENGTH} letters to name`);
      }
      const known = names.get(place.pointer);
      if (known !== undefined) return known;
      const name = reserve(place.pointer === "" ? "root" : nameFrom(place.pointer));
      names.set(place.pointer, name);
      queue.push({ place, name });
      return name;
    },
    add(base, suffix, body) {
      const name = reserve(`${base}-${suffix}`);
      bodies.set(name, body);
      return name;
    },
    unenforced(place, keyword, context = "") {
      if (onUnenforced === undefined) throw schemaError(place.pointer, `"${keyword}" is not supported${context}`);
      const pointer = placeIn(place, keyword);
      if (told.has(pointer)) return;
      told.add(pointer);
      onUnenforced({ pointer, keyword });
    },
  };

  rules.nameOf({ schema: document, pointer: "" });
  for (const { place, name } of queue) bodies.set(name, bodyOf(rules, place, name)); // the queue grows meanwhile
  for (const [name, body] of Object.entries(PRIMITIVE_RULES)) bodies.set(name, body);
  return {
    text: [...bodies].map(([name, body]) => `${name} ::= ${body}\n`).join(""),
    pointerOf: (name) => queue.find((one) => one.name === name)?.place.pointer,
  };
}

function tooMuch(message: string): GrammarError {
  return new GrammarError({ code: "E_LIMIT", message });
}

const MAX_NAME = 60; // letters of a rule's name that come from the pointer

/** Never empty: below the root, a pointer has the name of a keyword in it. */
function nameFrom(pointer: string): string {
  const words = pointer.replace(/[^a-zA-Z0-9]+/g, "-").replace(/^-|-$/g, "");
  return words.slice(-MAX_NAME);
}
