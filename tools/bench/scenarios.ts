// What is measured with engines: each scenario is run by all its engines in turn, round after round.

import { availableParallelism } from "node:os";
import { BROWSERS, type Engine, LL, NODE_LLAMA_CPP, NODE_LLAMA_CPP_READ } from "./engines.ts";
import type { Request } from "./plan.ts";

export interface Scenario {
  readonly name: "speed" | "browser" | "lengths" | "threads" | "busy";
  /** Undefined: all shapes that were asked for. */
  readonly shape?: string;
  readonly engines: readonly Engine[];
  readonly threads: readonly number[];
  readonly contextTokens: number;
  readonly requests: readonly Request[];
  /** Another process keeps one core busy. */
  readonly isBusy: boolean;
}

const CORES = availableParallelism();
const SHORT: Request = { nPrompt: 128, nDecode: 32 };
const LENGTHS = [32, 128, 512, 1024, 1920];
const rivals = { shape: "1.1b", engines: [LL, ...NODE_LLAMA_CPP] };

export const SCENARIOS: readonly Scenario[] = [
  {
    name: "speed",
    engines: [LL, ...NODE_LLAMA_CPP, NODE_LLAMA_CPP_READ],
    threads: [CORES],
    contextTokens: 2048,
    requests: [SHORT, { nPrompt: 512, nDecode: 0 }],
    isBusy: false,
  },
  {
    name: "browser",
    shape: "1.1b",
    engines: [LL, ...BROWSERS],
    threads: [1],
    contextTokens: 1024,
    requests: [SHORT],
    isBusy: false,
  },
  {
    name: "lengths",
    ...rivals,
    threads: [CORES],
    contextTokens: 2048,
    requests: LENGTHS.map((nPrompt) => ({ nPrompt, nDecode: 16 })),
    isBusy: false,
  },
  {
    name: "threads",
    ...rivals,
    threads: [...new Set([1, Math.ceil(CORES / 2), CORES])],
    contextTokens: 1024,
    requests: [SHORT],
    isBusy: false,
  },
  { name: "busy", ...rivals, threads: [CORES], contextTokens: 1024, requests: [SHORT], isBusy: true },
];

/** Two minutes: the small shape, and of the browsers only a word. */
export function quickScenarios(): Scenario[] {
  return SCENARIOS.map((scenario) => ({
    ...scenario,
    shape: "1.1b",
    threads: scenario.threads.filter(
      (threads) => threads === CORES || (threads < CORES && ["threads", "browser"].includes(scenario.name)),
    ),
    requests: scenario.name === "lengths" ? scenario.requests.filter(({ nPrompt }) => nPrompt <= 512) : [SHORT],
    engines: scenario.engines.map((engine) =>
      engine.script === "run-browser.mjs" ? { ...engine, requests: [{ nPrompt: 16, nDecode: 4 }] } : engine,
    ),
  }));
}
