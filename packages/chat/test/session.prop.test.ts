// Turns are all of a session's state: whatever was done before, an answer is what a fresh model gives for the same turns and seed.

import { fc, test } from "@fast-check/vitest";
import { afterAll, beforeAll, expect } from "vitest";
import { type ChatModel, restoreSession, type Session } from "../src/index.ts";
import { smallModel } from "./support/small-model.ts";

let model: ChatModel; // remembers prefixes in few contexts
let fresh: ChatModel; // evaluates every prompt from its beginning

beforeAll(async () => {
  model = await smallModel({ parallel: 2 });
  fresh = await smallModel({ parallel: 1 });
});

afterAll(async () => {
  await model.dispose();
  await fresh.dispose();
});

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

const OPTIONS = { maxTokens: 5, temperature: 1 };

test.prop([fc.array(step, { minLength: 4, maxLength: 12 })], { numRuns: 25 })("random programs", async (steps) => {
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
        if (users.length === 0) continue;
        if (one.kind === "edit") {
          const turn = users[one.at % users.length] as number;
          for (const each of [session, twin]) each.edit(turn, one.text);
        }
        if (saved.seed === undefined && one.seed === undefined) continue;
        const options = { ...OPTIONS, ...(one.seed !== undefined && { seed: one.seed }) };
        const text = await session.regenerate(options).text();
        expect(text).toBe(await twin.regenerate({ ...options, reuse: false }).text());
        break;
      }
      case "fork":
        sessions.push(session.fork());
        break;
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
        const ended = await answer.result().then(
          () => true,
          () => false,
        );
        if (!ended) expect(session.turns).toEqual(saved.turns);
        continue;
      }
    }
    if (one.kind !== "fork") expect(JSON.parse(JSON.stringify(session))).toEqual(JSON.parse(JSON.stringify(twin)));
  }
  expect(model.stats()).toMatchObject({ running: 0, waiting: 0 });
});
