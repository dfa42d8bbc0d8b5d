// Two replicas of one thread behind HAProxy against one of two threads: tokens per second of 8 streams, in turn, and the ratio of each round.
// node --conditions=@ll/source tools/bench/measure-replicas.ts MODEL [ROUNDS] [TOKENS]

import { startReplicas } from "./replicas.ts";
import { median } from "./statistics.ts";

const STREAMS = 8;

const [model = "", rounds = "5", tokens = "64"] = process.argv.slice(2);
if (model === "") throw new Error("expected a model file: measure-replicas.ts MODEL [ROUNDS] [TOKENS]");

const ratios: number[] = [];
for (let round = 0; round < Number(rounds); round++) {
  const many = await measure(2, 1);
  const one = await measure(1, 2);
  ratios.push(many / one);
  console.log(JSON.stringify({ round, twoOfOneThread: many, oneOfTwoThreads: one, ratio: many / one }));
}
console.log(JSON.stringify({ ratio: median(ratios), tokensPerStream: Number(tokens), streams: STREAMS }));

/** Tokens per second of all streams together, behind the first round that warms up. */
async function measure(nReplicas: number, threads: number): Promise<number> {
  const places = ["--slots", String(STREAMS), "--contexts", String(STREAMS), "-c", "512"];
  const { port, close } = await startReplicas(nReplicas, [model, "--threads", String(threads), ...places]);
  try {
    await streams(port);
    const start = performance.now();
    const drawn = await streams(port);
    return (1000 * drawn) / (performance.now() - start);
  } finally {
    await close();
  }
}

/** Tokens that all streams drew. */
async function streams(port: number): Promise<number> {
  const counts = await Promise.all(
    Array.from({ length: STREAMS }, async (_, i) => {
      const body = { messages: [{ role: "user", content: `${i}. Tell me a story.` }], seed: i, ignore_eos: true };
      const response = await fetch(`http://127.0.0.1:${port}/v1/chat/completions`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ ...body, max_tokens: Number(tokens) }),
      });
      if (!response.ok) throw new Error(`status ${response.status}: ${await response.text()}`);
      return ((await response.json()) as { usage: { completion_tokens: number } }).usage.completion_tokens;
    }),
  );
  return counts.reduce((sum, n) => sum + n, 0);
}
