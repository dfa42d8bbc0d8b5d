// Random programs of a session, and what they must do: whatever was done before, an answer is what a fresh model gives for the same turns
// and seed, and what is cancelled leaves no trace.

import { fc } from "@fast-check/vitest";
import { expect } from "vitest";
import { type ChatModel, restoreSession, type Session } from "../../src/index.ts";

const seed = fc.nat({ max: 1000 });
const words = fc.constantFrom("Hello.", "Who?", "A cat and a dog.", "Tell me more about it, please.", "é🦙");
const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("ask" as const), text: words, seed }) },
  fc.record({ kind: fc.constant("regenerate" as const), seed: fc.option(seed, { nil: undefined }) }),
  fc.record({ kind: fc.constant("edit" as const), at: fc.nat(), text: words, seed }),
  fc.record({ kind: fc.constant("fork" as const) }),
  fc.record({ kind: fc.constant("switch" as const), to: fc.nat() }),
  fc.record({ kind: fc.constant("restore" as const) }),
  fc.record({ kind: fc.constant("abort" as const), text: words, seed, after: fc.nat({ max: 4 }) }),
);

export const sessionProgram = fc.array(step, { minLength: 4, maxLength: 12 });

export type SessionProgram = typeof sessionProgram extends fc.Arbitrary<infer Steps> ? Steps : never;

const OPTIONS = { maxTokens: 5, temperature: 1 };

/**
 * @param model remembers prefixes in few contexts
 * @param fresh evaluates every prompt from its beginning
 */
export async function runProgram(steps: SessionProgram, model: ChatModel, fresh: ChatModel): Promise<void> {
  const sessions: Session[] = [model.session()];
  let at = 0;
  for (const one of steps) {
    const session = sessions[at] as Session;
    const saved = JSON.parse(JSON.stringify(session));
    const twin = restoreSession(fresh, saved);
    const users = session.turns.flatMap(({ role }, i) => (role === "user" ? [i] : []));
    switch (one.kind) {
      case "ask": {
        const options = { ...OPTIONS, seed: one.seed };
        const text = await session.ask(one.text, options).text();
        expect(text).toBe(await twin.ask(one.text, { ...options, reuse: false }).text());
        break;
      }
      case "edit":
      case "regenerate": {
        if (users.length === 0 || (saved.seed === undefined && one.seed === undefined)) continue;
        if (one.kind === "edit") {
          const turn = users[one.at % users.length] as number;
          for (const each of [session, twin]) each.edit(turn, one.text);
        }
        const options = { ...OPTIONS, ...(one.seed !== undefined && { seed: one.seed }) };
        const text = await session.regenerate(options).text();
        expect(text).toBe(await twin.regenerate({ ...options, reuse: false }).text());
        break;
      }
      case "fork":
        sessions.push(session.fork());
        continue;
      case "switch":
        at = one.to % sessions.length;
        continue;
      case "restore":
        sessions[at] = restoreSession(model, saved);
        continue;
      case "abort": {
        const answer = session.ask(one.text, { ...OPTIONS, seed: one.seed });
        let n = 0;
        for await (const _ of answer) if (n++ >= one.after) break;
        const isWhole = await answer.result().then(
          () => true,
          () => false,
        );
        if (!isWhole) expect(JSON.parse(JSON.stringify(session))).toEqual(saved);
        continue;
      }
    }
    expect(JSON.parse(JSON.stringify(session))).toEqual(JSON.parse(JSON.stringify(twin)));
  }
  expect(model.stats()).toMatchObject({ running: 0, waiting: 0 });
}
