// Answers the lines of chunks: several at a time, of several chunks, by one model.

import { createHandler, type Handler } from "@ll/openai-api";
import type { JobRunner, Product } from "../jobs/job-kind.ts";
import type { OpenedModel } from "../model/open.ts";
import { answerEntry, EngineFailure } from "./answer.ts";
import type { Entry } from "./entry.ts";

/** Most `n` of a request, on every machine, however many sequences it runs at the same time. */
const MOST_CHOICES = 16;

/** The runner of a model. */
export function linesOfModel({ model, facts, close }: OpenedModel): JobRunner {
  let reason: unknown;
  const handler = createHandler(model, {
    created: 0,
    maxChoices: MOST_CHOICES,
    onError: (error) => {
      reason = error;
    },
  });
  const { parallel } = model.info;
  const runner = createLineRunner(handler, parallel, facts);
  return {
    ...runner,
    run: (payload, signal) =>
      runner.run(payload, signal).catch((error: unknown) => {
        throw error instanceof EngineFailure && reason !== undefined ? reason : error; // in the engine's own words
      }),
    close,
  };
}

/** @param parallel lines that are answered at the same time; as many again wait, so that no place is ever free for long */
export function createLineRunner(handler: Handler, parallel: number, facts: JobRunner["facts"]): JobRunner {
  let left = 0; // lines without an answer
  let running = 0;
  const waiting: (() => void)[] = []; // lines
  const hungry: (() => void)[] = []; // whoever asks for chunks
  const tell = (): void => {
    while (running < 2 * parallel && waiting.length > 0) {
      running++;
      waiting.shift()?.();
    }
    if (left <= parallel / 2) for (const resolve of hungry.splice(0)) resolve();
  };
  const answered = async (entry: Entry, signal: AbortSignal) => {
    if ("error" in entry) {
      left--; // it waits for nobody: what a line in a queue of many leaves behind is more than the line
      return answerEntry(entry, handler, signal);
    }
    await new Promise<void>((resolve) => {
      waiting.push(resolve);
      tell();
    });
    try {
      signal.throwIfAborted();
      return await answerEntry(entry, handler, signal);
    } finally {
      running--;
      left--;
      tell();
    }
  };
  return {
    facts,
    ready: () =>
      new Promise((resolve) => {
        hungry.push(resolve);
        tell();
      }),
    async run(payload, signal): Promise<Product> {
      const entries = JSON.parse(payload) as readonly Entry[];
      left += entries.length;
      // the others of a chunk are given up with the first that fails
      const given = new AbortController();
      const all = AbortSignal.any([signal, given.signal]);
      const answers = await Promise.all(
        entries.map((entry) =>
          answered(entry, all).catch((error: unknown) => {
            given.abort(error);
            throw error;
          }),
        ),
      );
      return {
        text: answers.map(({ text }) => `${text}\n`).join(""),
        failed: answers.filter(({ isFailed }) => isFailed).length,
      };
    },
    close: async () => undefined,
  };
}
