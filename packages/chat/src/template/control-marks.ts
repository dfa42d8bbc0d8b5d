// What people type must not become control tokens: a mark within the text of one keeps it text, through the template and the tokenizer.

/** No character, and in no text: put behind the first character of what looks like a control token. */
export const CONTROL_MARK = "\u{10fffe}";

/** No character either: where an answer that has begun goes on. */
export const END_MARK = "\u{10ffff}";

const MARKS: RegExp = new RegExp(`[${CONTROL_MARK}${END_MARK}]`, "gu");

/** Puts marks into all texts of plain data, keys of mappings among them. */
export type Guard = <T>(value: T) => T;

/** @param texts of control tokens; none for a guard that only takes marks out which are there */
export function createGuard(texts: readonly string[]): Guard {
  // by their first code unit: their lengths, and all of them
  const groups = new Map<number, { readonly lengths: Set<number>; readonly texts: Set<string> }>();
  for (const text of texts) {
    const first = text.charCodeAt(0);
    const group = groups.get(first) ?? { lengths: new Set(), texts: new Set() };
    group.lengths.add(text.length);
    group.texts.add(text);
    groups.set(first, group);
  }

  function guarded(text: string): string {
    const clean = text.replace(MARKS, "");
    let out = "";
    let from = 0;
    for (let i = 0; i < clean.length; i++) {
      const group = groups.get(clean.charCodeAt(i));
      if (group === undefined) continue;
      for (const length of group.lengths) {
        if (!group.texts.has(clean.slice(i, i + length))) continue;
        const end = i + ((clean.codePointAt(i) as number) > 0xffff ? 2 : 1);
        out += clean.slice(from, end) + CONTROL_MARK;
        from = end;
        break;
      }
    }
    return out + clean.slice(from);
  }

  function visit(value: unknown): unknown {
    if (typeof value === "string") return guarded(value);
    if (Array.isArray(value)) return value.map(visit);
    if (typeof value !== "object" || value === null) {
      if (value === null || ["number", "boolean", "undefined"].includes(typeof value)) return value;
      throw new TypeError(`what a template is given expected plain data, got a ${typeof value}`);
    }
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [guarded(key), visit(inner)]));
  }
  return <T>(value: T): T => visit(value) as T;
}

export function withoutMarks(text: string): string {
  return text.replace(MARKS, "");
}
