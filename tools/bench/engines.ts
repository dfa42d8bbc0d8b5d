// The engines, and how one run of each is made: a process of its own, timed from its start.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { COMMANDS } from "../runtimes.ts";
import type { EnginePlan, EngineResult, Request } from "./plan.ts";

export interface Engine {
  /** As the report names it. */
  readonly name: string;
  readonly format: "ggjt" | "gguf";
  readonly script: string;
  readonly scriptArguments?: readonly string[];
  readonly variant?: string;
  /** What runs the script; this Node if left out. */
  readonly command?: readonly string[];
  /** Instead of those of the scenario, where these would take too long. */
  readonly requests?: readonly Request[];
}

const nodeLlama = (variant: string): Engine => ({
  name: `node-llama-cpp, ${variant.replace("+", " and ").replace("flash", "flash attention")}`,
  format: "gguf",
  script: "run-node-llama-cpp.mjs",
  variant,
});

const ll = (name: string, command?: readonly string[]): Engine => ({
  name,
  format: "gguf",
  script: "run-ll.ts",
  ...(command === undefined ? {} : { command }),
});

/** The arithmetic of GGUF files of today. */
export const LL: Engine = ll("ll");
/** A ggjt file, in the order of sums of build 803 of llama.cpp. */
export const LL_803: Engine = { ...LL, name: "ll, build 803", format: "ggjt" };
/** Flash attention is the faster one for long prompts, the other for decoding behind them. */
export const NODE_LLAMA_CPP: readonly Engine[] = [nodeLlama("flash+mmap"), nodeLlama("mmap")];

const page = (name: string, script: string, format: Engine["format"]): Engine => ({
  name,
  format,
  script: "run-browser.mjs",
  scriptArguments: [script],
});
export const LL_IN_CHROMIUM: Engine = page("ll in Chromium", "ll", "ggjt");
export const BROWSERS: readonly Engine[] = [
  LL_IN_CHROMIUM,
  page("wllama 2 in Chromium", "wllama-2", "gguf"),
  page("wllama 3 in Chromium", "wllama-3", "gguf"),
];

/** Our engine as processors of other ages run it, and in other runtimes. */
export const LL_ELSEWHERE: readonly Engine[] = [
  ll("ll, 128-bit code", [process.execPath, "--no-enable-avx2"]),
  ll("ll, no AVX", [process.execPath, "--no-enable-avx"]),
  ...["Node 22", "Node 24", "Deno", "Bun"].map((name) => ll(`ll in ${name}`, COMMANDS[name])),
];

/** One run of one engine. */
export interface EngineRun {
  readonly scenario: string;
  /** `1.1b Q4_0`: shape and type. */
  readonly model: string;
  readonly threads: number;
  readonly engine: string;
  /** Runs of the same round happened side by side. */
  readonly round: number;
  /** From the start of the process (in browsers: of the page) to the choice of the first token. */
  readonly firstTokenMs: number;
  readonly result: EngineResult;
}

/** Node's own conditions: our packages as they are built, or their sources. */
export function nodeArguments(fromSource: boolean): string[] {
  return fromSource ? ["--conditions=@ll/source"] : [];
}

/** Engines hang now and then, one of their threads waiting for another for ever; the slowest run here takes a third of it. */
const ENGINE_LIMIT_MS = 600_000;

/** @throws Error with the end of its error output if the process fails */
export async function runEngine(
  engine: Engine,
  plan: EnginePlan,
  fromSource: boolean,
): Promise<{ firstTokenMs: number; result: EngineResult }> {
  const { requests = plan.requests, variant, scriptArguments = [], command } = engine;
  const own: EnginePlan = { ...plan, requests, ...(variant === undefined ? {} : { variant }) };
  const startedAtMs = Date.now();
  const line = await run(
    engine.script,
    [...scriptArguments, JSON.stringify(own)],
    fromSource,
    command,
    ENGINE_LIMIT_MS,
  );
  const result = JSON.parse(line) as EngineResult;
  return { firstTokenMs: result.firstTokenAtMs - (result.startedAtMs ?? startedAtMs), result };
}

/** Last line that a script of this folder prints. @throws Error with the end of its error output if it fails */
export async function run(
  script: string,
  scriptArguments: readonly string[],
  fromSource: boolean,
  [program = process.execPath, ...programArguments]: readonly string[] = [],
  limitMs?: number,
): Promise<string> {
  const child = spawn(
    program,
    [...programArguments, ...nodeArguments(fromSource), join(import.meta.dirname, script), ...scriptArguments],
    {
      stdio: ["ignore", "pipe", "pipe"],
      killSignal: "SIGKILL",
      ...(limitMs === undefined ? {} : { timeout: limitMs }),
    },
  );
  let output = "";
  let errors = "";
  child.stdout.setEncoding("utf8").on("data", (text) => (output += text));
  child.stderr.setEncoding("utf8").on("data", (text) => (errors += text));
  const [code, signal] = await once(child, "close");
  if (code !== 0) throw new Error(`${script}: ${signal ?? `exit code ${code}`}\n${errors.slice(-2000)}`);
  return output.trimEnd().split("\n").at(-1) ?? "";
}
