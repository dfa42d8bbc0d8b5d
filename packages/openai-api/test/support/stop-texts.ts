// A text with characters of several bytes, stop texts in it, and what an answer with both has to be.

import { fc } from "@fast-check/vitest";
import { expect } from "vitest";
import { type Asked, eventsOf } from "./small-model.ts";

const TEXT = "é🦙中 a fox é🦙中 b 🦙 fox";
const characters = [...TEXT];
const stretch = fc
  .tuple(fc.nat({ max: characters.length - 1 }), fc.integer({ min: 1, max: 6 }))
  .map(([at, n]) => characters.slice(at, at + n).join(""));

/** Texts to stop at: parts of what is said, and others. */
export const stopTexts = fc.array(fc.oneof(stretch, fc.constantFrom("🦙x", "fo", "é🦙中 c", "nothing")), {
  minLength: 1,
  maxLength: 4,
});

export const textPath = fc.constantFrom("/v1/completions", "/v1/chat/completions");

/** Asks for it whole and as a stream. */
export async function expectStopped(
  ask: (path: string, body: object) => Promise<Pick<Asked, "body">>,
  stops: readonly string[],
  path: string,
): Promise<void> {
  const asked = path === "/v1/completions" ? { prompt: "Say" } : { messages: [{ role: "user", content: "Say" }] };
  const body = { ...asked, stop: stops, grammar: `root ::= "${TEXT}"`, max_tokens: 100, seed: 1 };
  const { body: whole } = await ask(path, body);
  // the one that is whole first counts
  const [first] = stops
    .map((one) => ({ at: TEXT.indexOf(one), end: TEXT.indexOf(one) + one.length }))
    .filter(({ at }) => at >= 0)
    .sort((a, b) => a.end - b.end || a.at - b.at);
  const expected = TEXT.slice(0, first?.at);
  const [choice] = whole.choices;
  const text = choice.text ?? choice.message.content;
  expect(text).toBe(path === "/v1/completions" ? expected : expected.trim());
  expect(choice.finish_reason).toBe("stop");
  const { body: stream } = await ask(path, { ...body, stream: true });
  const pieces = eventsOf(stream).flatMap((event) => event.choices ?? []);
  expect(pieces.map((piece) => piece.text ?? piece.delta.content ?? "").join("")).toBe(text);
  for (const piece of pieces) expect((piece.text ?? piece.delta.content ?? "").isWellFormed()).toBe(true);
}
