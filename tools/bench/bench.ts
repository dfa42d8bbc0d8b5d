// Compares our engine with its peers, side by side on this machine. See README.md.
//   node --conditions=@ll/source tools/bench/bench.ts [--quick] [--publish] …

import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { availableParallelism, cpus, loadavg, totalmem } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { type EngineRun, runEngine } from "./engines.ts";
import { type BenchModel, benchModel, f16Model, textPath, warmPageCache } from "./models.ts";
import {
  measureAbort,
  measureQuantize,
  measureSampling,
  measureStream,
  measureTokenizer,
  type PartRun,
  quantizeTypes,
} from "./parts.ts";
import { promptIds } from "./plan.ts";
import { plot } from "./plot.ts";
import { type BenchResult, report } from "./report.ts";
import { quickScenarios, SCENARIOS, type Scenario } from "./scenarios.ts";
import { withSummary } from "./summary.ts";

const ROOT = join(import.meta.dirname, "..", "..");
const OUT = join(ROOT, "bench-out");
const DOCS = join(ROOT, "docs");
/** Decoded by the bare kernel, which keeps the rows of a thread in one memory: too few for the largest shape. */
const TOKENS = 64;
const LARGEST_SHAPE = "13b";

const { values: options } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    publish: { type: "boolean", default: false },
    source: { type: "boolean", default: false },
    runs: { type: "string" },
    shapes: { type: "string", default: "1.1b,7b,13b" },
    only: { type: "string" },
  },
});
const runs = Number(options.runs ?? (options.quick ? 1 : 5));
const shapes = options.quick ? ["1.1b"] : options.shapes.split(",");
const fromSource = options.source;
const engineRuns: EngineRun[] = [];
const partRuns: PartRun[] = [];

await main();

async function main(): Promise<void> {
  if (!existsSync(join(import.meta.dirname, "node_modules"))) throw new Error("install the peers first: see README.md");
  const loadAtStart = loadavg()[0] as number; // before the build, which is work itself
  if (!fromSource) build();
  const startedAt = new Date().toISOString();

  for (const scenario of options.quick ? quickScenarios() : SCENARIOS) {
    if (!isWanted(scenario.name)) continue;
    for (const shape of scenario.shape === undefined ? shapes : [scenario.shape]) {
      await runScenario(scenario, await benchModel(shape));
    }
  }
  for (let round = 0; round < runs; round++) {
    const add = (part: PartRun["part"], values: ReadonlyMap<string, number>): void => {
      for (const [name, value] of values) partRuns.push({ part, name, round, value });
    };
    if (isWanted("stream")) {
      for (const shape of shapes.filter((name) => name !== LARGEST_SHAPE)) {
        const threads = availableParallelism();
        add("stream", new Map([[shape, await measureStream(await benchModel(shape), threads, TOKENS, fromSource)]]));
      }
    }
    if (isWanted("abort")) add("abort", await measureAbort(await benchModel("1.1b"), fromSource));
    if (isWanted("sampling")) add("sampling", await measureSampling(fromSource));
    if (isWanted("tokenizer")) add("tokenizer", await measureTokenizer(fromSource));
    if (isWanted("quantize")) {
      const path = await f16Model(options.quick ? "small" : "1.1b");
      warmPageCache(path);
      add("quantize", measureQuantize(path, quantizeTypes(options.quick), fromSource));
    }
  }

  const result: BenchResult = {
    startedAt,
    commit: git("rev-parse", "--short", "HEAD"),
    machine: {
      cpu: cpus()[0]?.model ?? "unknown",
      cores: availableParallelism(),
      memoryBytes: totalmem(),
      node: process.versions.node,
      loadAtStart,
    },
    runs,
    engineRuns,
    partRuns,
  };
  const markdown = report(result);
  const files = {
    "performance.json": JSON.stringify(result),
    "performance.md": markdown,
    "performance.svg": plot(result),
  };
  mkdirSync(OUT, { recursive: true });
  for (const [name, content] of Object.entries(files)) writeFileSync(join(OUT, name), content);
  if (options.publish) {
    for (const name of ["performance.md", "performance.svg"] as const) writeFileSync(join(DOCS, name), files[name]);
    const readme = join(ROOT, "README.md");
    writeFileSync(readme, withSummary(readFileSync(readme, "utf8"), result));
    const written = ["README.md", "docs/performance.md", "docs/performance.svg"];
    spawnSync(join(ROOT, "node_modules", ".bin", "biome"), ["check", "--write", ...written], { cwd: ROOT });
  }
  console.log(markdown);
}

/** All engines in turn (A B A B): what disturbs the machine for a while disturbs all of them. */
async function runScenario(scenario: Scenario, model: BenchModel): Promise<void> {
  const ids = promptIds(Math.max(...scenario.requests.map(({ nPrompt }) => nPrompt)), model.nVocab);
  const { contextTokens, requests } = scenario;
  for (let round = 0; round < runs; round++) {
    for (const threads of scenario.threads) {
      for (const engine of scenario.engines) {
        const path = engine.format === "ggjt" ? model.ggjt : model.gguf;
        warmPageCache(path);
        const neighbour = scenario.isBusy ? keepOneCoreBusy() : undefined;
        try {
          const text = scenario.name === "speed" ? { text: textPath() } : {};
          const plan = { model: path, nKvHeads: model.nKvHeads, threads, ids, contextTokens, requests, ...text };
          const run = await runEngine(engine, plan, fromSource);
          engineRuns.push({ scenario: scenario.name, shape: model.shape, threads, engine: engine.name, round, ...run });
          progress(
            `${scenario.name} ${model.shape}, ${threads} threads, round ${round + 1}: ${engine.name}`,
            run.result,
          );
        } catch (error) {
          process.stderr.write(`${engine.name} failed: ${(error as Error).message}\n`);
          process.exitCode = 1;
        } finally {
          neighbour?.kill();
        }
      }
    }
  }
}

/** Bound to one core, so that the engine finds the others free. */
function keepOneCoreBusy(): { kill(): void } {
  const last = availableParallelism() - 1;
  return spawn("taskset", ["-c", String(last), process.execPath, join(import.meta.dirname, "busy.mjs")]);
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

function progress(what: string, { requests }: EngineRun["result"]): void {
  const rates = requests.map(({ nPrompt, nDecode, promptRate, decodeRate }) => {
    const decode = nDecode > 0 ? `, then ${decodeRate.toFixed(1)}` : "";
    return `${nPrompt} at ${promptRate.toFixed(1)}${decode}`;
  });
  process.stderr.write(`${what}: ${rates.join("; ")} tokens/s\n`);
}
