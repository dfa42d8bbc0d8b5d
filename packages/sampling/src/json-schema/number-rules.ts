// Numbers: of integers the bounds are kept, digit by digit; of others none.

import { member, type Place, type SchemaObject, schemaError } from "./schema.ts";
import type { SchemaRules } from "./schema-rules.ts";

/** Integers of a grammar have at most 16 digits. */
const MOST = 10n ** 16n - 1n;

const BOUNDS = ["minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum"] as const;

/** The body of a rule for a number that may have a fraction. */
export function numberRules(rules: SchemaRules, place: Place): string {
  const schema = place.schema as SchemaObject;
  for (const keyword of [...BOUNDS, "multipleOf"]) {
    if (member(schema, keyword) !== undefined) rules.unenforced(place, keyword);
  }
  return "number";
}

/** The body of a rule for an integer. @throws GrammarError E_SCHEMA */
export function integerRules(rules: SchemaRules, place: Place): string {
  const schema = place.schema as SchemaObject;
  const step = member(schema, "multipleOf");
  if (step !== undefined && step !== 1) rules.unenforced(place, "multipleOf");
  if (BOUNDS.every((keyword) => member(schema, keyword) === undefined)) return "integer";
  const bound = (keyword: string): number | undefined => {
    const value = member(schema, keyword);
    if (value === undefined) return undefined;
    if (typeof value !== "number" || Number.isNaN(value)) {
      throw schemaError(place.pointer, `"${keyword}" expected a number`);
    }
    return value;
  };
  let low = -MOST;
  let high = MOST;
  const raise = (value: number): void => {
    if (value > Number(low)) low = value > 1e16 ? MOST + 1n : BigInt(value);
  };
  const lower = (value: number): void => {
    if (value < Number(high)) high = value < -1e16 ? -MOST - 1n : BigInt(value);
  };
  const [minimum, above, maximum, below] = BOUNDS.map(bound);
  if (minimum !== undefined) raise(Math.ceil(minimum));
  if (above !== undefined) raise(Math.floor(above) + 1);
  if (maximum !== undefined) lower(Math.floor(maximum));
  if (below !== undefined) lower(Math.ceil(below) - 1);
  if (low > high) throw schemaError(place.pointer, "no integer of at most 16 digits lies between the bounds");
  return integersBetween(low, high);
}

/** GBNF for the integers low … high. */
function integersBetween(low: bigint, high: bigint): string {
  const parts: string[] = [];
  if (low < 0n) parts.push(`"-" ( ${positiveBetween(high < 0n ? -high : 1n, -low)} )`);
  if (low <= 0n && high >= 0n) parts.push('"0"');
  if (high > 0n) parts.push(positiveBetween(low > 0n ? low : 1n, high));
  return parts.join(" | ");
}

/** 0 < low ≤ high. */
function positiveBetween(low: bigint, high: bigint): string {
  const parts: string[] = [];
  const nLow = String(low).length;
  const nHigh = String(high).length;
  let firstFull: number | undefined; // digits of the shortest numbers of which all are in the range
  for (let n = nLow; n <= nHigh; n++) {
    const least = 10n ** BigInt(n - 1);
    const most = least * 10n - 1n;
    const isFull = low <= least && most <= high;
    if (isFull) firstFull ??= n;
    if (firstFull !== undefined && (!isFull || n === nHigh)) {
      const last = isFull ? n : n - 1;
      parts.push(`[1-9] [0-9]{${firstFull - 1},${last - 1}}`);
      firstFull = undefined;
    }
    if (!isFull) parts.push(sameLength(String(low > least ? low : least), String(high < most ? high : most)));
  }
  return parts.join(" | ");
}

/** Numbers of as many digits each, low ≤ high; 000 … 999 where nothing bounds them. */
function sameLength(low: string, high: string): string {
  const n = low.length;
  if (n === 0) return '""';
  if (/^0+$/.test(low) && /^9+$/.test(high)) return `[0-9]{${n}}`;
  const [a, b] = [Number(low[0]), Number(high[0])];
  const [lowRest, highRest] = [low.slice(1), high.slice(1)];
  if (a === b) return `"${a}" ( ${sameLength(lowRest, highRest)} )`;
  const isLowFull = /^0*$/.test(lowRest);
  const isHighFull = /^9*$/.test(highRest);
  const parts: string[] = [];
  if (!isLowFull) parts.push(`"${a}" ( ${sameLength(lowRest, "9".repeat(n - 1))} )`);
  const [first, last] = [isLowFull ? a : a + 1, isHighFull ? b : b - 1];
  if (first <= last) parts.push(`[${first}-${last}]${n === 1 ? "" : ` [0-9]{${n - 1}}`}`);
  if (!isHighFull) parts.push(`"${b}" ( ${sameLength("0".repeat(n - 1), highRest)} )`);
  return parts.join(" | ");
}
