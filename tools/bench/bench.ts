// Compares our engine with its peers, side by side on this machine. See README.md.
//   node --conditions=@ll/source tools/bench/bench.ts [--quick] [--publish] …

import { spawn, spawnSync } from "node:child_process";
import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, cpus, loadavg, totalmem } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { type EngineRun, runEngine } from "./engines.ts";
import { type BenchModel, benchModel, f16Model, ggjtModel, textPath, warmPageCache } from "./models.ts";
import {
  measureAbort,
  measureBounds,
  measureDrafts,
  measureQuantize,
  measureSampling,
  measureServe,
  measureTokenizer,
  type PartRun,
  quantizeTypes,
} from "./parts.ts";
import { promptIds } from "./plan.ts";
import { plot } from "./plot.ts";
import { type BenchResult, report } from "./report.ts";
import { quickScenarios, SCENARIOS, type Scenario } from "./scenarios.ts";
import { indexPage, withSummary } from "./summary.ts";

const ROOT = join(import.meta.dirname, "..", "..");
const OUT = join(ROOT, "bench-out");
const DOCS = join(ROOT, "docs");
const PAGES = join(DOCS, "performance");
/** What was measured, run by run: a bench that was stopped goes on there. */
const RUNS = join(OUT, "runs.jsonl");

const { values: options } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    publish: { type: "boolean", default: false },
    source: { type: "boolean", default: false },
    fresh: { type: "boolean", default: false },
    runs: { type: "string" },
    only: { type: "string" },
    models: { type: "string" },
  },
});
const rounds = Number(options.runs ?? (options.quick ? 1 : 5));
const fromSource = options.source;
const commit = git("rev-parse", "--short", "HEAD");

await main();

async function main(): Promise<void> {
  if (!existsSync(join(import.meta.dirname, "node_modules"))) throw new Error("install the peers first: see README.md");
  mkdirSync(OUT, { recursive: true });
  if (options.fresh) rmSync(RUNS, { force: true });
  const loadAtStart = loadavg()[0] as number; // before the build, which is work itself
  if (!fromSource) build();
  const startedAt = new Date().toISOString();
  const known = readRuns();
  const engineRuns: EngineRun[] = [];
  const partRuns: PartRun[] = [];

  for (const scenario of options.quick ? quickScenarios() : SCENARIOS) {
    if (!isWanted(scenario.name)) continue;
    for (const model of scenario.models) {
      if (options.models !== undefined && !options.models.split(",").includes(model)) continue;
      await runScenario(scenario, model, known, engineRuns);
    }
  }
  const threads = availableParallelism();
  const parts: Readonly<Record<PartRun["part"], () => Promise<Map<string, number>>>> = {
    bounds: async () => measureBounds(await ggjtModel("1.1b"), threads, fromSource),
    drafts: () => measureDrafts(threads, fromSource),
    abort: async () => measureAbort(await ggjtModel("1.1b"), fromSource),
    serve: async () => measureServe((await ggjtModel("1.1b")).gguf, options.quick, fromSource),
    sampling: () => measureSampling(fromSource),
    tokenizer: () => measureTokenizer(fromSource),
    quantize: async () => {
      const path = await f16Model(options.quick ? "small" : "1.1b");
      warmPageCache(path);
      return measureQuantize(path, quantizeTypes(options.quick), fromSource);
    },
  };
  for (let round = 0; round < rounds; round++) {
    for (const [part, measure] of Object.entries(parts) as [PartRun["part"], () => Promise<Map<string, number>>][]) {
      if (!isWanted(part)) continue;
      const values = await once(known, `${part}, round ${round}`, async () => Object.fromEntries(await measure()));
      for (const [name, value] of Object.entries(values)) partRuns.push({ part, name, round, value });
    }
  }

  const [{ model: cpu = "unknown" } = {}] = cpus();
  const machine = {
    cpu,
    flags: vectorFlags(),
    cores: threads,
    memoryBytes: totalmem(),
    node: process.versions.node,
    hugePages: hugePages(),
    loadAtStart,
  };
  const result: BenchResult = { startedAt, commit, machine, rounds, engineRuns, partRuns };
  const markdown = report(result);
  const picture = plot(result);
  for (const [name, content] of [
    ["performance.json", JSON.stringify(result)],
    ["performance.md", markdown],
    ["performance.svg", picture],
  ] as const) {
    writeFileSync(join(OUT, name), content);
  }
  if (options.publish) publish(result, markdown, picture);
  console.log(markdown);
}

/** A page for each kind of machine, the list of the pages, and the first figures in the README of the project. */
function publish(result: BenchResult, markdown: string, picture: string): void {
  const { cpu, flags } = result.machine;
  const name = `${cpu} ${flags.at(-1) ?? ""}`.toLowerCase().replace(/[^a-z0-9]+/g, "-");
  mkdirSync(PAGES, { recursive: true });
  writeFileSync(join(PAGES, `${name}.md`), markdown.replace("performance.svg", `${name}.svg`));
  writeFileSync(join(PAGES, `${name}.svg`), picture);
  const pages = readdirSync(PAGES).filter((file) => file.endsWith(".md"));
  const texts = new Map(pages.sort().map((file) => [file, readFileSync(join(PAGES, file), "utf8")]));
  writeFileSync(join(DOCS, "performance.md"), indexPage(texts));
  const readme = join(ROOT, "README.md");
  writeFileSync(readme, withSummary(readFileSync(readme, "utf8"), result, `docs/performance/${name}.svg`));
  spawnSync(join(ROOT, "node_modules", ".bin", "biome"), ["check", "--write", "README.md", "docs"], { cwd: ROOT });
}

/** All engines in turn (A B A B): what disturbs the machine for a while disturbs all of them. */
async function runScenario(
  scenario: Scenario,
  name: string,
  known: ReadonlyMap<string, unknown>,
  engineRuns: EngineRun[],
): Promise<void> {
  const model: BenchModel = await benchModel(name);
  const ids = promptIds(Math.max(...scenario.requests.map(({ nPrompt }) => nPrompt)), model.nVocab);
  const { contextTokens, requests, mostRounds = rounds } = scenario;
  for (let round = 0; round < Math.min(rounds, mostRounds); round++) {
    for (const threads of scenario.threads) {
      for (const engine of scenario.engines) {
        const path = engine.format === "ggjt" ? model.ggjt : model.gguf;
        if (path === undefined) continue;
        const label = `${scenario.name}, ${name}, ${threads} threads, round ${round}: ${engine.name}`;
        try {
          const run = await once(known, label, async () => {
            warmPageCache(path);
            const neighbour = scenario.isBusy === true ? keepOneCoreBusy() : undefined;
            const text = scenario.isWhole === true ? { text: textPath() } : {};
            const plan = { model: path, nKvHeads: model.nKvHeads, threads, ids, contextTokens, requests, ...text };
            try {
              return await runEngine(engine, plan, fromSource);
            } finally {
              neighbour?.kill();
            }
          });
          engineRuns.push({ scenario: scenario.name, model: name, threads, engine: engine.name, round, ...run });
          progress(label, run.result);
        } catch (error) {
          process.stderr.write(`${label} failed: ${(error as Error).message}\n`);
          process.exitCode = 1;
        }
      }
    }
  }
}

/** Measures what was not measured yet on this commit with these options, and writes it down. */
async function once<T>(known: ReadonlyMap<string, unknown>, label: string, work: () => Promise<T>): Promise<T> {
  const key = JSON.stringify([commit, options.quick, fromSource, label]);
  const before = known.get(key);
  if (before !== undefined) return before as T;
  const value = await work();
  appendFileSync(RUNS, `${JSON.stringify({ key, value })}\n`);
  return value;
}

function readRuns(): Map<string, unknown> {
  if (!existsSync(RUNS)) return new Map();
  const lines = readFileSync(RUNS, "utf8").split("\n");
  lines.pop(); // empty, or cut
  return new Map(lines.map((line) => JSON.parse(line)).map(({ key, value }) => [key, value]));
}

/** Bound to one core, so that the engine finds the others free. */
function keepOneCoreBusy(): { kill(): void } {
  const last = availableParallelism() - 1;
  return spawn("taskset", ["-c", String(last), process.execPath, join(import.meta.dirname, "busy.mjs")]);
}

/** What the processor says that it can do with vectors, the newest last. */
function vectorFlags(): string[] {
  const line = /^flags\s*:(.*)$/m.exec(readFileSync("/proc/cpuinfo", "utf8"))?.[1] ?? "";
  const all = new Set(line.trim().split(" "));
  return ["ssse3", "avx", "avx2", "f16c", "avx512f", "avx512_vnni", "avx_vnni"].filter((flag) => all.has(flag));
}

function hugePages(): string {
  return /\[(\w+)\]/.exec(readFileSync("/sys/kernel/mm/transparent_hugepage/enabled", "utf8"))?.[1] ?? "unknown";
}

function isWanted(name: string): boolean {
  return options.only === undefined || options.only.split(",").includes(name);
}

/** What users get, not sources that are stripped of their types at each start. */
function build(): void {
  const { devEngines } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
  const { name, version } = devEngines.packageManager;
  const command = ["-y", "--prefer-offline", `${name}@${version}`, "run", "build", "--output-logs=errors-only"];
  const { status } = spawnSync("npx", command, {
    cwd: ROOT,
    env: { ...process.env, TURBO_TELEMETRY_DISABLED: "1", DO_NOT_TRACK: "1" },
    stdio: ["ignore", 2, 2],
  });
  if (status !== 0) throw new Error("the build failed; --source measures the sources");
}

function git(...commandArguments: string[]): string {
  return spawnSync("git", commandArguments, { cwd: ROOT, encoding: "utf8" }).stdout.trim();
}

function progress(label: string, { requests }: EngineRun["result"]): void {
  const rates = requests.map(({ nPrompt, nDecode, streams = 1, promptRate, decodeRate }) => {
    const decode = nDecode > 0 ? `, then ${decodeRate.toFixed(1)}` : "";
    return `${streams > 1 ? `${streams} × ` : ""}${nPrompt} at ${promptRate.toFixed(1)}${decode}`;
  });
  process.stderr.write(`${label}: ${rates.join("; ")} tokens/s\n`);
}
