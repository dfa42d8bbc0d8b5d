// A worker whose model answers with the id, and a coordinator for it that reports its memory:
// node … echo-child.ts work URL | run URL IN OUT

import { openFileSource } from "@ll/bytes/node";
import { joinResults, openResults } from "../../src/jobs/results.ts";
import { cutLines } from "../../src/lines/cut.ts";
import { placedEntries } from "../../src/lines/entry.ts";
import { createLineRunner } from "../../src/lines/runner.ts";
import { createSeenIds } from "../../src/lines/seen-ids.ts";
import { coordinate } from "../../src/queue/coordinator.ts";
import { openRedis } from "../../src/queue/redis.ts";
import { startWorker } from "../../src/queue/worker.ts";

const QUEUE = "ll-lines-echo";
const [command, url, input, output] = process.argv.slice(2) as [string, string, string, string];
const redis = await openRedis(url, () => undefined);

if (command === "work") {
  const handler = async () => Response.json({ choices: [{ text: "y" }] });
  await startWorker({
    ...{ redis, queue: QUEUE, name: "echo", runner: createLineRunner(handler, 64, {}), terms: {} },
    ...{ lockMs: 30_000, stalledMs: 15_000, onChunk: () => undefined, say: () => undefined },
  }).ended;
} else {
  const source = await openFileSource(input);
  const mostRss = [0, 0]; // in each half of the input
  let bytes = 0;
  setInterval(() => {
    const half = bytes < source.byteLength / 2 ? 0 : 1;
    mostRss[half] = Math.max(mostRss[half] ?? 0, process.memoryUsage.rss());
  }, 20).unref();
  const results = await openResults(`${output}.ll-batch`, {});
  let lines = 0;
  const entries = placedEntries(source, { model: "echo", seen: createSeenIds() });
  const chunks = cutLines(entries, { done: [], fingerprint: "echo", chunkLines: () => 256 });
  await coordinate(chunks, results, {
    ...{ redis, queue: QUEUE, checkEvery: 0, signal: new AbortController().signal, onWorkers: () => undefined },
    onChunk: (chunk) => {
      lines += chunk.units;
      bytes += chunk.bytes;
    },
  });
  await joinResults(results, output, [input]);
  await source.close();
  redis.disconnect();
  process.stdout.write(JSON.stringify({ rssMb: mostRss.map((rss) => Math.round(rss / 1e6)), lines }));
}
