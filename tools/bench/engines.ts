// The engines, and how one run of each is made: a process of its own, timed from its start.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import type { EnginePlan, EngineResult, Request } from "./plan.ts";

export interface Engine {
  /** As the report names it. */
  readonly name: string;
  readonly format: "ggjt" | "gguf";
  readonly script: string;
  readonly scriptArguments: readonly string[];
  readonly variant?: string;
  /** Instead of those of the scenario, where these would take too long. */
  readonly requests?: readonly Request[];
}

const nodeLlama = (variant: string): Engine => ({
  name:
    variant === ""
      ? "node-llama-cpp"
      : `node-llama-cpp, ${variant.replace("+", " and ").replace("flash", "flash attention")}`,
  format: "gguf",
  script: "run-node-llama-cpp.mjs",
  scriptArguments: [],
  variant,
});

export const LL: Engine = { name: "ll", format: "ggjt", script: "run-ll.ts", scriptArguments: [] };
/** Flash attention is the faster one for long prompts, the other for decoding behind them. */
export const NODE_LLAMA_CPP: readonly Engine[] = [nodeLlama("flash+mmap"), nodeLlama("mmap")];
/** Reads the weights instead of mapping the file, as we do. */
export const NODE_LLAMA_CPP_READ: Engine = nodeLlama("flash");
export const LL_IN_CHROMIUM = "ll in Chromium";
export const BROWSERS: readonly Engine[] = [
  { name: LL_IN_CHROMIUM, format: "ggjt", script: "run-browser.mjs", scriptArguments: ["ll"] },
  { name: "wllama 2 in Chromium", format: "gguf", script: "run-browser.mjs", scriptArguments: ["wllama-2"] },
  { name: "wllama 3 in Chromium", format: "gguf", script: "run-browser.mjs", scriptArguments: ["wllama-3"] },
];

/** One run of one engine. */
export interface EngineRun {
  readonly scenario: string;
  readonly shape: string;
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

/** @throws Error with the end of its error output if the process fails */
export async function runEngine(
  engine: Engine,
  plan: EnginePlan,
  fromSource: boolean,
): Promise<{ firstTokenMs: number; result: EngineResult }> {
  const { requests = plan.requests, variant } = engine;
  const own: EnginePlan = { ...plan, requests, ...(variant === undefined ? {} : { variant }) };
  const startedAtMs = Date.now();
  const line = await run(engine.script, [...engine.scriptArguments, JSON.stringify(own)], fromSource);
  const result = JSON.parse(line) as EngineResult;
  return { firstTokenMs: result.firstTokenAtMs - (result.startedAtMs ?? startedAtMs), result };
}

/** Last line that a script of this folder prints. @throws Error with the end of its error output if it fails */
export async function run(script: string, scriptArguments: readonly string[], fromSource: boolean): Promise<string> {
  const child = spawn(
    process.execPath,
    [...nodeArguments(fromSource), join(import.meta.dirname, script), ...scriptArguments],
    { stdio: ["ignore", "pipe", "pipe"] },
  );
  let output = "";
  let errors = "";
  child.stdout.setEncoding("utf8").on("data", (text) => (output += text));
  child.stderr.setEncoding("utf8").on("data", (text) => (errors += text));
  const [code] = await once(child, "close");
  if (code !== 0) throw new Error(`${script}: exit code ${code}\n${errors.slice(-2000)}`);
  return output.trimEnd().split("\n").at(-1) ?? "";
}
