// What ll-serve adds to the library, and what it keeps its word on. Prints one line of JSON: the largest of 100 in 101 waits for
// /health/live while a prompt of 800 is read; first token and time per token of one stream against the library, in turn; tokens per second
// of 8 streams against the speed of a prompt, which is what rows of many texts could reach, and how much of their time passes through the
// model take; the tokens that a second turn computes.
//   node --conditions=@ll/source tools/bench/measure-serve.ts MODEL [ROUNDS] [TOKENS]

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import type { ChatModel } from "@ll/chat";
import { openModel } from "@ll/chat/node";
import { median, medianRatio } from "./statistics.ts";

/** From the sources, if this is. */
const IS_SOURCE = process.execArgv.some((argument) => argument.endsWith("@ll/source"));
const BIN = join(import.meta.dirname, "../../apps/server", IS_SOURCE ? "src/bin.ts" : "bin/ll-serve.js");
const STREAMS = 8;
const PROMPT_TOKENS = 800;
const CONTEXT_TOKENS = 1024;
const PROBE_EVERY_MS = 5;

const [path, nRounds = "3", nTokens = "32"] = process.argv.slice(2);
if (path === undefined) throw new Error("expected a model file: measure-serve.ts MODEL [ROUNDS] [TOKENS]");
const [rounds, tokens] = [Number(nRounds), Number(nTokens)];

/** One answer, as a client sees it. */
interface Timed {
  readonly firstMs: number;
  readonly perTokenMs: number;
  readonly cpuPerTokenMs: number;
}

/** Of all streams together. */
interface Many {
  /** Tokens per second. */
  readonly rate: number;
  readonly withinPasses: number;
}

type Figures = Record<string, number>;

interface Usage {
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
  readonly prompt_tokens_details: { readonly cached_tokens: number };
}

let server!: Awaited<ReturnType<typeof startServer>>;
let library!: ChatModel;
const both: Figures[] = [];
// both ways round: the weights that were read first may lie where memory is a sixth slower, for as long as their process lives
for (const isServerFirst of [true, false]) {
  if (isServerFirst) server = await startServer();
  library = await openModel(path, { contextTokens: CONTEXT_TOKENS, parallel: STREAMS });
  if (!isServerFirst) server = await startServer();
  try {
    both.push(await compared());
    if (both.length < 2) continue;
    const figures = Object.fromEntries(
      Object.keys(both[0] as Figures).map((name) => [name, mean(both.map((one) => one[name] as number))]),
    );
    const waits = await liveWaits();
    figures["live p99, ms"] = waits[Math.floor(waits.length * 0.99)] as number;
    figures["live largest, ms"] = waits.at(-1) as number;
    Object.assign(figures, await secondTurn());
    process.stdout.write(`${JSON.stringify(figures)}\n`);
  } finally {
    await library.dispose();
    server.child.kill("SIGTERM");
    await once(server.child, "close");
  }
}

/** What is compared with the library. */
async function compared(): Promise<Figures> {
  const [own, over]: [Timed[], Timed[]] = [[], []];
  for (let round = -1; round < rounds; round++) {
    const [one, other] = [await alone(round), await streamed(round)];
    if (round < 0) continue; // warms both up
    own.push(one);
    over.push(other);
  }
  const ratio = (of: (one: Timed) => number): number => medianRatio(over.map(of), own.map(of));
  const many: Many[] = [];
  const shares: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const one = await manyRate(round);
    many.push(one);
    shares.push(one.rate / (await promptRate(round)));
  }
  return {
    "added to the first token, ms": median(over.map(({ firstMs }, i) => firstMs - (own[i] as Timed).firstMs)),
    "time per token, times the library": ratio(({ perTokenMs }) => perTokenMs),
    "processor time per token, times the library": ratio(({ cpuPerTokenMs }) => cpuPerTokenMs),
    "library, ms per token": median(own.map(({ perTokenMs }) => perTokenMs)),
    [`${STREAMS} streams, share of the bound`]: median(shares),
    [`${STREAMS} streams, share of the time within passes`]: median(many.map(({ withinPasses }) => withinPasses)),
  };
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

async function startServer(): Promise<{ child: ChildProcess; url: string }> {
  const slots = ["--slots", String(STREAMS), "--contexts", String(STREAMS), "-c", String(CONTEXT_TOKENS)];
  const node = [...process.execArgv, "--no-warnings", BIN];
  const child = spawn(process.execPath, [...node, path as string, "--port", "0", "--log", "none", ...slots], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [line] = await once(child.stdout as NodeJS.ReadableStream, "data"); // its address: it is ready
  return { child, url: String(line).trim() };
}

function ask(body: object, route = "/v1/completions"): Promise<Response> {
  const headers = { "content-type": "application/json" };
  return fetch(`${server.url}${route}`, { method: "POST", headers, body: JSON.stringify(body) });
}

/** Other ids in every round, so that nothing of them is in a cache. */
function ids(n: number, seed: number): number[] {
  const { nVocab } = library.tokenizer;
  const first = Math.min(259, nVocab >> 1); // behind control tokens and bytes
  return Array.from(
    { length: n },
    (_, i) => first + ((Math.imul(i + 7919 * (seed + 2), 2654435761) >>> 8) % (nVocab - first)),
  );
}

/** Milliseconds until /health/live was answered, the longest last. */
async function liveWaits(): Promise<number[]> {
  const waits: number[] = [];
  let isReading = true;
  const reading = ask({ prompt: ids(PROMPT_TOKENS, 100), max_tokens: 1 }).then(async (response) => {
    await response.text();
    isReading = false;
  });
  while (isReading) {
    const start = performance.now();
    await (await fetch(`${server.url}/health/live`)).text();
    waits.push(performance.now() - start);
    await new Promise((resolve) => setTimeout(resolve, PROBE_EVERY_MS));
  }
  await reading;
  return waits.sort((a, b) => a - b);
}

async function alone(round: number): Promise<Timed> {
  const cpu = process.cpuUsage();
  const start = performance.now();
  let firstAt = 0;
  const settings = { maxTokens: tokens, ignoreEos: true, seed: 1, temperature: 0 };
  const answer = library.complete(ids(32, round), settings);
  for await (const event of answer) if (event.type === "text" && firstAt === 0) firstAt = performance.now();
  const { user, system } = process.cpuUsage(cpu);
  return timed(start, firstAt, (user + system) / 1000);
}

async function streamed(round: number): Promise<Timed> {
  const cpu = await cpuMs();
  const start = performance.now();
  let firstAt = 0;
  const body = { prompt: ids(32, round), max_tokens: tokens, ignore_eos: true, seed: 1, temperature: 0, stream: true };
  const response = await ask(body);
  for await (const piece of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
    if (firstAt === 0 && piece.includes('"text":"')) firstAt = performance.now();
  }
  const ended = performance.now();
  return timed(start, firstAt, (await cpuMs()) - cpu, ended);
}

function timed(start: number, firstAt: number, cpu: number, ended: number = performance.now()): Timed {
  return { firstMs: firstAt - start, perTokenMs: (ended - firstAt) / (tokens - 1), cpuPerTokenMs: cpu / tokens };
}

function cpuMs(): Promise<number> {
  return metricMs("process_cpu_seconds_total");
}

async function metricMs(name: string): Promise<number> {
  const text = await (await fetch(`${server.url}/metrics`)).text();
  return 1000 * Number(new RegExp(`^${name} ([\\d.]+)`, "m").exec(text)?.[1]);
}

/** From the time when each has its first token; the time within passes is of all of it. */
async function manyRate(round: number): Promise<Many> {
  const [asked, passes] = [performance.now(), await metricMs("ll_step_seconds_sum")];
  let nBegun = 0;
  let [start, end, drawn] = [0, 0, 0];
  await Promise.all(
    Array.from({ length: STREAMS }, async (_, i) => {
      const prompt = ids(8, 1000 + round * STREAMS + i);
      const body = { prompt, max_tokens: 2 * tokens, ignore_eos: true, seed: i, stream: true, logprobs: 0 };
      let isFirst = true;
      for await (const piece of (await ask(body)).body?.pipeThrough(new TextDecoderStream()) ?? []) {
        if (isFirst && ++nBegun === STREAMS) start = performance.now();
        isFirst = false;
        if (start === 0 || end > 0) continue; // the first to end leaves fewer rows
        for (const [, list = ""] of piece.matchAll(/"token_logprobs":\[([^\]]*)\]/g)) drawn += list.split(",").length;
        if (piece.includes('"finish_reason":"length"')) end = performance.now();
      }
    }),
  );
  const withinPasses = ((await metricMs("ll_step_seconds_sum")) - passes) / (performance.now() - asked);
  return { rate: (1000 * drawn) / (end - start), withinPasses };
}

/** Tokens per second of a prompt alone. */
async function promptRate(round: number): Promise<number> {
  const start = performance.now();
  await library.complete(ids(256, 5000 + round), { maxTokens: 1, reuse: false }).result();
  return (1000 * 256) / (performance.now() - start);
}

async function secondTurn(): Promise<Record<string, number>> {
  const first = { role: "user", content: "A question of some length about a cat and a dog, and where they live?" };
  const turn = async (messages: readonly object[]): Promise<{ content: string; usage: Usage }> => {
    const response = await ask({ messages, max_tokens: 16, ignore_eos: true, seed: 1 }, "/v1/chat/completions");
    const { choices, usage } = (await response.json()) as { choices: { message: { content: string } }[]; usage: Usage };
    return { content: choices[0]?.message.content ?? "", usage };
  };
  const one = await turn([first]);
  const answer = { role: "assistant", content: one.content };
  const { usage } = await turn([first, answer, { role: "user", content: "Why?" }]);
  return {
    "second turn, tokens of the prompt": usage.prompt_tokens,
    "second turn, tokens behind the first prompt": usage.prompt_tokens - one.usage.prompt_tokens,
    "second turn, tokens computed": usage.prompt_tokens - usage.prompt_tokens_details.cached_tokens,
  };
}
