// Conversations as files: what was exported comes back, what a stranger made is refused with where and why.

import { describe, expect, test } from "vitest";
import { turnsThatDoNotFit, turnsToLeaveOut } from "../src/chat/answers.ts";
import { type Exchanged, exportJson, exportMarkdown, importFile, importJson } from "../src/chat/exchange.ts";
import { type Conversation, type Message, nameFrom } from "../src/chat/records.ts";
import { readSetting, requestFields, SAMPLING_SETTINGS, schemaFlaw } from "../src/chat/settings.ts";

const conversation: Conversation = {
  ...{ id: "c1", name: "A *story*", updated: 5, leaf: "m2", system: "Be brief." },
  settings: { temperature: 0, think: false, stop: "END" },
};
const turn = (id: string, parent: string | null, role: Message["role"], content: string): Message => ({
  ...{ id, parent, role, content, conversation: "c1", created: 1, updated: 2 },
});
const messages = [
  turn("m1", null, "user", "Tell me"),
  { ...turn("m2", "m1", "assistant", "Once"), reasoning: "Hm.\nWell.", seed: 7, finish: "stop" as const },
  turn("m3", "m1", "assistant", "Twice"),
];
const whole: Exchanged = { conversations: [conversation], messages };

test("what was exported is imported as it was", () => {
  expect(importJson(exportJson(whole))).toEqual(whole);
});

test("Markdown has the path that is shown", () => {
  expect(exportMarkdown(conversation, messages)).toBe(
    "# A *story*\n\n## System prompt\n\nBe brief.\n\n## You\n\nTell me\n\n## Answer\n\n> Hm.\n> Well.\n\nOnce\n",
  );
});

describe("a file is refused", () => {
  const changed = (change: (file: { conversations: object[]; messages: object[] }) => void): string => {
    const file = JSON.parse(exportJson(whole));
    change(file);
    return JSON.stringify(file);
  };
  test.each<[string, string, RegExp]>([
    ["that is no JSON", "{", /no JSON/],
    ["of another format", "{}", /at the top|format/],
    [
      "with a role of its own",
      changed((file) => Object.assign(file.messages[0] ?? {}, { role: "system" })),
      /messages\.0\.role/,
    ],
    ["with a circle", changed((file) => Object.assign(file.messages[0] ?? {}, { parent: "m2" })), /follows itself/],
    [
      "with a turn behind nothing",
      changed((file) => Object.assign(file.messages[1] ?? {}, { parent: "m9" })),
      /m9, which is not/,
    ],
    [
      "with a turn of nothing",
      changed((file) => Object.assign(file.messages[1] ?? {}, { conversation: "c2" })),
      /no conversation/,
    ],
    ["with an id twice", changed((file) => file.messages.push(file.messages[0] ?? {})), /there twice/],
    ["with a conversation twice", changed((file) => file.conversations.push(conversation)), /there twice/],
    [
      "with an address for an id",
      changed((file) => Object.assign(file.messages[0] ?? {}, { id: "a/b" })),
      /messages\.0\.id/,
    ],
    ["that is too deep", `{"a":${"[".repeat(70)}${"]".repeat(70)}}`, /64 levels/],
    [
      "of too many turns",
      JSON.stringify({ format: "ll-conversations", version: 1, conversations: [], messages: Array(100_001).fill(0) }),
      /messages/,
    ],
  ])("%s", (_what, json, message) => {
    expect(() => importJson(json)).toThrow(message);
  });

  test("that is too large, before it is read", async () => {
    const file = { size: 60 * 1024 * 1024, text: () => Promise.reject(new Error("was read")) } as unknown as Blob;
    await expect(importFile(file)).rejects.toThrow(/60 MiB; at most 50/);
  });

  test("brackets in texts are no levels", () => {
    const deep = { ...whole, messages: [turn("m1", null, "user", `"\\${"[".repeat(100)}`)] };
    expect(importJson(exportJson({ ...deep, conversations: [{ ...conversation, leaf: null }] })).messages).toHaveLength(
      1,
    );
  });
});

test("a conversation is named by the first characters that were said", () => {
  expect(nameFrom("  a\n b\t🦙 ")).toBe("a b 🦙");
  expect(Array.from(nameFrom("🦙".repeat(90)))).toHaveLength(40);
});

describe("settings", () => {
  test("only known fields are sent, in the form of the API", () => {
    const settings = {
      temperature: 0.5,
      leave_out: 2,
      stop: "a\n\nb",
      think: false,
      schema: '{"type":"object"}',
      made_up: 1,
    };
    expect(requestFields(settings, true)).toEqual({
      temperature: 0.5,
      stop: ["a", "b"],
      chat_template_kwargs: { enable_thinking: false },
      response_format: { type: "json_schema", json_schema: { name: "answer", schema: { type: "object" } } },
    });
    expect(requestFields(settings, false)).toEqual({ temperature: 0.5, stop: ["a", "b"] });
    expect(requestFields({}, true)).toEqual({});
  });

  test("numbers stay within their bounds", () => {
    const [topK] = SAMPLING_SETTINGS;
    expect(["", "x", "-5", "2.6", "1e99"].map((typed) => topK && readSetting(topK, typed))).toEqual([
      ...[undefined, undefined, 0, 3, 2 ** 31 - 1],
    ]);
  });

  test("a schema is an object", () => {
    expect([" ", "{}", "[]", "{"].map((schema) => schemaFlaw(schema) === undefined)).toEqual([
      true,
      true,
      false,
      false,
    ]);
  });
});

test("the oldest turns that a context has to lose", () => {
  const usage = (prompt: number, completion: number) => ({ usage: { prompt, completion, cached: 0 } });
  const path = [
    turn("a", null, "user", ""),
    { ...turn("b", "a", "assistant", ""), ...usage(20, 30) },
    turn("c", "b", "user", ""),
    { ...turn("d", "c", "assistant", ""), ...usage(60, 40) },
    turn("e", "d", "user", ""),
  ];
  expect([10, 30, 50, 90, 101].map((tokens) => turnsThatDoNotFit(path, tokens))).toEqual([2, 2, 4, 4, 0]);
  // the next prompt has more than the 100 tokens so far, and four are left free
  expect([0, 200, 105, 104, 70, 20].map((context) => turnsToLeaveOut(path, context))).toEqual([0, 0, 0, 2, 4, 4]);
  expect(turnsToLeaveOut(path.slice(0, 1), 1)).toBe(0);
});
