// The measurements in one picture: for each model and kind of work, how many times as fast we are as the better variant of node-llama-cpp.

import { LL, NODE_LLAMA_CPP } from "./engines.ts";
import { type BenchResult, decodeRate, type Metric, promptRate, select, values } from "./report.ts";
import { median, medianRatio } from "./statistics.ts";

interface Column {
  readonly title: string;
  readonly scenario: string;
  readonly metric: Metric;
}

const COLUMNS: readonly Column[] = [
  { title: "prompt of 128", scenario: "speed", metric: promptRate(128) },
  { title: "prompt of 512", scenario: "speed", metric: promptRate(512) },
  { title: "prompt of 2,048", scenario: "lengths", metric: promptRate(2048) },
  { title: "text behind 128", scenario: "speed", metric: decodeRate(128) },
  { title: "text behind 2,048", scenario: "lengths", metric: decodeRate(2048) },
  { title: "8 texts at once", scenario: "streams", metric: decodeRate(32, 8) },
];

const LABEL_WIDTH = 130;
const CELL_WIDTH = 116;
const CELL_HEIGHT = 46;
const BAR_LEFT = 10;
/** Pixels of a ratio of 1, and the largest ratio that a bar shows in full. */
const ONE = 44;
const MOST = 2.2;

const STYLE = `
  text { font: 12px sans-serif; fill: #1f2328 } .title { font-weight: bold } .faint { fill: #59636e } .big { font-size: 15px; font-weight: bold }
  .ours { fill: #1a7f64 } .theirs { fill: #c2571a } .line { stroke: #59636e; stroke-dasharray: 2 2 } .rule { stroke: #d1d9e0 }
  @media (prefers-color-scheme: dark) {
    text { fill: #f0f6fc } .faint { fill: #9198a1 } .ours { fill: #3fb68b } .theirs { fill: #e08a4f } .line { stroke: #9198a1 } .rule { stroke: #3d444d }
  }`;

export function plot(result: BenchResult): string {
  const models = [...new Set(result.engineRuns.map(({ model }) => model))].filter((model) =>
    COLUMNS.some((column) => ratioOf(result, column, model) !== undefined),
  );
  const width = LABEL_WIDTH + CELL_WIDTH * COLUMNS.length;
  const top = 62;
  const { cpu, flags, cores } = result.machine;
  const rows = models.flatMap((model, row) => {
    const y = top + row * CELL_HEIGHT;
    return [
      `<path class="rule" d="M0 ${y} H${width}"/>`,
      text(8, y + 28, model, "title"),
      ...COLUMNS.flatMap((column, i) => {
        const ratio = ratioOf(result, column, model);
        return ratio === undefined ? [] : bar(LABEL_WIDTH + i * CELL_WIDTH, y, ratio, rateOf(result, column, model));
      }),
    ];
  });
  const height = top + models.length * CELL_HEIGHT + 8;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}">`,
    "<title>How many times as fast as node-llama-cpp</title>",
    `<style>${STYLE}</style>`,
    text(8, 20, "ll against node-llama-cpp: how many times as fast (more is better)", "big"),
    text(
      8,
      38,
      `${cpu} (${flags.at(-1)}), ${cores} cores; its better setting in each cell; dashes: as fast as it`,
      "faint",
    ),
    ...COLUMNS.map(({ title }, i) => text(LABEL_WIDTH + BAR_LEFT + i * CELL_WIDTH, top - 6, title, "faint")),
    ...rows,
    "</svg>\n",
  ].join("\n");
}

function bar(x: number, y: number, ratio: number, rate: number): string[] {
  const left = x + BAR_LEFT;
  const length = (Math.min(ratio, MOST) * ONE).toFixed(1);
  return [
    `<rect class="${ratio >= 1 ? "ours" : "theirs"}" x="${left}" y="${y + 26}" width="${length}" height="10" rx="2"/>`,
    `<path class="line" d="M${left + ONE} ${y + 22} V${y + 40}"/>`,
    text(left, y + 18, `${ratio.toFixed(2)}×`, "title"),
    text(left + 46, y + 18, `${rate.toFixed(rate < 100 ? 1 : 0)}/s`, "faint"),
  ];
}

/** Ours against the better variant of the peer; undefined where either was not measured. */
function ratioOf(result: BenchResult, { scenario, metric }: Column, model: string): number | undefined {
  const runs = select(result.engineRuns, { scenario, model });
  const own = values(runs, LL.name, metric);
  const theirs = NODE_LLAMA_CPP.map(({ name }) => values(runs, name, metric));
  if (own.length === 0 || theirs.some((rates) => rates.length !== own.length)) return undefined;
  return Math.min(...theirs.map((rates) => medianRatio(own, rates)));
}

function rateOf(result: BenchResult, { scenario, metric }: Column, model: string): number {
  return median(values(select(result.engineRuns, { scenario, model }), LL.name, metric));
}

function text(x: number, y: number, content: string, kind: string): string {
  const escaped = content.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
  return `<text x="${x}" y="${y}" class="${kind}">${escaped}</text>`;
}
