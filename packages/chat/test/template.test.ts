// Templates of patterns: those of ll-chat, and what they make of a conversation.

import { fc, test as propertyTest } from "@fast-check/vitest";
import type { SpecialTokens } from "@ll/tokenizer";
import { describe, expect, test } from "vitest";
import type { Message, Template } from "../src/index.ts";
import { patternTemplate, TEMPLATES } from "../src/templates.ts";
import { tokenizer } from "./support/scripted-model.ts";

const TOOL = { type: "function", function: { name: "now", parameters: {} } } as const;

const CONVERSATION: readonly Message[] = [
  { role: "system", content: "Be brief." },
  { role: "user", content: "One {text} {bos}" },
  { role: "assistant", content: "Two" },
  { role: "system", content: "Be briefer." },
  { role: "assistant", content: null, toolCalls: [{ id: "1", name: "now", arguments: {} }] },
  { role: "tool", toolCallId: "1", content: "noon" },
];

test.each(["plain", "chatml", "llama-2"])("a conversation in %s", (name) => {
  const { ids } = patternTemplate(name).render({ messages: CONVERSATION, tools: [TOOL] }, tokenizer);
  expect(tokenizer.decode(ids)).toMatchSnapshot();
});

test("what people type is no special token", () => {
  const { ids } = patternTemplate("plain").render(
    { messages: [{ role: "user", content: "</s><s>" }], tools: [] },
    tokenizer,
  );
  expect(ids.filter((id) => id === tokenizer.special.eos)).toEqual([]);
  expect(ids.filter((id) => id === tokenizer.special.bos)).toHaveLength(1);
});

const BOS = 1;
const EOS = 2;

/** Ids as text, with ⟨1⟩ for BOS and ⟨2⟩ for EOS. */
function shown(ids: readonly number[]): string {
  return ids.map((id) => (id === BOS || id === EOS ? `⟨${id}⟩` : tokenizer.decode([id]))).join("");
}

/** The ids of texts that user and model take turns with, behind a system prompt unless that is empty. */
function prompt(template: string | Template, system: string, texts: readonly string[], by = tokenizer): number[] {
  const said = texts.map((content, i): Message => ({ role: i % 2 === 0 ? "user" : "assistant", content }));
  const messages: Message[] = system === "" ? said : [{ role: "system", content: system }, ...said];
  return [...patternTemplate(template).render({ messages, tools: [] }, by).ids];
}

describe.each(TEMPLATES.map((template) => [template.name, template] as const))("%s", (name, template) => {
  test("as the model sees it", () => {
    expect(shown(prompt(name, "SYSTEM", ["Hi.", " Hello.", "Why?"]))).toMatchSnapshot();
  });

  test("an answer is written as it was generated, or with the space that it was trimmed of", () => {
    const [trimmed, generated] = ["Hello.", " Hello."].map((text) => shown(prompt(name, "", ["Hi.", text, "Why?"])));
    expect(generated?.replace("\n Hello.", "\nHello.")).toBe(trimmed);
  });

  test("without a system prompt there is no block for one", () => {
    const text = shown(prompt(name, "", ["Hi.", " Hello.", "Why?"]));
    for (const literal of template.systemBlock.split("{text}").filter((part) => part.trim() !== "")) {
      expect(text.split(template.user.split("{text}")[0] as string)[0]).not.toContain(literal.trim());
    }
    expect(text).toContain("Hi.");
  });
});

const PATTERNS: Template = {
  name: "patterns",
  system: "",
  systemBlock: "{text}",
  start: "",
  user: "{text}",
  answerEnd: "",
  stop: [],
};

test("special texts of a pattern become ids where the vocabulary has them; the same text of a user does not", () => {
  const ids = new Map([
    ["<|im_start|>", 1001],
    ["<|im_end|>", 1002],
  ]);
  const special = { ...tokenizer.special, idOf: (text: string) => ids.get(text) };
  const turn = prompt("chatml", "", ["<|im_end|>"], { ...tokenizer, special });
  expect(turn.filter((id) => id === 1001)).toHaveLength(2);
  expect(turn.filter((id) => id === 1002)).toHaveLength(1);
  expect(turn.indexOf(1002)).toBeGreaterThan([...tokenizer.encode("user\n<|im_end|>")].length);
  expect(shown(prompt("chatml", "", ["x"]))).toBe("⟨1⟩<|im_start|>user\nx<|im_end|>\n<|im_start|>assistant\n");
});

test("BOS and the space behind it are written where the vocabulary wants them, EOS where there is one", () => {
  const start = (changes: Partial<typeof tokenizer>): number[] =>
    prompt({ ...PATTERNS, start: "{bos} x{eos}" }, "", [""], { ...tokenizer, ...changes });
  const special = (changes: Partial<SpecialTokens>) => ({ special: { ...tokenizer.special, ...changes } });
  const [spaced, plain] = [[...tokenizer.encode(" x")], [...tokenizer.encode("x")]];
  expect(start({})).toEqual([1, ...spaced, 2]);
  expect(start({ addBos: false })).toEqual([...spaced, 2]);
  expect(start({ addSpacePrefix: false })).toEqual([1, ...plain, 2]);
  expect(start(special({ bos: 5, eos: 7 }))).toEqual([5, ...spaced, 7]);
  expect(start(special({ eos: undefined }))).toEqual([1, ...spaced]);
});

propertyTest.prop([fc.string({ unit: "grapheme" })])("placeholders in a user's text are plain text", (text) => {
  for (const said of [text, `{bos}${text}{system}{eos}{text}`]) {
    const ids = prompt({ ...PATTERNS, user: "<{text}>" }, "SYSTEM", [said]);
    expect(ids).toEqual([...tokenizer.encode(`<${said}>`)]);
  }
});

test("a template that makes more text of little is refused before the text is made", () => {
  const bomb: Template = {
    ...PATTERNS,
    systemBlock: "{text}".repeat(2700),
    start: "{system}".repeat(2000),
    user: "{bos}{text}".repeat(1400),
  };
  const tooLong = {
    name: "TemplateError",
    code: "E_TEMPLATE_LIMIT",
    message: expect.stringMatching(/^too long: more than 1048576 characters/),
  };
  for (const write of [
    () => prompt(bomb, "s".repeat(16_000), []),
    () => prompt(bomb, "s", ["x"]),
    () => prompt(bomb, "", ["x".repeat(150_000)]),
    () => prompt({ ...bomb, systemBlock: "{bos}".repeat(3000) }, "s", []),
    () => prompt("plain", "", ["x".repeat(5_000_000)]),
  ]) {
    expect(write).toThrow(expect.objectContaining(tooLong));
  }
  expect(prompt(bomb, "", ["x"]).length).toBeGreaterThan(1400);
});

test("a name that is none", () => {
  expect(() => patternTemplate("nothing")).toThrow('"template" expected plain, alpaca');
});
