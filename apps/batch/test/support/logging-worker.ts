// A worker that notes every line when the model has read its prompt, and takes nothing while there are more results than a file says.
// Those count that the queue holds, too: a coordinator that is slow, or finds Redis again later than the workers, takes them at once.
// node … logging-worker.ts MODEL URL NAME LOG RESULTS GATE

import { appendFileSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { createHandler } from "@ll/openai-api";
import { createLineRunner } from "../../src/lines/runner.ts";
import { contractOf, openModel } from "../../src/model/open.ts";
import { defaultModelParams } from "../../src/model/options.ts";
import { lateKey, queueName } from "../../src/queue/job.ts";
import { openRedis } from "../../src/queue/redis.ts";
import { startWorker } from "../../src/queue/worker.ts";
import { quietIo, resultsIn } from "./programs.ts";

const [model, url, name, log, kept, gate] = process.argv.slice(2) as [string, string, string, string, string, string];
const params = { ...defaultModelParams(), model, contextTokens: 256, parallel: 2, threads: 1 };
const contract = await contractOf(params, quietIo, true);
const opened = await openModel(contract, params);
const note = (): void => appendFileSync(log, `${name}\n`);
const handler = createHandler(opened.model, {
  ...{ created: 0, maxChoices: 16 },
  observe: () => ({
    event(index, event) {
      if (index === 0 && event.type === "prompt" && event.done === event.total) note();
    },
    end: () => undefined,
    fail: () => undefined,
  }),
});
const runner = createLineRunner(
  (input, init) => {
    if (String(input).endsWith("/embeddings")) note(); // nobody observes these
    return handler(input, init);
  },
  2,
  opened.facts,
);
const say = (text: string): void => void process.stderr.write(`${text}\n`);
const redis = await openRedis(url, say);
const queue = queueName("lines", contract.fingerprint);
const done = async (): Promise<number> =>
  (await redis.zcard(`bull:${queue}:completed`)) + (await redis.llen(lateKey(queue))) + resultsIn(kept);
const gated = {
  ...runner,
  async ready(): Promise<void> {
    await runner.ready();
    while ((await done()) > Number(readFileSync(gate, "utf8"))) await sleep(20);
  },
};
await startWorker({
  ...{ redis, queue, name, runner: gated, say },
  ...{ terms: contract.terms, lockMs: 2000, stalledMs: 1000, onChunk: () => undefined },
}).ended;
