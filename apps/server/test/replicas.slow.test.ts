// Replicas behind the real HAProxy, with the configuration of examples/scale: conversations stay where their cache is, restarts and full
// replicas fail nobody, and a replica that is killed takes nothing with it that cannot be had again, to the character.
// LL_SCALE=full takes the counts of the specification; the figures of time are for reading.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type ChatModel, openModel } from "@ll/chat";
import { createHandler } from "@ll/openai-api";
import OpenAI from "openai";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { SHORT_TEMPLATE, tinyModel } from "../../../tools/tiny-model.ts";
import { type Cluster, EXAMPLES, NO_HAPROXY, startCluster, streamChat } from "./support/replicas.ts";
import { ask } from "./support/test-server.ts";

const CHAT = "/v1/chat/completions";
const IS_FULL = process.env["LL_SCALE"] === "full";
const CONVERSATIONS = IS_FULL ? 200 : 40;
const REFUSALS = IS_FULL ? 10_000 : 240;
const TURNS = 5;
const CONTEXT = 512;

let model: ChatModel;
let alone: ReturnType<typeof createHandler>;

beforeAll(async () => {
  model = await openModel(await tinyModel("q4_0"), { template: SHORT_TEMPLATE, contextTokens: CONTEXT, parallel: 8 });
  alone = createHandler(model, { names: ["tiny"] });
});

afterAll(() => model.dispose());

/** The answer of a model without a server. */
async function golden(body: object): Promise<string> {
  const init = { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
  const response = await alone(new Request(`http://ll.invalid${CHAT}`, init));
  return (await response.json()).choices[0].message.content;
}

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
}

/** How often a replica said that it is full. */
async function refusalsAt(port: number): Promise<number> {
  const { body } = await ask(port, "/metrics");
  return Number(/^ll_requests_total\{route="\/chat\/completions",status="503"\} (\d+)$/m.exec(String(body))?.[1]);
}

/** A story that no other one begins like. */
const story = (i: number) => ({
  messages: [{ role: "user", content: `${i}. Once there was` }],
  ...{ temperature: 1, ignore_eos: true },
});

describe.skipIf(NO_HAPROXY !== undefined)(NO_HAPROXY ?? "three replicas", () => {
  let cluster: Cluster;

  beforeAll(async () => {
    const drain = ["--drain-delay", "2", "--drain-seconds", "60"];
    cluster = await startCluster(3, ["-c", String(CONTEXT), "--slots", "12", "--contexts", "32", ...drain]);
  });

  afterAll(() => cluster.close());

  test(`${CONVERSATIONS} conversations of ${TURNS} turns stay where their cache is`, async () => {
    const { port } = cluster.balancer;
    const total = { prompt: 0, cached: 0, moved: 0 };
    const answered = new Map<string, number>();
    const converse = async (i: number): Promise<void> => {
      const words = Array.from({ length: 60 }, (_, word) => `${(i * 7919 + word * 104_729) % 9973}`).join(" ");
      const first = i % 2 === 0 ? [{ role: "system", content: words }] : [];
      const messages: { role: string; content: string }[] = [...first];
      let home = "";
      for (let turn = 0; turn < TURNS; turn++) {
        messages.push({ role: "user", content: turn === 0 && first.length === 0 ? words : `And ${turn}?` });
        const body = { messages, seed: i * TURNS + turn, max_tokens: 6, temperature: 1 };
        const { status, headers, body: answer } = await ask(port, CHAT, { body });
        expect(status).toBe(200);
        const { content } = answer.choices[0].message;
        expect(content).toBe(await golden(body));
        messages.push({ role: "assistant", content });
        const replica = String(headers["x-replica"]);
        answered.set(replica, (answered.get(replica) ?? 0) + 1);
        if (turn === 0) {
          home = replica;
          continue;
        }
        if (replica !== home) total.moved++;
        total.prompt += answer.usage.prompt_tokens;
        total.cached += answer.usage.prompt_tokens_details.cached_tokens;
      }
    };
    let next = 0;
    const client = async (): Promise<void> => {
      while (next < CONVERSATIONS) await converse(next++);
    };
    await Promise.all(Array.from({ length: Number(process.env["LL_CLIENTS"] ?? 1) }, client));
    const share = total.cached / total.prompt;
    say(
      `${CONVERSATIONS} conversations: ${JSON.stringify(Object.fromEntries(answered))}, ${total.moved} turns moved, ` +
        `${(100 * share).toFixed(1)} % of ${total.prompt} tokens of prompts cached`,
    );
    expect(answered.size).toBe(3);
    expect(share).toBeGreaterThanOrEqual(0.95);
  });

  test("a restart of all replicas, one after the other, under 20 streams, fails nobody", async () => {
    const bodies = Array.from({ length: 20 }, (_, i) => ({ ...story(i), seed: i, max_tokens: 60 }));
    const texts = await Promise.all(bodies.map(golden));
    const failures: unknown[] = [];
    let isOver = false;
    let served = 0;
    const client = async (i: number): Promise<void> => {
      while (!isOver) {
        const answer = await streamChat(cluster.balancer.port, bodies[i]!);
        if (answer.status !== 200 || !answer.isWhole || answer.text !== texts[i]) failures.push(answer);
        served++;
      }
    };
    const clients = bodies.map((_, i) => client(i));
    for (const replica of cluster.replicas) {
      replica.kill("SIGTERM");
      expect(await replica.ended()).toBe(0);
      await replica.start();
      await cluster.balancer.up(cluster.replicas);
    }
    isOver = true;
    await Promise.all(clients);
    say(`rolling restart: ${served} streams`);
    expect(served).toBeGreaterThanOrEqual(bodies.length);
    expect(failures).toEqual([]);
  });

  test("a replica killed under 20 streams breaks its own, which are had again by their seeds", async () => {
    const { port } = cluster.balancer;
    const long = { max_tokens: 400 };
    const begun: string[] = [];
    const streams = Array.from({ length: 20 }, (_, i) =>
      streamChat(port, { ...story(i), ...long }, (name) => begun.push(name)),
    );
    await vi.waitFor(() => expect(begun.length).toBe(20), { timeout: 100_000, interval: 5 });
    const victim = cluster.replicas.find(({ name }) => name === begun.at(-1))!;
    victim.kill("SIGKILL");
    const fresh = await Promise.all(
      Array.from({ length: 20 }, async (_, i) => {
        const body = { ...story(100 + i), seed: i, max_tokens: 8 };
        const { status, body: answer } = await ask(port, CHAT, { body });
        return status === 200 && answer.choices[0].message.content === (await golden(body));
      }),
    );
    expect(fresh).toEqual(fresh.map(() => true));
    const ended = await Promise.all(streams);
    const broken = ended.flatMap((stream, i) => (stream.isWhole ? [] : [{ ...stream, i }]));
    say(
      `killed: ${broken.length} of ${begun.filter((name) => name === victim.name).length} streams of a replica broke`,
    );
    expect(broken.length).toBeGreaterThan(0);
    expect(new Set(broken.map(({ replica }) => replica))).toEqual(new Set([victim.name]));
    for (const [i, { seed, text, isWhole }] of ended.entries()) {
      const body = { ...story(i), ...long, seed };
      const whole = isWhole ? text : (await streamChat(port, body)).text;
      expect(whole).toBe(await golden(body));
      expect(whole.startsWith(text)).toBe(true);
    }
    expect(await victim.ended()).toBe("SIGKILL");
    await victim.start();
    await cluster.balancer.up(cluster.replicas);
  });

  test("the client of docs/scale.md goes on where a stream broke", async () => {
    const page = readFileSync(join(EXAMPLES, "../../docs/scale.md"), "utf8");
    const code = /^```js\n(.*?)^```$/ms.exec(page)?.[1] ?? "";
    const { chat } = await import(`data:text/javascript,${encodeURIComponent(`${code}export { chat };`)}`);
    const client = new OpenAI({ baseURL: `http://127.0.0.1:${cluster.balancer.port}/v1`, apiKey: "-", maxRetries: 0 });
    const body = { ...story(7), model: "tiny", seed: 3, max_tokens: 400 };
    const { replica } = await streamChat(cluster.balancer.port, { ...body, max_tokens: 1 });
    const victim = cluster.replicas.find(({ name }) => name === replica)!;
    let text = "";
    for await (const piece of chat(client, body)) {
      if (text === "") victim.kill("SIGKILL");
      text += piece;
    }
    expect(text).toBe(await golden(body));
    expect(await victim.ended()).toBe("SIGKILL");
    await victim.start();
  });
});

describe.skipIf(NO_HAPROXY !== undefined)(NO_HAPROXY ?? "two replicas, ten times too few", () => {
  const [SLOTS, QUEUE, REPLICAS] = [2, 4, 2];
  const CLIENTS = 10 * REPLICAS * (SLOTS + QUEUE);

  test("answer or say when to come again, and stay as large as they are", async () => {
    const cluster = await startCluster(REPLICAS, ["-c", "128", "--slots", String(SLOTS), "--queue", String(QUEUE)]);
    const { replicas, balancer } = cluster;
    const bodies = Array.from({ length: 12 }, (_, i) => ({ ...story(i), seed: i, max_tokens: 100 }));
    const texts = await Promise.all(bodies.map(golden));
    const quiet = await streamChat(balancer.port, bodies[0]!);
    expect(quiet.text).toBe(texts[0]);

    const figures = { served: 0, refusedMs: [] as number[], liveMs: [] as number[], pauses: [] as number[] };
    const failures: unknown[] = [];
    const overload = async (nRefused: number): Promise<void> => {
      const [servedBefore, refusedBefore] = [figures.served, figures.refusedMs.length];
      const isEnough = () => figures.served > servedBefore && figures.refusedMs.length - refusedBefore >= nRefused;
      const client = async (_: unknown, i: number): Promise<void> => {
        const [body, text] = [bodies[i % bodies.length]!, texts[i % bodies.length]];
        while (!isEnough()) {
          const answer = await streamChat(balancer.port, body);
          const isRefused = answer.status === 503 && Number(answer.retryAfter) >= 1;
          if (isRefused) figures.refusedMs.push(answer.ms);
          else if (answer.status === 200 && answer.isWhole && answer.text === text) figures.served++;
          else failures.push(answer);
          figures.pauses.push(...answer.pauses);
          if (isRefused) await new Promise((resolve) => setTimeout(resolve, 200)); // sooner than it was told
        }
      };
      const watch = async (): Promise<void> => {
        while (!isEnough()) {
          for (const { port } of replicas) {
            const start = performance.now();
            const { status } = await ask(port, "/health/live");
            if (status !== 200) failures.push(status);
            figures.liveMs.push(performance.now() - start);
          }
          await new Promise((resolve) => setTimeout(resolve, 50));
        }
      };
      await Promise.all([watch(), ...Array.from({ length: CLIENTS }, client)]);
    };
    await overload(REFUSALS / 2);
    const before = replicas.map((replica) => replica.residentBytes());
    await overload(REFUSALS);
    const grown = replicas.map((replica, i) => replica.residentBytes() - before[i]!);
    const refusals = await Promise.all(replicas.map(({ port }) => refusalsAt(port)));
    await cluster.close();

    const { served, refusedMs, liveMs, pauses } = figures;
    const ms = (values: readonly number[]): string =>
      `p50 ${quantile(values, 0.5).toFixed(1)} ms, p99 ${quantile(values, 0.99).toFixed(1)} ms`;
    say(
      `overload: ${served} served, ${refusedMs.length} refused after ${ms(refusedMs)}; live ${ms(liveMs)}; ` +
        `between tokens ${ms(pauses)}, alone ${ms(quiet.pauses)}; grown by ${grown.map((n) => (n / 2 ** 20).toFixed(1))} MiB`,
    );
    expect(failures).toEqual([]);
    // whoever is refused in the end has asked both, and nobody twice
    const asked = refusals.reduce((sum, n) => sum + n, 0);
    expect(asked).toBeLessThanOrEqual(2 * refusedMs.length + served);
    for (const bytes of grown) expect(bytes).toBeLessThan(32 * 2 ** 20);
  });
});
