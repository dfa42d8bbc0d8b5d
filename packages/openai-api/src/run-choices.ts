// The answers of one request: n for each prompt, of which the first reads it, so that the others find it read.

import type { Answer, AnswerEvent, AnswerResult } from "@ll/chat";

export type StartAnswer = (seed: number) => Answer;

export type ChoiceEvent = Exclude<AnswerEvent, { type: "tool-result" | "finish" }>;

export interface Choices {
  /** Every prompt has been taken: whatever is refused is refused before. */
  readonly accepted: Promise<unknown>;
  /** In order: prompt · n + choice. */
  readonly results: Promise<readonly AnswerResult[]>;
  cancel(reason: unknown): void;
}

/**
 * @param starts one for each prompt
 * @param seed of choice 0; choice i has seed + i
 * @param onEvent what happens in a choice
 */
export function runChoices(
  starts: readonly StartAnswer[],
  n: number,
  seed: number,
  onEvent: (index: number, event: ChoiceEvent) => void,
): Choices {
  const answers: Answer[] = [];
  let ended: { readonly reason: unknown } | undefined;
  const cancel = (reason: unknown): void => {
    ended ??= { reason };
    for (const answer of answers) answer.cancel(reason);
  };

  async function follow(index: number, start: StartAnswer, taken: Signal, read: Signal): Promise<AnswerResult> {
    if (ended !== undefined) throw ended.reason;
    const answer = start((seed + (index % n)) >>> 0);
    answers.push(answer);
    for await (const event of answer) {
      if (event.type === "prompt") {
        taken.give();
        if (event.done === event.total) read.give();
      }
      if (event.type !== "tool-result" && event.type !== "finish") onEvent(index, event);
    }
    return answer.result();
  }

  const accepted: Promise<void>[] = [];
  const runs = starts.flatMap((start, prompt) => {
    const taken = signal();
    const read = signal();
    const first = follow(prompt * n, start, taken, read);
    first.then(taken.give, taken.fail);
    first.then(read.give, read.give);
    accepted.push(taken.given);
    const others = Array.from({ length: n - 1 }, async (_, i) => {
      await read.given;
      return follow(prompt * n + i + 1, start, signal(), signal());
    });
    return [first, ...others];
  });
  const results = Promise.all(runs);
  results.catch(cancel); // one that fails ends the others
  const all = Promise.all(accepted);
  all.catch(() => undefined);
  return { accepted: all, results, cancel };
}

interface Signal {
  readonly given: Promise<void>;
  give(): void;
  fail(reason: unknown): void;
}

function signal(): Signal {
  let give: () => void = () => undefined;
  let fail: (reason: unknown) => void = () => undefined;
  const given = new Promise<void>((resolve, reject) => {
    give = resolve;
    fail = reject;
  });
  given.catch(() => undefined);
  return { given, give: () => give(), fail: (reason) => fail(reason) };
}
