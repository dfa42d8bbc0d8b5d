// Strings: lengths, patterns and formats.

import { isImpossible, type Lengths, lengthsOf, type PatternNode, parsePattern } from "./pattern.ts";
import { literalOf, PLAIN_RANGES, QUOTE, spellMember } from "./primitive-rules.ts";
import { countOf, member, type Place, schemaError } from "./schema.ts";
import type { SchemaRules } from "./schema-rules.ts";

/** No label has more than 63 letters. */
const DOMAIN = "[A-Za-z0-9]{1,24}(?:[.-][A-Za-z0-9]{1,12}){0,3}\\.[A-Za-z]{2,24}";
const DATE =
  "(?:(?:\\d{2}(?:0[48]|[2468][048]|[13579][26])|(?:[02468][048]|[13579][26])00)-02-29" +
  "|\\d{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12]\\d|3[01])|(?:0[469]|11)-(?:0[1-9]|[12]\\d|30)|02-(?:0[1-9]|1\\d|2[0-8])))";
const TIME = "(?:[01]\\d|2[0-3]):[0-5]\\d:[0-5]\\d(?:\\.\\d{1,9})?Z";
const HEX = "[0-9a-fA-F]";
const BYTE = "(?:25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]\\d|\\d)";
const URI_LETTER = `(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|%${HEX}{2})`;

/** What each format admits: less than its definition where validators differ. Dates are real ones; times are in UTC. */
const FORMATS: ReadonlyMap<string, string> = new Map([
  ["date", `^${DATE}$`],
  ["time", `^${TIME}$`],
  ["date-time", `^${DATE}T${TIME}$`],
  ["uuid", `^${HEX}{8}-${HEX}{4}-4${HEX}{3}-[89abAB]${HEX}{3}-${HEX}{12}$`],
  ["email", `^[A-Za-z0-9_+-]{1,32}(?:\\.[A-Za-z0-9_+-]{1,30})?@${DOMAIN}$`],
  ["ipv4", `^(?:${BYTE}\\.){3}${BYTE}$`],
  [
    "uri",
    `^https?://${DOMAIN}(?::[1-9]\\d{0,3})?(?:/${URI_LETTER}{0,64}){0,16}(?:\\?${URI_LETTER}{0,256})?(?:#${URI_LETTER}{0,64})?$`,
  ],
]);

/** The body of a rule for a string. @throws GrammarError E_SCHEMA */
export function stringRules(rules: SchemaRules, place: Place): string {
  const lengths = lengthsIn(rules, place);
  const tree = treeOf(rules, place);
  if (tree === undefined) {
    if (lengths.min === 0 && lengths.max === Number.POSITIVE_INFINITY) return "string";
    return `${QUOTE} char${counted(lengths)} ${QUOTE}`;
  }
  return `${QUOTE} ${write(withLengths(rules, place, tree, lengths))} ${QUOTE}`;
}

/** @throws GrammarError E_SCHEMA */
function lengthsIn(rules: SchemaRules, place: Place): Lengths {
  const min = countOf(rules, place, "minLength") ?? 0;
  const max = countOf(rules, place, "maxLength") ?? Number.POSITIVE_INFINITY;
  if (min > max) throw schemaError(place.pointer, `"minLength" is greater than "maxLength"`);
  return { min, max };
}

function treeOf(rules: SchemaRules, place: Place): PatternNode | undefined {
  const schema = place.schema as Readonly<Record<string, unknown>>;
  const pattern = member(schema, "pattern");
  const format = member(schema, "format");
  if (pattern !== undefined && typeof pattern !== "string") {
    throw schemaError(place.pointer, `"pattern" expected a string`);
  }
  const own = pattern === undefined ? undefined : parsePattern(pattern);
  const known = typeof format === "string" ? FORMATS.get(format) : undefined;
  // beside a format that is known, a pattern says the same in more words; only of UUIDs it says the version
  if (known !== undefined && (own === undefined || format !== "uuid")) return parsePattern(known);
  if (own === undefined) {
    if (pattern !== undefined) rules.unenforced(place, "pattern");
    else if (format !== undefined) rules.unenforced(place, "format");
  } else if (isImpossible(own)) {
    throw schemaError(place.pointer, `"pattern" matches no text`);
  }
  return own;
}

/** A tree that holds to the lengths too, where it does anyway, or repeats one set; others are named as not enforced. */
function withLengths(rules: SchemaRules, place: Place, tree: PatternNode, { min, max }: Lengths): PatternNode {
  const own = lengthsOf(tree);
  if (tree.kind === "repeat" && tree.part.kind === "set") {
    const both = { ...tree, min: Math.max(tree.min, min), max: Math.min(tree.max, max) };
    if (both.min > both.max) throw schemaError(place.pointer, `no text of "pattern" has the length`);
    return both;
  }
  if (own.min < min) rules.unenforced(place, "minLength");
  if (own.max > max) rules.unenforced(place, "maxLength");
  return tree;
}

function counted({ min, max }: Lengths): string {
  if (max === Number.POSITIVE_INFINITY) return min === 0 ? "*" : min === 1 ? "+" : `{${min},}`;
  return `{${min},${max}}`;
}

/** An expression of GBNF for the inside of a JSON string. */
function write(node: PatternNode): string {
  switch (node.kind) {
    case "set":
      return writeSet(node.ranges);
    case "sequence":
      return node.parts.length === 0 ? '""' : `( ${node.parts.map(write).join(" ")} )`;
    case "choice":
      return `( ${node.parts
        .filter((part) => !isImpossible(part))
        .map(write)
        .join(" | ")} )`;
    case "repeat":
      if (isImpossible(node.part) || node.max === 0) return '""';
      return `( ${write(node.part)} )${counted(node)}`;
    default:
      return '""';
  }
}

/** What JSON spells with a backslash, by code point. */
const ESCAPED: ReadonlyMap<number, string> = new Map([
  [0x08, "\\b"],
  [0x09, "\\t"],
  [0x0a, "\\n"],
  [0x0c, "\\f"],
  [0x0d, "\\r"],
  [0x22, '\\"'],
  [0x5c, "\\\\"],
]);

/** Each character in its shortest spelling. Control characters without a short one only where nothing else is in the set. */
function writeSet(ranges: readonly (readonly [number, number])[]): string {
  const members = ranges.flatMap(([first, last]) =>
    PLAIN_RANGES.flatMap(([low, high]) => {
      const [a, b] = [Math.max(first, low), Math.min(last, high)];
      return a > b ? [] : [a === b ? spellMember(a) : `${spellMember(a)}-${spellMember(b)}`];
    }),
  );
  const holds = (code: number): boolean => ranges.some(([first, last]) => first <= code && code <= last);
  const escapes = [...ESCAPED].filter(([code]) => holds(code)).map(([, text]) => literalOf(text));
  const parts = [...(members.length === 0 ? [] : [`[${members.join("")}]`]), ...escapes];
  if (parts.length === 0) parts.push(literalOf(`\\u${ranges[0]![0].toString(16).padStart(4, "0")}`));
  return parts.length === 1 ? parts[0]! : `( ${parts.join(" | ")} )`;
}
