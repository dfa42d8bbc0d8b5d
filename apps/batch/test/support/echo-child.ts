// A worker for the runs with this model, which answers each line with a word and has no engine: node … echo-child.ts URL MODEL

import { createLineRunner } from "../../src/lines/runner.ts";
import { contractOf } from "../../src/model/open.ts";
import { defaultModelParams } from "../../src/model/options.ts";
import { queueName } from "../../src/queue/job.ts";
import { openRedis } from "../../src/queue/redis.ts";
import { startWorker } from "../../src/queue/worker.ts";
import { quietIo } from "./programs.ts";

const [url, model] = process.argv.slice(2) as [string, string];
const { fingerprint, terms } = await contractOf({ ...defaultModelParams(), model }, quietIo, true);
const handler = async () => Response.json({ choices: [{ text: "y" }] });
await startWorker({
  redis: await openRedis(url, () => undefined),
  ...{ queue: queueName("lines", fingerprint), name: "echo", runner: createLineRunner(handler, 64, {}), terms },
  ...{ lockMs: 30_000, stalledMs: 15_000, onChunk: () => undefined, say: () => undefined },
}).ended;
