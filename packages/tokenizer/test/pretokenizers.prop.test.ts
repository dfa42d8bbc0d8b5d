// The automata against the regular expressions of the runtime, and the frozen tables against its Unicode where the versions agree.

import { fc, test } from "@fast-check/vitest";
import { describe, expect, test as plainTest } from "vitest";
import { PRE_TOKENIZER_NAMES, preTokenizer } from "../src/byte-level/pretokenizers.ts";
import { type CutRule, compileRules, Splitter, spaceBytes } from "../src/byte-level/splitter.ts";
import { repairSteps } from "../src/byte-level/utf8-repair.ts";
import { type CodeSet, propertySet, WHITE_SPACE } from "../src/unicode/code-sets.ts";
import { composeSteps } from "../src/unicode/compose.ts";
import { UNICODE_VERSION } from "../src/unicode/unicode-data.ts";

const isSameUnicode = process.versions["unicode"] === UNICODE_VERSION;

function last<T>(steps: Generator<void, T, void>): T {
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}

/** Characters of which the rules are about, often; any others, seldom. */
const text = fc
  .array(
    fc.oneof(
      { weight: 8, arbitrary: fc.constantFrom(..."aAzZ sStTlLrReEvVmMdD'' \n\r\t19~|`$+./!?,(_-") },
      {
        weight: 6,
        arbitrary: fc.constantFrom(
          ..."\u017f\u00e9\u00c9\u0301\u0903\u01c5\u02b0\u4e2d\u3042\uac00\u0e01\u0663\u2167\u00a0\u0085\u2003\u3000\ufeff\u2019\uff01\u3002\u0378\u00ad\u200d\ud83e\udd99",
          "\u{20000}",
          "\u{1f468}",
        ),
      },
      { weight: 1, arbitrary: fc.string({ unit: "binary", minLength: 1, maxLength: 1 }) },
    ),
    { maxLength: 60 },
  )
  .map((parts) => parts.join("").toWellFormed());

function piecesOf(rules: readonly CutRule[], given: string): string[] {
  const bytes = new TextEncoder().encode(given);
  const splitter = new Splitter(compileRules(rules));
  splitter.begin(bytes);
  const pieces: string[] = [];
  for (let step = splitter.next(); step !== "end"; step = splitter.next()) {
    if (step === "piece")
      pieces.push(new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes.subarray(splitter.start, splitter.end)));
  }
  return pieces;
}

/** The same by RegExp: matches, and what is between them. */
function expectedPieces(rules: readonly CutRule[], given: string): string[] {
  let pieces = [given];
  for (const rule of rules) {
    pieces = pieces.flatMap((piece) => {
      const parts: string[] = [];
      let end = 0;
      for (const match of piece.matchAll(regExpOf(rule))) {
        parts.push(piece.slice(end, match.index), match[0]);
        end = match.index + match[0].length;
      }
      parts.push(piece.slice(end));
      return parts.filter((part) => part !== "");
    });
  }
  return pieces;
}

function regExpOf(rule: CutRule): RegExp {
  if (rule === "thousands") return /(?=(\d{3})+(?!\d))/gu;
  if (rule === "tail") return /\p{White_Space}+$/gu;
  const source = typeof rule === "string" ? rule : rule.pattern;
  return new RegExp(source.replaceAll("\\s", "\\p{White_Space}").replaceAll("\\S", "\\P{White_Space}"), "gu");
}

describe.runIf(isSameUnicode)("pieces are those of RegExp", () => {
  const rows = new Map<string, readonly CutRule[]>();
  for (const name of PRE_TOKENIZER_NAMES) {
    const { rules = [], llamaCppRules = rules } = preTokenizer(name) ?? {};
    for (const list of [rules, llamaCppRules]) {
      const key = JSON.stringify(list);
      if (![...rows.values()].some((other) => JSON.stringify(other) === key))
        rows.set(`${name}${list === rules ? "" : ", llama.cpp"}`, list);
    }
  }
  for (const [name, rules] of rows) {
    test.prop([text], { numRuns: 150 })(name, (given) => {
      expect(piecesOf(rules, given)).toEqual(expectedPieces(rules, given));
    });
  }

  test.prop([fc.array(fc.constantFrom(" ", "\n", "\u3000", "a"), { maxLength: 30 }), fc.integer({ min: 1, max: 700 })])(
    "also in long white space",
    (parts, n) => {
      const rules = preTokenizer("jais-2")?.rules ?? [];
      const given = `${parts.join("")}${" ".repeat(n)}${parts.join("")}`;
      expect(piecesOf(rules, given)).toEqual(expectedPieces(rules, given));
    },
  );
});

function contains(set: CodeSet, code: number): boolean {
  let isInside = false;
  for (const border of set) {
    if (border > code) break;
    isInside = !isInside;
  }
  return isInside;
}

describe.runIf(isSameUnicode)("the frozen tables are the runtime's", () => {
  plainTest.each(["L", "Lu", "Lt", "Ll", "Lm", "Lo", "M", "N", "Nd", "P", "S", "Script=Han"])("%s", (name) => {
    const pattern = new RegExp(`^\\p{${name}}$`, "u");
    const wanted: number[] = [];
    let isInside = false;
    for (let code = 0; code < 0x110000; code++) {
      if (pattern.test(String.fromCodePoint(code)) === isInside) continue;
      wanted.push(code);
      isInside = !isInside;
    }
    if (isInside) wanted.push(0x110000);
    expect(propertySet(name)).toEqual(wanted);
  });

  plainTest("white space", () => {
    for (let code = 0; code < 0x10000; code++) {
      const character = String.fromCharCode(code);
      if (!character.isWellFormed()) continue;
      const isSpace = /^\p{White_Space}$/u.test(character);
      expect([code, contains(WHITE_SPACE, code)]).toEqual([code, isSpace]);
      const bytes = new TextEncoder().encode(character);
      expect([code, spaceBytes(bytes, 0)]).toEqual([code, isSpace ? bytes.length : 0]);
    }
  });

  plainTest("normalization form C of each character, alone and behind others", () => {
    for (let code = 0; code < 0x110000; code++) {
      const character = String.fromCodePoint(code);
      if (!character.isWellFormed() || (code > 0x30000 && code % 997 !== 0)) continue;
      const given = `a\u0301${character}\u0323\u0301 e${character}`;
      const got = new TextDecoder("utf-8", { ignoreBOM: true }).decode(
        last(composeSteps(new TextEncoder().encode(given))),
      );
      if (got !== given.normalize("NFC")) expect([code, got]).toEqual([code, given.normalize("NFC")]);
    }
  });

  const marks = fc.constantFrom(
    ..."aeo\u00e9\u1e69\u0301\u0323\u0308\u0345\u0334\u1100\u1161\u11a8\uac00\u0f73\u0344\u2126\u0958\u09c7\u09be\u212b\u0fb2\u0f81",
    "\u{1d15e}",
    "\u{2f800}",
  );
  test.prop([fc.array(fc.oneof(marks, fc.string({ unit: "binary", maxLength: 2 })), { maxLength: 30 })])(
    "NFC",
    (parts) => {
      const given = parts.join("").toWellFormed();
      const got = new TextDecoder("utf-8", { ignoreBOM: true }).decode(
        last(composeSteps(new TextEncoder().encode(given))),
      );
      expect(got).toBe(given.normalize("NFC"));
    },
  );
});

test.prop([fc.uint8Array({ maxLength: 40 })])("bytes are repaired as TextDecoder repairs them", (bytes) => {
  const repaired = last(repairSteps(bytes, "whatwg"));
  expect(repaired).toEqual(new TextEncoder().encode(new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes)));
});
