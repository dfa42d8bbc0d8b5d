// Clients that come again and again, each with a connection of its own, as a process of its own: what they wait for is none of the servers'.
// Prints its figures as one line of JSON.   node overload-clients.ts PORT,PORT CLIENTS SECONDS

import { request } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";

export interface ClientFigures {
  readonly served: number;
  readonly failures: readonly string[];
  /** From the request to a 503 that says when to come again. */
  readonly refusedMs: readonly number[];
  /** Between two tokens of an answer. */
  readonly pauses: readonly number[];
  readonly cpuSeconds: number;
}

/**
 * Who is refused comes again after that, up to half of it sooner or later, which is sooner than it was told: clients that all come at once
 * would wait for each other.
 */
const AGAIN_MS = 200;
const TOKENS = 100;
const STORIES = 12;

interface Came {
  readonly status: number;
  readonly isWhole: boolean;
  readonly retryAfter: number;
}

if (import.meta.main) {
  const [ports = "", clients = "1", seconds = "1"] = process.argv.slice(2);
  const all = ports.split(",").map(Number);
  const figures = { served: 0, failures: [] as string[], refusedMs: [] as number[], pauses: [] as number[] };
  const end = performance.now() + 1000 * Number(seconds);
  const client = async (i: number): Promise<void> => {
    await sleep(AGAIN_MS * Math.random());
    while (performance.now() < end) {
      const start = performance.now();
      const { status, isWhole, retryAfter } = await ask(all[i % all.length] as number, i % STORIES, figures.pauses);
      if (status === 200 && isWhole) figures.served++;
      else if (status === 503 && retryAfter >= 1) {
        figures.refusedMs.push(performance.now() - start);
        await sleep(AGAIN_MS * (0.5 + Math.random()));
      } else figures.failures.push(`${status}${isWhole ? "" : ", broken"}`);
    }
  };
  await Promise.all(Array.from({ length: Number(clients) }, (_, i) => client(i)));
  const { user, system } = process.cpuUsage();
  process.stdout.write(JSON.stringify({ ...figures, cpuSeconds: (user + system) / 1e6 }));
}

/** A story as a stream. @param pauses gets the milliseconds between its texts */
function ask(port: number, story: number, pauses: number[]): Promise<Came> {
  const body = {
    messages: [{ role: "user", content: `${story}. Once there was` }],
    ...{ seed: story, max_tokens: TOKENS, temperature: 1, ignore_eos: true, stream: true },
  };
  return new Promise((resolve) => {
    let [status, retryAfter, textAt, tail] = [0, 0, 0, ""];
    const done = (): void =>
      resolve({ status, retryAfter, isWhole: status !== 200 || tail.endsWith("data: [DONE]\n\n") });
    const headers = { "content-type": "application/json" };
    const path = "/v1/chat/completions";
    const outgoing = request({ host: "127.0.0.1", port, path, method: "POST", headers, agent: false }, (incoming) => {
      status = incoming.statusCode ?? 0;
      retryAfter = Number(incoming.headers["retry-after"]);
      incoming.setEncoding("utf8").on("data", (piece: string) => {
        tail = `${tail}${piece}`.slice(-20);
        if (!piece.includes('"content":"')) return;
        const now = performance.now();
        if (textAt > 0) pauses.push(now - textAt);
        textAt = now;
      });
      incoming.on("error", () => undefined).on("close", done);
    });
    outgoing.on("error", done).end(JSON.stringify(body));
  });
}
