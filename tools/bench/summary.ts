// The few lines of the measurements that the README of the project shows, and the list of all pages.

import { LL, NODE_LLAMA_CPP } from "./engines.ts";
import { type BenchResult, cell, decodeRate, FIRST_TOKEN, PEAK_MEMORY, promptRate, select, table } from "./report.ts";

const START = "<!-- written by tools/bench -->";
const END = "<!-- end -->";
const MODELS = ["1.1b Q4_0", "qwen3-4b Q4_K_M", "moe-64 Q4_K_M"];

/** The text with the part between the two marks replaced. @throws Error if a mark is missing */
export function withSummary(readme: string, result: BenchResult, picture: string): string {
  const start = readme.indexOf(START);
  const end = readme.indexOf(END, start);
  if (start < 0 || end < 0) throw new Error(`README.md expected "${START}" and "${END}"`);
  const lines = summary(result, picture);
  return [readme.slice(0, start + START.length), "", ...lines, "", readme.slice(end)].join("\n");
}

function summary({ machine, engineRuns, rounds }: BenchResult, picture: string): string[] {
  const metrics = [promptRate(128), promptRate(512), decodeRate(128), FIRST_TOKEN, PEAK_MEMORY];
  const rows = MODELS.flatMap((model) => {
    const own = select(engineRuns, { scenario: "speed", model });
    return [LL, ...NODE_LLAMA_CPP].map(({ name }) => [
      model,
      name,
      ...metrics.map((metric) => cell(own, name, metric, LL.name)),
    ]);
  });
  return [
    `![How many times as fast as node-llama-cpp](${picture})`,
    "",
    ...table(["model", "engine", ...metrics.map(({ title }) => title)], rows),
    "",
    `${machine.cpu} (${machine.flags.at(-1)}), ${machine.cores} cores; medians of ${rounds} alternating runs with the same weights. In brackets: how many times as good ours is.`,
  ];
}

/** One line for each page: the machine, as its third line says. */
export function indexPage(pages: ReadonlyMap<string, string>): string {
  return [
    "# Performance",
    "",
    "Measured by `tools/bench` ([how](../tools/bench/README.md)), machine by machine: which engine is faster depends on what a processor does well.",
    "",
    ...Array.from(pages, ([file, text]) => `- [${text.split("\n")[2]}](performance/${file})`),
    "",
  ].join("\n");
}
