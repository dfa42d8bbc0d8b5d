// Methods of texts that may make far more than they are given.

import { MAX_TEXT_CHARS, overLimit } from "./limits.ts";

/** Longest text that is cut at its code points, each of which becomes a text for that. */
const MAX_POINTS = 1024 * 1024;

/** `text.replace(from, to, count)` of Python. @throws TypeError; TemplateError */
export function replaced(text: string, from: unknown, to: unknown, given: unknown): string {
  // arguments by name come in a mapping, behind the others
  const limit = given instanceof Map ? (given.get("count") as { readonly value: unknown } | undefined)?.value : given;
  if (typeof from !== "string" || typeof to !== "string") throw new TypeError("replace expected two texts");
  if (from === "") throw new TypeError("replace expected a text to look for");
  const most = typeof limit === "number" && limit >= 0 ? limit : Number.POSITIVE_INFINITY;
  const parts: string[] = [];
  let chars = 0;
  let rest = 0;
  for (let at = text.indexOf(from); at >= 0 && parts.length < 2 * most; at = text.indexOf(from, rest)) {
    chars += at - rest + to.length;
    if (chars > MAX_TEXT_CHARS) overLimit("text");
    parts.push(text.slice(rest, at), to);
    rest = at + from.length;
  }
  return parts.length === 0 ? text : parts.join("") + text.slice(rest);
}

/**
 * `text.split(by, most)` of Python.
 * @param take hears of texts before they are made @throws TypeError; TemplateError
 */
export function splitText(text: string, by: unknown, given: unknown, take: (texts: number) => void): string[] {
  const limit =
    given instanceof Map ? (given.get("maxsplit") as { readonly value: unknown } | undefined)?.value : given;
  const most = typeof limit === "number" && limit >= 0 ? limit : Number.POSITIVE_INFINITY;
  const parts: string[] = [];
  const put = (part: string): void => {
    take(1);
    parts.push(part);
  };
  if (by === null || by === undefined || by instanceof Map) {
    const rest = text.trimStart();
    for (const { 0: word, index } of rest.matchAll(/\S+/g)) {
      if (parts.length >= most) {
        put(rest.slice(index));
        return parts;
      }
      put(word);
    }
    return parts;
  }
  if (typeof by !== "string" || by === "") throw new TypeError("split expected a text that is not empty");
  let from = 0;
  for (let at = text.indexOf(by); at >= 0 && parts.length < most; at = text.indexOf(by, from)) {
    put(text.slice(from, at));
    from = at + by.length;
  }
  put(text.slice(from));
  return parts;
}

/** `text[start:stop:step]`, by code points. @throws TypeError; TemplateError */
export function slicedText(text: string, start: unknown, stop: unknown, step: unknown): string {
  const [from, to, by] = [start, stop, step ?? 1].map((bound) => {
    if (bound === undefined || bound === null) return undefined;
    if (!Number.isInteger(bound)) throw new TypeError("slices expected integers");
    return bound as number;
  }) as [number | undefined, number | undefined, number];
  if (by === 0) throw new TypeError("slices expected a step that is not 0");
  const isPlain = !/[\ud800-\udfff]/.test(text);
  if (by === 1 && isPlain) return text.slice(from, to);
  if (text.length > MAX_POINTS) overLimit("text");
  const points = isPlain ? text.split("") : Array.from(text);
  if (by === 1) return points.slice(from, to).join("");
  const n = points.length;
  const bound = (at: number, least: number, most: number): number =>
    Math.min(Math.max(at < 0 ? at + n : at, least), most);
  const taken: string[] = [];
  if (by > 0) for (let i = bound(from ?? 0, 0, n); i < bound(to ?? n, 0, n); i += by) taken.push(points[i] as string);
  else {
    const last = to === undefined ? -1 : bound(to, -1, n - 1);
    for (let i = bound(from ?? n - 1, -1, n - 1); i > last; i += by) taken.push(points[i] as string);
  }
  return taken.join("");
}
