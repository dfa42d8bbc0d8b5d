// What is measured with engines: each scenario is run by all its engines in turn, round after round.

import { availableParallelism } from "node:os";
import { BROWSERS, type Engine, LL, LL_803, LL_ELSEWHERE, NODE_LLAMA_CPP } from "./engines.ts";
import type { Request } from "./plan.ts";

export interface Scenario {
  readonly name: string;
  /** Of its section in the report. */
  readonly title: string;
  readonly text: string;
  /** Shapes and types: `1.1b Q4_0`. */
  readonly models: readonly string[];
  /** Engines for ggjt files are left out where a model has none. */
  readonly engines: readonly Engine[];
  readonly threads: readonly number[];
  readonly contextTokens: number;
  readonly requests: readonly Request[];
  /** Fewer than asked for, of what takes long. */
  readonly mostRounds?: number;
  /** Start, memory and tokenising are columns, too. */
  readonly isWhole?: boolean;
  /** Another process keeps one core busy. */
  readonly isBusy?: boolean;
}

const CORES = availableParallelism();
const SHORT: Request = { nPrompt: 128, nDecode: 32 };
const Q4_0 = "1.1b Q4_0";

export const SCENARIOS: readonly Scenario[] = [
  {
    name: "speed",
    title: "Prompts and texts",
    text: "A prompt of 128 tokens with 32 more behind it, and a prompt of 512. First token: from the start of the process.",
    models: [
      Q4_0,
      "1.1b Q4_K_M",
      "1.1b Q8_0",
      "qwen3-0.6b Q8_0",
      "qwen3-4b Q4_0",
      "qwen3-4b Q4_K_M",
      "7b Q4_0",
      "moe-64 Q4_K_M",
    ],
    engines: [LL, LL_803, ...NODE_LLAMA_CPP],
    threads: [CORES],
    contextTokens: 1024,
    requests: [SHORT, { nPrompt: 512, nDecode: 0 }],
    isWhole: true,
  },
  {
    name: "lengths",
    title: "Longer prompts",
    text: "Prompts of several lengths, each with 16 tokens behind it.",
    models: [Q4_0, "qwen3-0.6b Q8_0"],
    engines: [LL, LL_803, ...NODE_LLAMA_CPP],
    threads: [CORES],
    contextTokens: 2176,
    requests: [32, 512, 2048].map((nPrompt) => ({ nPrompt, nDecode: 16 })),
  },
  {
    name: "long",
    title: "Very long prompts",
    text: "A prompt of 8,192 tokens with 16 more behind it.",
    models: [Q4_0, "qwen3-0.6b Q8_0"],
    engines: [LL, ...NODE_LLAMA_CPP],
    threads: [CORES],
    contextTokens: 8320,
    requests: [
      { nPrompt: 32, nDecode: 0 },
      { nPrompt: 8192, nDecode: 16 },
    ],
    mostRounds: 3,
  },
  {
    name: "streams",
    title: "Many texts at once",
    text: "Tokens per second of all sequences together, 32 each behind prompts of 32. Weights are read once for all; more than the speed of prompts is out of reach.",
    models: [Q4_0],
    engines: [LL, ...NODE_LLAMA_CPP],
    threads: [CORES],
    contextTokens: 256,
    requests: [
      { nPrompt: 128, nDecode: 0 },
      ...[1, 2, 4, 8, 16].map((streams) => ({ nPrompt: 32, nDecode: 32, streams })),
    ],
  },
  {
    name: "threads",
    title: "Threads",
    text: "With fewer threads.",
    models: [Q4_0],
    engines: [LL, ...NODE_LLAMA_CPP],
    threads: [...new Set([1, Math.ceil(CORES / 2), CORES])],
    contextTokens: 1024,
    requests: [SHORT],
  },
  {
    name: "busy",
    title: "A busy neighbour",
    text: "The same while another process keeps one core busy.",
    models: [Q4_0],
    engines: [LL, ...NODE_LLAMA_CPP],
    threads: [CORES],
    contextTokens: 1024,
    requests: [SHORT],
    isBusy: true,
  },
  {
    name: "elsewhere",
    title: "Older processors, other runtimes",
    text: "Our engine with 128-bit code only, without AVX, and in other runtimes.",
    models: [Q4_0],
    engines: [LL, ...LL_ELSEWHERE],
    threads: [CORES],
    contextTokens: 1024,
    requests: [SHORT],
  },
  {
    name: "browser",
    title: "In a browser",
    text: "Chromium, with one thread. First token: from the start of the page.",
    models: [Q4_0],
    engines: [LL_803, ...BROWSERS],
    threads: [1],
    contextTokens: 1024,
    requests: [SHORT],
    mostRounds: 3,
    isWhole: true,
  },
];

/** A few minutes: one shape, short prompts, of the browsers only a word. */
export function quickScenarios(): Scenario[] {
  return SCENARIOS.filter(({ name }) => name !== "long").map((scenario) => ({
    ...scenario,
    models: [Q4_0],
    requests: scenario.requests.filter(({ nPrompt, streams = 1 }) => nPrompt <= 512 && streams <= 8),
    engines: scenario.engines.map((engine) =>
      engine.script === "run-browser.mjs" ? { ...engine, requests: [{ nPrompt: 16, nDecode: 4 }] } : engine,
    ),
  }));
}
