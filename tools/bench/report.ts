// The measurements as Markdown. Everything in it comes from the measurements: medians, and for peers how many times as good ours is.

import { type EngineRun, LL, LL_IN_CHROMIUM } from "./engines.ts";
import type { PartRun } from "./parts.ts";
import { median, medianRatio, spread } from "./statistics.ts";

export interface BenchResult {
  readonly startedAt: string;
  readonly commit: string;
  readonly machine: {
    readonly cpu: string;
    readonly cores: number;
    readonly memoryBytes: number;
    readonly node: string;
    /** Processes that wanted to run in the minute before. */
    readonly loadAtStart: number;
  };
  /** Rounds. */
  readonly runs: number;
  readonly engineRuns: readonly EngineRun[];
  readonly partRuns: readonly PartRun[];
}

/** A column of a table of engines. */
interface Metric {
  readonly title: string;
  readonly isMoreBetter: boolean;
  readonly digits: number;
  value(run: EngineRun): number | undefined;
}

/** A machine with more waiting processes than this is not quiet. */
const QUIET_LOAD = 0.7;
const FEWEST_RUNS = 5;

const promptRate = (nPrompt: number): Metric => ({
  title: `prompt of ${nPrompt}, tokens/s`,
  isMoreBetter: true,
  digits: 0,
  value: ({ result }) => result.requests.find((request) => request.nPrompt === nPrompt)?.promptRate,
});
const decodeRate = (nPrompt: number | undefined, title: string): Metric => ({
  title,
  isMoreBetter: true,
  digits: 1,
  value: ({ result }) =>
    result.requests.find((request) => request.nDecode > 0 && request.nPrompt === (nPrompt ?? request.nPrompt))
      ?.decodeRate,
});

export const SPEED_METRICS: readonly Metric[] = [
  promptRate(128),
  promptRate(512),
  decodeRate(undefined, "decode, tokens/s"),
  { title: "first token, s", isMoreBetter: false, digits: 2, value: ({ firstTokenMs }) => firstTokenMs / 1000 },
  { title: "load, s", isMoreBetter: false, digits: 2, value: ({ result }) => result.loadMs / 1000 },
  { title: "peak memory, GB", isMoreBetter: false, digits: 2, value: ({ result }) => result.peakRssBytes / 1e9 },
  { title: "tokenise, MB/s", isMoreBetter: true, digits: 1, value: ({ result }) => mega(result.tokenizeBytesPerS) },
];
const SHORT_METRICS = SPEED_METRICS.filter(({ title }) => /^prompt of 128|^decode/.test(title));

export function report(result: BenchResult): string {
  return [
    "# Performance",
    "",
    ...heading(result),
    ...["1.1b", "7b", "13b"].flatMap((shape) => speedSection(result, shape)),
    ...browserSection(result),
    ...lengthSection(result),
    ...threadSection(result, "threads", "Threads", "The 1.1B shape, with as many threads as the first column says."),
    ...threadSection(result, "busy", "A busy neighbour", "The same while another process keeps one core busy."),
    ...streamSection(result),
    ...partSection(result, "quantize"),
    ...partSection(result, "sampling"),
    ...tokenizerSection(result),
    ...abortSection(result),
  ].join("\n");
}

function heading({ startedAt, commit, machine, runs, engineRuns }: BenchResult): string[] {
  const { cpu, cores, memoryBytes, node, loadAtStart } = machine;
  const isPreliminary = runs < FEWEST_RUNS || loadAtStart > QUIET_LOAD;
  const versions = new Set(engineRuns.map(({ result }) => result.version));
  return [
    ...(isPreliminary
      ? [
          `**Preliminary**: ${runs} rounds, load average ${loadAtStart.toFixed(1)} at the start. The final figures need a quiet machine.`,
          "",
        ]
      : []),
    "Written by `tools/bench` from its measurements ([how](../tools/bench/README.md)). All engines ran in turn on the same machine with the same",
    "weights (synthetic, Q4_0) and ids; figures are medians over the rounds. In brackets: how many times as good ours is, as the median of the",
    "ratios of each round, so more than 1 is in our favour.",
    "",
    `${startedAt.slice(0, 10)}, commit ${commit}, ${cpu}, ${cores} cores, ${(memoryBytes / 2 ** 30).toFixed(0)} GiB, Node ${node}, ${runs} rounds.`,
    "",
    ...[...versions].sort().map((version) => `- ${version}`),
    "",
    "![Bars of the speeds and lines of the cost of longer prompts](performance.svg)",
    "",
  ];
}

function speedSection(result: BenchResult, shape: string): string[] {
  const runs = select(result.engineRuns, { scenario: "speed", shape });
  if (runs.length === 0) return [];
  const decode = SPEED_METRICS[2] as Metric;
  const own = values(runs, LL.name, decode);
  return [
    `## ${shape.toUpperCase()} shape, ${runs[0]?.threads} threads`,
    "",
    ...table(
      ["engine", ...SPEED_METRICS.map(({ title }) => title)],
      names(runs).map((name) => [name, ...SPEED_METRICS.map((metric) => cell(runs, name, metric, LL.name))]),
    ),
    "",
    `First token: from the start of the process. Our decode rates differ by ${(100 * spread(own)).toFixed(0)} % between rounds.`,
    "",
  ];
}

function browserSection(result: BenchResult): string[] {
  const runs = select(result.engineRuns, { scenario: "browser" });
  if (runs.length === 0) return [];
  const metrics = SPEED_METRICS.filter(({ title }) => !/^prompt of 512|^tokenise/.test(title));
  return [
    "## In a browser",
    "",
    `The 1.1B shape, ${runs[0]?.threads} thread. In brackets: ours in Chromium against the row; first token: from the start of the page.`,
    "",
    ...table(
      ["engine", ...metrics.map(({ title }) => title)],
      names(runs).map((name) => [name, ...metrics.map((metric) => cell(runs, name, metric, LL_IN_CHROMIUM))]),
    ),
    "",
  ];
}

function lengthSection(result: BenchResult): string[] {
  const runs = select(result.engineRuns, { scenario: "lengths" });
  if (runs.length === 0) return [];
  const lengths = (runs[0] as EngineRun).result.requests.map(({ nPrompt }) => nPrompt);
  const metrics = lengths.map((nPrompt) => [promptRate(nPrompt), decodeRate(nPrompt, "decode")] as const);
  return [
    "## Longer prompts",
    "",
    "The 1.1B shape. Tokens per second of the prompt, and of decoding behind it.",
    "",
    ...table(
      ["engine", ...lengths.flatMap((length) => [`prompt of ${length}`, "then"])],
      names(runs).map((name) => [name, ...metrics.flat().map((metric) => cell(runs, name, metric, LL.name))]),
    ),
    "",
  ];
}

function threadSection(result: BenchResult, scenario: string, title: string, text: string): string[] {
  const all = select(result.engineRuns, { scenario });
  const rows = [...new Set(all.map(({ threads }) => threads))].flatMap((threads) => {
    const runs = select(all, { threads });
    return names(runs).map((name) => [
      String(threads),
      name,
      ...SHORT_METRICS.map((metric) => cell(runs, name, metric, LL.name)),
    ]);
  });
  if (rows.length === 0) return [];
  return [
    `## ${title}`,
    "",
    text,
    "",
    ...table(["threads", "engine", ...SHORT_METRICS.map((metric) => metric.title)], rows),
    "",
  ];
}

/** Our decoding against the bare kernel with as many threads. */
function streamSection(result: BenchResult): string[] {
  const bounds = partValues(result.partRuns, "stream");
  if (bounds.size === 0) return [];
  const rows = Array.from(bounds, ([shape, rates]) => {
    const own = values(select(result.engineRuns, { scenario: "speed", shape }), LL.name, SPEED_METRICS[2] as Metric);
    const share = own.length === 0 ? [] : [median(own).toFixed(1), `${(100 * medianRatio(own, rates)).toFixed(0)} %`];
    return [shape.toUpperCase(), median(rates).toFixed(1), ...share];
  });
  return [
    "## How near decoding is to its bound",
    "",
    `The bare dot kernel over all weights of a shape, with the engine's barriers and ${result.machine.cores} threads, and the engine.`,
    "",
    ...table(["shape", "kernel, tokens/s", "engine, tokens/s", "share"], rows),
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
    "How many times as long a text takes as the first half of it, for texts of 256 KiB to 1 MiB, and the speed with 1 MiB.",
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
