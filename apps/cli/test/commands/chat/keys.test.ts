import { fc, test as propertyTest } from "@fast-check/vitest";
import { expect, test } from "vitest";
import { createKeyDecoder } from "../../../src/commands/chat/keys.ts";

/** Keys as words: names in angle brackets, text as it is. Pastes settle only at the end, where all has come. */
function typed(...chunks: string[]): string[] {
  const decoder = createKeyDecoder();
  const keys = chunks.flatMap((chunk) => decoder.push(chunk));
  while (decoder.isSettling) keys.push(...decoder.settle());
  return keys.map((key) => ("name" in key ? `<${key.name}>` : key.text));
}

test.each([
  ["text and Return", ["Hi é 日\r"], ["Hi é 日", "<enter>"]],
  [
    "keys of several terminals",
    ["\x1b[A\x1bOA\x1b[1~\x1b[H\x1b[3~\x1b[1;5D"],
    ["<up>", "<up>", "<home>", "<home>", "<delete>", "<word-left>"],
  ],
  ["a sequence in pieces", ["a\x1b", "[", "1;", "5Cb"], ["a", "<word-right>", "b"]],
  ["Alt, and a key with Alt that is none", ["\x1bb\x1bxa\x1b\ra"], ["<word-left>", "a", "<newline>", "a"]],
  ["a lone ESC before a control key", ["\x1b", "\x03", "\x1b\x1b[A"], ["<interrupt>", "<up>"]],
  ["a sequence that is none", ["\x1b[99;99q\x1b[<0;1;1Mx"], ["x"]],
  ["an answer of the terminal", ["\x1b]11;rgb:00/00/00\x07a\x1bP1$r0m\x1b\\b"], ["a", "b"]],
  ["a sequence without end", [`\x1b[${"1".repeat(100)}`, "a\r"], expect.arrayContaining(["<enter>"])],
  ["controls of 8 bits", ["a\x9b31mb\x85"], ["a31mb"]],
  ["a paste", ["\x1b[200~a\r\nb\rc\td\n\x1b[201~\r"], ["a\nb\nc\td\n", "<enter>"]],
  ["a paste in pieces, its marks too", ["\x1b[20", "0~a", "\r", "b\x1b[2", "01~\r"], ["a\nb", "<enter>"]],
  ["a paste of colours and controls", ["\x1b[200~\x1b[31mred\x1b[0m\x07\x03\x00\x1b]0;t\x07!\x1b[201~"], ["red!"]],
  ["a paste with the mark of its end inside", ["\x1b[200~a\x1b[201~rm\r\x1b[201~b"], ["arm\n", "b"]],
  ["the same in two reads", ["\x1b[200~a\x1b[201~\r/save m\r", "b\x1b[201~\r"], ["a", "\n/save m\nb", "<enter>"]],
  ["a whole paste inside of one", ["\x1b[200~a\x1b[201~\r", "\x1b[200~b\x1b[201~c"], ["a", "\nb", "c"]],
  ["keys behind a paste", ["\x1b[200~a\x1b[201~", "b", "\x1b[", "A\r"], ["a", "b", "<up>", "<enter>"]],
  ["Ctrl-C right behind a paste", ["\x1b[200~a\x1b[201~", "b\r", "\x03"], ["a", "<interrupt>"]],
  ["Ctrl-C in a paste without end", ["\x1b[200~a", "b", "\x03", "c"], ["<interrupt>", "c"]],
])("%s", (_name, chunks, keys) => {
  expect(typed(...chunks)).toEqual(keys);
});

test("two pastes, one after the other", () => {
  const decoder = createKeyDecoder();
  decoder.push("\x1b[200~a\x1b[201~\r");
  expect(decoder.settle()).toEqual([{ name: "enter" }]);
  expect(decoder.push("\x1b[200~b\x1b[201~")).toEqual([{ text: "b" }]);
  expect(decoder.settle()).toEqual([]);
  expect(decoder.isSettling).toBe(false);
});

propertyTest.prop([
  fc.array(fc.string({ unit: "binary" })),
  fc.array(fc.constantFrom("\r", "\x1b[201~", "\x1b[200~", "/save x\r", "a")),
  fc.array(fc.nat()),
])("whatever is pasted, in pieces of any size, presses no key", (texts, marks, cuts) => {
  const inside = marks.map((mark, i) => mark + (texts[i] ?? "")).join("");
  const sent = `\x1b[200~${inside}\x1b[201~`;
  const bounds = [0, ...cuts.map((cut) => cut % sent.length).sort((a, b) => a - b), sent.length];
  const chunks = bounds.slice(1).map((bound, i) => sent.slice(bounds[i], bound));
  if (chunks.includes("\x03")) return; // Ctrl-C alone
  for (const key of typed(...chunks)) expect(key).not.toMatch(/^<[a-z-]+>$/);
});

propertyTest.prop([fc.array(fc.string({ unit: "binary", maxLength: 20 })), fc.nat()])(
  "the same in pieces of any size; no text has a control character, and only a paste a newline",
  (parts, at) => {
    const text = parts.join("\x1b[");
    const cut = at % (text.length + 1);
    const whole = typed(text);
    // a character of two units is never cut: the bytes are decoded before
    if (/[\ud800-\udbff]$/.test(text.slice(0, cut))) return;
    if (text.slice(0, cut) !== "\x03" && text.slice(cut) !== "\x03") {
      expect(typed(text.slice(0, cut), text.slice(cut)).join("")).toBe(whole.join(""));
    }
    // biome-ignore lint/suspicious/noControlCharactersInRegex: what must not be there
    for (const key of whole) expect(key).not.toMatch(/[\x00-\x1f\x7f-\x9f]/);
  },
);
