// The measurements as Markdown. Everything in it comes from the measurements: medians, and for peers how many times as good ours is.

import { type EngineRun, LL, LL_IN_CHROMIUM } from "./engines.ts";
import type { PartRun } from "./parts.ts";
import { SCENARIOS, type Scenario } from "./scenarios.ts";
import { median, medianRatio, spread } from "./statistics.ts";

export interface BenchResult {
  readonly startedAt: string;
  readonly commit: string;
  readonly machine: {
    readonly cpu: string;
    /** What it can do with vectors, the newest last. */
    readonly flags: readonly string[];
    readonly cores: number;
    readonly memoryBytes: number;
    readonly node: string;
    /** What of transparent huge pages Linux gives: "always" or, only to who asks for them, "madvise". */
    readonly hugePages: string;
    /** Processes that wanted to run in the minute before. */
    readonly loadAtStart: number;
  };
  readonly rounds: number;
  readonly engineRuns: readonly EngineRun[];
  readonly partRuns: readonly PartRun[];
}

/** A column of a table of engines. */
export interface Metric {
  readonly title: string;
  readonly isMoreBetter: boolean;
  readonly digits: number;
  value(run: EngineRun): number | undefined;
}

/** A machine with more waiting processes than this is not quiet. */
const QUIET_LOAD = 0.7;
const FEWEST_ROUNDS = 5;

export const promptRate = (nPrompt: number): Metric => ({
  title: `prompt of ${nPrompt}, tokens/s`,
  isMoreBetter: true,
  digits: 0,
  value: ({ result }) => result.requests.find((request) => request.nPrompt === nPrompt)?.promptRate,
});
export const decodeRate = (nPrompt: number, streams = 1): Metric => ({
  title: streams === 1 ? `behind ${nPrompt}, tokens/s` : `${streams} texts, tokens/s`,
  isMoreBetter: true,
  digits: 1,
  value: ({ result }) =>
    result.requests.find(
      (request) => request.nDecode > 0 && request.nPrompt === nPrompt && (request.streams ?? 1) === streams,
    )?.decodeRate,
});
export const FIRST_TOKEN: Metric = {
  title: "first token, s",
  isMoreBetter: false,
  digits: 2,
  value: ({ firstTokenMs }) => firstTokenMs / 1000,
};
export const PEAK_MEMORY: Metric = {
  title: "peak memory, GB",
  isMoreBetter: false,
  digits: 2,
  value: ({ result }) => result.peakRssBytes / 1e9,
};
const WHOLE: readonly Metric[] = [
  FIRST_TOKEN,
  { title: "load, s", isMoreBetter: false, digits: 2, value: ({ result }) => result.loadMs / 1000 },
  PEAK_MEMORY,
  { title: "tokenise, MB/s", isMoreBetter: true, digits: 1, value: ({ result }) => mega(result.tokenizeBytesPerS) },
];

export function report(result: BenchResult): string {
  return [
    "# Performance",
    "",
    ...heading(result),
    ...SCENARIOS.flatMap((scenario) => engineSection(result, scenario)),
    ...boundSection(result),
    ...draftSection(result),
    ...partSection(result, "quantize"),
    ...partSection(result, "sampling"),
    ...tokenizerSection(result),
    ...abortSection(result),
    ...serveSection(result),
  ].join("\n");
}

function heading({ startedAt, commit, machine, rounds, engineRuns }: BenchResult): string[] {
  const { cpu, flags, cores, memoryBytes, node, hugePages, loadAtStart } = machine;
  const isPreliminary = rounds < FEWEST_ROUNDS || loadAtStart > QUIET_LOAD;
  const versions = new Set(engineRuns.map(({ result }) => result.version));
  return [
    `${cpu}, ${cores} cores (${flags.join(" ")}), ${(memoryBytes / 2 ** 30).toFixed(0)} GiB, huge pages: ${hugePages}, Node ${node}, ${startedAt.slice(0, 10)}, commit ${commit}, ${rounds} rounds.`,
    "",
    ...(isPreliminary
      ? [
          `**Preliminary**: load average ${loadAtStart.toFixed(1)} at the start. The final figures need a quiet machine.`,
          "",
        ]
      : []),
    "Written by `tools/bench` from its measurements ([how](../../tools/bench/README.md)). All engines ran in turn on the same machine with the same",
    "weights (synthetic) and ids; figures are medians over the rounds. In brackets: how many times as good ours is, as the median of the ratios",
    "of each round, so more than 1 is in our favour.",
    "",
    ...[...versions].sort().map((version) => `- ${version}`),
    "",
    "![How many times as fast as node-llama-cpp](performance.svg)",
    "",
  ];
}

/** The columns of a scenario: for each request the speed of the prompt, and that of the text behind it. */
function metricsOf({ requests, isWhole = false }: Scenario): Metric[] {
  const speeds = requests.flatMap(({ nPrompt, nDecode, streams }) => [
    ...(streams === undefined ? [promptRate(nPrompt)] : []),
    ...(nDecode > 0 ? [decodeRate(nPrompt, streams)] : []),
  ]);
  return [...speeds, ...(isWhole ? WHOLE : [])];
}

function engineSection({ engineRuns }: BenchResult, scenario: Scenario): string[] {
  const own = select(engineRuns, { scenario: scenario.name });
  if (own.length === 0) return [];
  const base = scenario.name === "browser" ? LL_IN_CHROMIUM.name : LL.name;
  const metrics = metricsOf(scenario).filter((metric) => own.some((run) => metric.value(run) !== undefined));
  const rows = scenario.models.flatMap((model) =>
    scenario.threads.flatMap((threads) => {
      const runs = select(own, { model, threads });
      return names(runs).map((name) => [
        `${model}, ${threads} ${threads === 1 ? "thread" : "threads"}`,
        name,
        ...metrics.map((metric) => cell(runs, name, metric, base)),
      ]);
    }),
  );
  return [
    `## ${scenario.title}`,
    "",
    scenario.text,
    "",
    ...table(["model", "engine", ...metrics.map(({ title }) => title)], rows),
    "",
  ];
}

/** What limits us: the engine against the bare kernel with as many threads. */
function boundSection({ engineRuns, partRuns, machine }: BenchResult): string[] {
  const bounds = partValues(partRuns, "bounds");
  if (bounds.size === 0) return [];
  const runs = select(engineRuns, { scenario: "speed", model: "1.1b Q4_0", engine: LL.name });
  const rows = [
    ["text: memory", "decode", decodeRate(128)],
    ["prompt of 128: multiplications", "prompt", promptRate(128)],
    ["prompt of 512: multiplications", "prompt", promptRate(512)],
  ] as const;
  return [
    "## What limits us",
    "",
    `The bare dot kernel over all weights of 1.1b Q4_0, with the engine's barriers and ${machine.cores} threads, and the engine: weights times one vector`,
    "for texts, times 32 for prompts. The rest of a prompt is attention and the rounding of activations.",
    "",
    ...table(
      ["", "kernel, tokens/s", "engine, tokens/s", "share"],
      rows.map(([title, bound, metric]) => {
        const rates = bounds.get(bound) ?? [];
        const own = values(runs, LL.name, metric);
        const isCompared = own.length > 0 && own.length === rates.length;
        const share = isCompared ? `${(100 * medianRatio(own, rates)).toFixed(0)} %` : "";
        return [title, median(rates).toFixed(1), own.length === 0 ? "" : median(own).toFixed(1), share];
      }),
    ),
    "",
    ...(runs.length < 2
      ? []
      : [
          `Our texts differ by ${(100 * spread(values(runs, LL.name, decodeRate(128)))).toFixed(0)} % between rounds.`,
          "",
        ]),
  ];
}

function draftSection({ partRuns }: BenchResult): string[] {
  const ratios = partValues(partRuns, "drafts");
  if (ratios.size === 0) return [];
  return [
    "## Drafts by prompt lookup",
    "",
    "How many times as fast the same text comes: an edit and a summary of 1.1b Q4_0, whose ids are forced through the sampler; a story that the tiny",
    "model writes freely.",
    "",
    ...table(
      ["", "times"],
      Array.from(ratios, ([name, all]) => [name, median(all).toFixed(2)]),
    ),
    "",
  ];
}

function abortSection(result: BenchResult): string[] {
  const waits = partValues(result.partRuns, "abort");
  if (waits.size === 0) return [];
  return [
    "## Stopping",
    "",
    "From `abort()` during a prompt of 2,000 tokens until `evaluate()` has thrown; the 1.1B shape.",
    "",
    ...table(
      ["", "ms, median", "ms, largest"],
      Array.from(waits, ([name, all]) => [name, median(all).toFixed(0), Math.max(...all).toFixed(0)]),
    ),
    "",
  ];
}

function serveSection({ partRuns }: BenchResult): string[] {
  const figures = partValues(partRuns, "serve");
  if (figures.size === 0) return [];
  return [
    "## ll-serve",
    "",
    "1.1b Q4_0: waits for `/health/live` while a prompt of 800 tokens is read; one stream against the library, in turn; 8 streams against the speed of a",
    "prompt; what a second turn computes.",
    "",
    ...table(
      ["", "median"],
      Array.from(figures, ([name, all]) => [name, median(all).toFixed(Number.isInteger(all[0]) ? 0 : 2)]),
    ),
    "",
  ];
}

/** One row for each shape of text. */
function tokenizerSection(result: BenchResult): string[] {
  const rows = new Map<string, Map<string, number[]>>();
  for (const [name, all] of partValues(result.partRuns, "tokenizer")) {
    const [shape, column] = name.split(": ") as [string, string];
    rows.set(shape, new Map([...(rows.get(shape) ?? []), [column, all]]));
  }
  const columns = [...(rows.values().next().value?.keys() ?? [])];
  if (columns.length === 0) return [];
  return [
    "## Tokenising texts that are made to be slow",
    "",
    "How many times as long a text takes as the first half of it, for texts of 1 to 4 MiB, and the speed with 4 MiB.",
    "",
    ...table(
      ["text", ...columns],
      Array.from(rows, ([shape, cells]) => [
        shape,
        ...Array.from(cells, ([column, all]) => median(all).toFixed(column === "MB/s" ? 1 : 2)),
      ]),
    ),
    "",
  ];
}

const PARTS = {
  quantize: {
    title: "Quantising",
    text: "MB of f16 input per second: `cp`, which leaves the copy in memory; `cp` and a flush to the disk; `ll-quantize`, which flushes as well, per type.",
    unit: "MB/s",
    scale: 1e-6,
    yardstick: "cp",
    baseOf: () => "cp",
  },
  sampling: {
    title: "Sampling",
    text: "To choose one of 32,000 and of 152,000 tokens. One pass is a loop that finds the largest logit. Flat rows are a bell curve: top-p keeps every tenth of them. In peaked rows a few stand out, as in those of models.",
    unit: "µs",
    scale: 1,
    yardstick: "one pass",
    baseOf: (name: string) => name.replace(/^.*(?=, \d)/, "one pass"),
  },
} as const;

function partSection(result: BenchResult, part: keyof typeof PARTS): string[] {
  const all = partValues(result.partRuns, part);
  const { title, text, unit, scale, yardstick, baseOf } = PARTS[part];
  const rows = Array.from(all, ([name, rates]) => {
    const base = all.get(baseOf(name)) ?? rates;
    return [name, (scale * median(rates)).toFixed(0), medianRatio(rates, base).toFixed(2)];
  });
  if (rows.length === 0) return [];
  return [`## ${title}`, "", text, "", ...table(["", unit, `times ${yardstick}`], rows), ""];
}

export function cell(runs: readonly EngineRun[], name: string, metric: Metric, ours: string): string {
  const own = values(runs, name, metric);
  if (own.length === 0) return "";
  const text = median(own).toFixed(metric.digits);
  const base = values(runs, ours, metric);
  if (name === ours || base.length !== own.length) return text;
  return `${text} (${(metric.isMoreBetter ? medianRatio(base, own) : medianRatio(own, base)).toFixed(2)})`;
}

/** In the order of the rounds. */
export function values(runs: readonly EngineRun[], name: string, metric: Metric): number[] {
  return runs.filter(({ engine }) => engine === name).flatMap((run) => metric.value(run) ?? []);
}

export function names(runs: readonly EngineRun[]): string[] {
  return [...new Set(runs.map(({ engine }) => engine))];
}

export function select(runs: readonly EngineRun[], wanted: Partial<EngineRun>): EngineRun[] {
  return runs.filter((run) => Object.entries(wanted).every(([key, value]) => run[key as keyof EngineRun] === value));
}

/** The values of each name, in the order of the rounds. */
function partValues(runs: readonly PartRun[], part: PartRun["part"]): Map<string, number[]> {
  const all = new Map<string, number[]>();
  for (const run of runs) if (run.part === part) all.set(run.name, [...(all.get(run.name) ?? []), run.value]);
  return all;
}

/** Columns of numbers are set to the right. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  const isOfNumbers = (column: number): boolean =>
    rows.every((row) => /^[\d.]*( %| \([\d.]+\))?$/.test(row[column] ?? ""));
  return [line(head), line(head.map((_, column) => (isOfNumbers(column) ? "---:" : "---"))), ...rows.map(line)];
}

function mega(bytes: number | undefined): number | undefined {
  return bytes === undefined ? undefined : bytes / 1e6;
}
