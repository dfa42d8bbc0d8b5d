import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fc, test as propertyTest } from "@fast-check/vitest";
import { isFormatError } from "@ll/bytes";
import { createPatternWriter } from "@ll/chat/conversation";
import type { SpecialTokens } from "@ll/tokenizer";
import { describe, expect, test } from "vitest";
import {
  loadTemplate,
  type PatternTemplate,
  parseTemplate,
  TEMPLATE_NAMES,
} from "../../../src/commands/chat/template.ts";
import { temporaryDirectory } from "../../programs.ts";
import { tokenizer } from "./tiny-tokenizer.ts";

const BOS = 1;
const EOS = 2;

/** A conversation as text, with ⟨1⟩ for BOS and ⟨2⟩ for EOS. */
function shown(ids: readonly number[]): string {
  return ids.map((id) => (id === BOS || id === EOS ? `⟨${id}⟩` : tokenizer.decode([id]))).join("");
}

/** Two turns of a template as text. */
function twoTurns(template: PatternTemplate, system = template.system): string {
  const writer = createPatternWriter(template, tokenizer);
  const ids = [
    ...writer.start(system),
    ...writer.firstTurn(system, "Hi."),
    ...writer.answer(" Hello."),
    ...writer.nextTurn("Why?"),
  ];
  return shown(ids);
}

describe.each(TEMPLATE_NAMES)("%s", (name) => {
  test("as the model sees it", async () => {
    expect(twoTurns(await loadTemplate(name), "SYSTEM")).toMatchSnapshot();
  });

  test("without a system prompt there is no block for one", async () => {
    const template = await loadTemplate(name);
    const text = twoTurns(template, "");
    for (const literal of template.systemBlock.split("{text}").filter((part) => part.trim() !== "")) {
      expect(text.split(template.user.split("{text}")[0] as string)[0]).not.toContain(literal.trim());
    }
    expect(text).toContain("Hi.");
  });
});

test("special texts of a pattern become ids where the vocabulary has them; the same text of a user does not", async () => {
  const template = await loadTemplate("chatml");
  const ids = new Map([
    ["<|im_start|>", 1001],
    ["<|im_end|>", 1002],
  ]);
  const special = { ...tokenizer.special, idOf: (text: string) => ids.get(text) };
  const writer = createPatternWriter(template, { ...tokenizer, special });
  const turn = writer.firstTurn("", "<|im_end|>");
  expect(turn.filter((id) => id === 1001)).toHaveLength(2);
  expect(turn.filter((id) => id === 1002)).toHaveLength(1);
  expect(turn.indexOf(1002)).toBeGreaterThan([...tokenizer.encode("user\n<|im_end|>")].length);
  const without = createPatternWriter(template, tokenizer).firstTurn("", "x");
  expect(tokenizer.decode(without)).toBe("<|im_start|>user\nx<|im_end|>\n<|im_start|>assistant\n");
});

test("BOS and the space behind it are written where the vocabulary wants them, EOS where there is one", () => {
  const template = { ...PLAIN, start: "{bos} x{eos}" };
  const start = (changes: Partial<typeof tokenizer>): number[] =>
    createPatternWriter(template, { ...tokenizer, ...changes }).start("");
  const special = (changes: Partial<SpecialTokens>) => ({ special: { ...tokenizer.special, ...changes } });
  const [spaced, plain] = [[...tokenizer.encode(" x")], [...tokenizer.encode("x")]];
  expect(start({})).toEqual([1, ...spaced, 2]);
  expect(start({ addBos: false })).toEqual([...spaced, 2]);
  expect(start({ addSpacePrefix: false })).toEqual([1, ...plain, 2]);
  expect(start(special({ bos: 5, eos: 7 }))).toEqual([5, ...spaced, 7]);
  expect(start(special({ eos: undefined }))).toEqual([1, ...spaced]);
});

propertyTest.prop([fc.string({ unit: "grapheme" })])("placeholders in a user's text are plain text", (text) => {
  const template = { ...PLAIN, special: [], user: "<{text}>" };
  const writer = createPatternWriter(template, tokenizer);
  for (const said of [text, `{bos}${text}{system}{eos}{text}`]) {
    const ids = writer.firstTurn("SYSTEM", said);
    expect(ids).toEqual([...tokenizer.encode(`<${said}>`)]);
  }
});

test("a template that makes more text of little is refused before the text is made", () => {
  const bomb: PatternTemplate = {
    ...PLAIN,
    systemBlock: "{text}".repeat(2700),
    start: "{system}".repeat(2000),
    user: "{bos}{text}".repeat(1400),
  };
  const writer = createPatternWriter(bomb, tokenizer);
  const tooLong = {
    name: "ConversationError",
    message: expect.stringMatching(/^too long: more than 1048576 characters/),
  };
  for (const write of [
    () => writer.start("s".repeat(16_000)),
    () => writer.start("s"),
    () => writer.nextTurn("x".repeat(150_000)),
    () => createPatternWriter({ ...bomb, systemBlock: "{bos}".repeat(3000) }, tokenizer).start("s"),
  ]) {
    expect(write).toThrow(expect.objectContaining(tooLong));
  }
  expect(writer.nextTurn("x").length).toBeGreaterThan(1400);
});

const PLAIN: PatternTemplate = {
  system: "",
  systemBlock: "{text}",
  start: "",
  user: "{text}",
  answerEnd: "",
  stop: [],
  special: [],
};

describe("files", () => {
  test("a template from a file", async () => {
    const path = join(await temporaryDirectory(), "mine.json");
    await writeFile(path, JSON.stringify({ ...PLAIN, user: "Q: {text}\nA:" }));
    expect((await loadTemplate(path)).user).toBe("Q: {text}\nA:");
  });

  test("a name that is none comes with a suggestion; a path that is none is an I/O error", async () => {
    await expect(loadTemplate("alpacca")).rejects.toMatchObject({ name: "UsageError", hint: "Did you mean alpaca?" });
    await expect(loadTemplate("x")).rejects.toMatchObject({ name: "UsageError" });
    await expect(loadTemplate("./x.json")).rejects.toMatchObject({ code: "E_IO" });
    const folder = join(await temporaryDirectory(), "x.json");
    await mkdir(folder);
    await expect(loadTemplate(folder)).rejects.toMatchObject({ code: "E_IO" });
  });

  test.each([
    ["no JSON", "{", undefined],
    ["no object", "null", undefined],
    ["a missing pattern", JSON.stringify({ ...PLAIN, start: undefined }), "start"],
    ["a pattern that is no text", JSON.stringify({ ...PLAIN, start: 1 }), "start"],
    ["a turn without its text", JSON.stringify({ ...PLAIN, user: "User:" }), "user"],
    ["an unknown name", JSON.stringify({ ...PLAIN, usr: "" }), "usr"],
    ["a stop text that is none", JSON.stringify({ ...PLAIN, stop: ["a", 1] }), "stop.1"],
    ["too long a pattern", JSON.stringify({ ...PLAIN, start: "x".repeat(20_000) }), "start"],
    ["too long a stop text", JSON.stringify({ ...PLAIN, stop: ["x".repeat(300)] }), "stop.0"],
    ["too long a special text", JSON.stringify({ ...PLAIN, special: ["x".repeat(300)] }), "special.0"],
    ["too many stop texts", JSON.stringify({ ...PLAIN, stop: Array(100).fill("x") }), "stop"],
  ])("%s is refused", (_name, content, field) => {
    let error: unknown;
    try {
      parseTemplate(content, "t.json");
    } catch (thrown) {
      error = thrown;
    }
    expect(isFormatError(error, "E_TEMPLATE")).toBe(true);
    expect(error).toMatchObject({ file: "t.json", field });
  });
});
