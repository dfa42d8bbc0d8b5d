// The examples of the README but the one for pages, as one function: the tests run it on every runtime.

import { z } from "zod";
import type { ChatModel, restoreSession } from "../../src/index.ts";

/** `@ll/chat` or `@ll/chat/node`, from wherever it was installed. */
export interface Library {
  readonly openModel: (from: Uint8Array) => Promise<ChatModel>;
  readonly restoreSession: typeof restoreSession;
}

const Person = z.object({ name: z.string().max(20), born: z.int().min(1000).max(2100) });

export type Person = z.infer<typeof Person>;

/** @param bytes of the embedded model; @returns plain data */
export async function runExamples({ openModel, restoreSession }: Library, bytes: Uint8Array) {
  const model = await openModel(bytes);

  // 1: a sentence
  const sentence = await model.complete("Once upon a time", { maxTokens: 40, seed: 1 }).text();

  // 2: a chat that streams
  const story = model.chat("Tell me a story.", { temperature: 0.7, seed: 1, maxTokens: 40 });
  let streamed = "";
  for await (const text of story.textStream) streamed += text;

  // 3: a session remembers, answers anew, branches and is saved
  const session = model.session({ system: "You answer in one sentence." });
  const first = await session.ask("Who was Ada Lovelace?", { seed: 7, maxTokens: 12 }).text();
  const other = session.fork();
  const anew = await other.regenerate({ temperature: 1, maxTokens: 12 }).result();
  const restored = restoreSession(model, JSON.parse(JSON.stringify(session)));
  const next = await Promise.all(
    [restored, session].map((one) => one.ask("And then?", { seed: 3, maxTokens: 8 }).text()),
  );

  // 4: JSON, typed by zod
  const person: Person = await model.chat("Ada Lovelace, 1815.", { schema: Person, temperature: 0 }).json();

  // 5: tools
  const weather = model.chat("What is the weather in Rome?", {
    tools: {
      weather: {
        description: "Weather of a city",
        parameters: z.object({ city: z.enum(["Rome", "Bern"]) }),
        run: ({ city }: { city: string }) => `sunny in ${city}`,
      },
    },
    toolChoice: "required",
    parallelToolCalls: false,
    seed: 1,
    maxTokens: 60,
  });
  const calls: unknown[] = [];
  for await (const event of weather) {
    if (event.type === "tool-call") calls.push(event.call.name, event.call.arguments);
    if (event.type === "tool-result") calls.push(event.result, event.isError);
  }
  const { messages } = await weather.result();

  // 6: stopped by a signal, and by leaving the loop
  const controller = new AbortController();
  const aborted = model.chat("Count to a million.", { signal: controller.signal, seed: 1 });
  let nPieces = 0;
  const ends: unknown[] = [];
  try {
    for await (const _ of aborted.textStream) if (++nPieces === 3) controller.abort(new Error("enough"));
  } catch (error) {
    ends.push((error as Error).message);
  }
  const left = model.chat("Count to a million.", { seed: 1 });
  for await (const text of left.textStream) if (text.includes("a")) break;
  await left.result().catch(({ code }) => ends.push(code));
  const { running, waiting } = model.stats();

  // 7: embeddings, and sixteen answers at once
  const [a, b] = await model.embed(["a cat", "a dog"]);
  const similarity = (a as Float32Array).reduce((sum, x, i) => sum + x * ((b as Float32Array)[i] as number), 0);
  const questions = Array.from({ length: 16 }, (_, i) => `Question ${i}?`);
  const options = { seed: 1, maxTokens: 12 };
  const answers = await Promise.all(questions.map((q) => model.chat(q, options).text()));
  const alone: string[] = [];
  for (const q of questions) alone.push(await model.chat(q, { ...options, reuse: false }).text());

  await model.dispose();
  return {
    sentence,
    streams: { streamed, whole: await story.text() },
    session: { first, anew: anew.text, seed: anew.seed, roles: session.turns.map(({ role }) => role), next },
    person,
    tools: { calls, roles: messages.map(({ role }) => role) },
    ends: { ends, running, waiting },
    many: { similarity: similarity.toFixed(4), answers, alone },
  };
}
