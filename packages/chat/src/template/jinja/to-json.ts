// Values as Python's `json.dumps(value, ensure_ascii=False)` writes them, which is what templates mean by `tojson`.

import { listOf, mappingOf, textOf, type Value } from "./library.ts";

export interface JsonStyle {
  /** Spaces; undefined for one line. */
  readonly indent: number | undefined;
  readonly separators: readonly [item: string, key: string] | undefined;
  readonly sortKeys: boolean;
  readonly isAscii: boolean;
}

/** @param take hears of characters before they are kept, and throws if they are too many. @throws TypeError for what is no JSON */
export function toJson(value: Value, style: JsonStyle, take: (chars: number) => void): string {
  const { indent, sortKeys, isAscii } = style;
  const [between, colon] = style.separators ?? [indent === undefined ? ", " : ",", ": "];
  const parts: string[] = [];
  const put = (text: string): void => {
    take(text.length);
    parts.push(text);
  };
  const quoted = (text: string): string => {
    const json = JSON.stringify(text);
    if (!isAscii) return json;
    return json.replace(/[\u0080-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
  };
  const lineBreak = (depth: number): string => (indent === undefined ? "" : `\n${" ".repeat(indent * depth)}`);
  const write = (one: Value, depth: number): void => {
    const list = listOf(one);
    const mapping = list === undefined ? mappingOf(one) : undefined;
    if (list === undefined && mapping === undefined) {
      put(scalar(one, quoted));
      return;
    }
    const keys = mapping === undefined ? undefined : [...mapping.keys()];
    if (sortKeys) keys?.sort();
    const [open, close] = keys === undefined ? "[]" : "{}";
    const items = keys ?? (list as readonly Value[]);
    put(open as string);
    for (const [i, item] of items.entries()) {
      put((i === 0 ? "" : between) + lineBreak(depth + 1));
      if (typeof item === "string") put(quoted(item) + colon);
      write(typeof item === "string" ? (mapping?.get(item) as Value) : item, depth + 1);
    }
    put((items.length === 0 ? "" : lineBreak(depth)) + close);
  };
  write(value, 0);
  return parts.join("");
}

function scalar(value: Value, quoted: (text: string) => string): string {
  const text = textOf(value);
  if (text !== undefined) return quoted(text);
  switch (value.type) {
    case "NullValue":
    case "UndefinedValue":
      return "null";
    case "BooleanValue":
      return String(value.value);
    case "IntegerValue":
      return wholeText(value.value as number);
    case "FloatValue":
      return floatText(value.value as number);
    default:
      throw new TypeError(`a ${value.type} has no JSON`);
  }
}

function wholeText(value: number): string {
  return Number.isFinite(value) ? BigInt(value).toString() : String(value);
}

/** As Python's `repr` writes it: with a point, and with an exponent from 1e16 on and below 1e-4. */
function floatText(value: number): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "NaN" : value > 0 ? "Infinity" : "-Infinity";
  const size = Math.abs(value);
  if (size !== 0 && (size >= 1e16 || size < 1e-4)) {
    const [digits, exponent] = value.toExponential().split("e") as [string, string];
    return `${digits}e${exponent.slice(0, 1)}${exponent.slice(1).padStart(2, "0")}`;
  }
  const text = value.toFixed(0) === String(value) ? `${value}.0` : String(value);
  return Object.is(value, -0) ? "-0.0" : text;
}
