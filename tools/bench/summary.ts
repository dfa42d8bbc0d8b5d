// The few lines of the measurements that the README of the project shows.

import { LL, LL_IN_CHROMIUM, NODE_LLAMA_CPP } from "./engines.ts";
import { type BenchResult, cell, SPEED_METRICS, select, table } from "./report.ts";

const START = "<!-- written by tools/bench -->";
const END = "<!-- end -->";

/** The text with the part between the two marks replaced. @throws Error if a mark is missing */
export function withSummary(readme: string, result: BenchResult): string {
  const start = readme.indexOf(START);
  const end = readme.indexOf(END, start);
  if (start < 0 || end < 0) throw new Error(`README.md expected "${START}" and "${END}"`);
  return [readme.slice(0, start + START.length), "", ...summary(result), "", readme.slice(end)].join("\n");
}

function summary(result: BenchResult): string[] {
  const { machine, engineRuns, runs } = result;
  const [prompt, , decode, firstToken, , memory] = SPEED_METRICS;
  const metrics = [prompt, decode, firstToken, memory].flatMap((metric) => metric ?? []);
  const speed = ["1.1b", "7b"].flatMap((shape) => {
    const own = select(engineRuns, { scenario: "speed", shape });
    return [LL, ...NODE_LLAMA_CPP].map(({ name }) => [
      `${shape.toUpperCase()}, ${own[0]?.threads} threads`,
      name,
      ...metrics.map((metric) => cell(own, name, metric, LL.name)),
    ]);
  });
  const own = select(engineRuns, { scenario: "browser" });
  const browser = [LL_IN_CHROMIUM, "wllama 2 in Chromium", "wllama 3 in Chromium"].map((name) => [
    `1.1B, ${own[0]?.threads} thread`,
    name,
    ...metrics.map((metric) => cell(own, name, metric, LL_IN_CHROMIUM)),
  ]);
  return [
    ...table(["model", "engine", ...metrics.map(({ title }) => title)], [...speed, ...browser]),
    "",
    `${machine.cpu}, ${machine.cores} cores; medians of ${runs} alternating runs with the same Q4_0 weights. In brackets: how many times as good ours is.`,
  ];
}
