// The measurements as one SVG: a panel of bars for each shape and speed, and lines of the speed over the length of the prompt.

import type { EngineRun } from "./engines.ts";
import { type BenchResult, names, SPEED_METRICS, select, values } from "./report.ts";
import { median } from "./statistics.ts";

const WIDTH = 860;
const LABEL_WIDTH = 250;
const BAR_HEIGHT = 16;
const LINES_HEIGHT = 200;
const PANEL_GAP = 34;
const COLORS = ["#1a7f64", "#c2571a", "#4660b8", "#8a4fa3", "#59a14f", "#b8860b", "#777777"];

/** Drawn elements below each other. */
interface Panel {
  readonly height: number;
  readonly elements: readonly string[];
}

export function plot({ engineRuns, machine, runs }: BenchResult): string {
  const all = names(engineRuns);
  const color = (name: string): string => COLORS[all.indexOf(name) % COLORS.length] as string;
  const panels: Panel[] = [];
  const groupsOfRuns = [
    ...["1.1b", "7b", "13b"].map((shape) => ({
      title: shape.toUpperCase(),
      runs: select(engineRuns, { scenario: "speed", shape }),
    })),
    { title: "1.1B with 1 thread", runs: select(engineRuns, { scenario: "browser" }) },
  ];
  for (const { title, runs: own } of groupsOfRuns) {
    for (const metric of SPEED_METRICS.slice(0, 4)) {
      const bars = names(own).flatMap((name) => {
        const all = values(own, name, metric);
        return all.length === 0 ? [] : [{ name, value: median(all), text: median(all).toFixed(metric.digits) }];
      });
      if (bars.length === 0) continue; // not measured
      const wanted = metric.isMoreBetter ? "more is better" : "less is better";
      panels.push(barPanel(`${title}: ${metric.title} (${wanted})`, bars, color));
    }
  }
  const lengths = select(engineRuns, { scenario: "lengths" });
  if (lengths.length > 0) {
    panels.push(linePanel("1.1B: prompt tokens/s over the length of the prompt", lengths, "promptRate", color));
    panels.push(linePanel("1.1B: decode tokens/s behind a prompt of that length", lengths, "decodeRate", color));
  }

  let y = 40;
  const groups = panels.map(({ height, elements }) => {
    const group = `<g transform="translate(10 ${y})">${elements.join("")}</g>`;
    y += height + PANEL_GAP;
    return group;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${y}" font-family="sans-serif" font-size="12">`,
    "<title>Speeds of the engines side by side</title>",
    `<rect width="${WIDTH}" height="${y}" fill="white"/>`,
    text(10, 20, `${machine.cpu}, ${machine.cores} cores; medians of ${runs} rounds`, "font-weight='bold'"),
    ...groups,
    "</svg>\n",
  ].join("\n");
}

function barPanel(
  title: string,
  bars: readonly { readonly name: string; readonly value: number; readonly text: string }[],
  color: (name: string) => string,
): Panel {
  const scale = (WIDTH - LABEL_WIDTH - 80) / Math.max(...bars.map(({ value }) => value));
  const elements = bars.flatMap((bar, i) => {
    const y = 10 + i * (BAR_HEIGHT + 3);
    const width = (bar.value * scale).toFixed(1);
    return [
      text(LABEL_WIDTH - 8, y + 12, bar.name, "text-anchor='end'"),
      `<rect x="${LABEL_WIDTH}" y="${y}" width="${width}" height="${BAR_HEIGHT}" fill="${color(bar.name)}"/>`,
      text(LABEL_WIDTH + Number(width) + 5, y + 12, bar.text),
    ];
  });
  return {
    height: 10 + bars.length * (BAR_HEIGHT + 3),
    elements: [text(0, 0, title, "font-weight='bold'"), ...elements],
  };
}

function linePanel(
  title: string,
  runs: readonly EngineRun[],
  rate: "promptRate" | "decodeRate",
  color: (name: string) => string,
): Panel {
  const lines = names(runs).map((name) => {
    const own = select(runs, { engine: name });
    const points = (own[0] as EngineRun).result.requests.map(({ nPrompt }, i) => ({
      nPrompt,
      value: median(own.map(({ result }) => result.requests[i]?.[rate] ?? 0)),
    }));
    return { name, points };
  });
  const longest = Math.max(...lines.flatMap(({ points }) => points.map(({ nPrompt }) => nPrompt)));
  const most = Math.max(...lines.flatMap(({ points }) => points.map(({ value }) => value)));
  const x = (nPrompt: number): number => 60 + (nPrompt / longest) * (WIDTH - 350);
  const y = (value: number): number => 12 + (1 - value / most) * LINES_HEIGHT;
  const axis = `<path d="M60 12 V${y(0)} H${x(longest)}" stroke="black" fill="none"/>`;
  const ticks = [0, most / 2, most].map((value) => text(54, y(value) + 4, value.toFixed(0), "text-anchor='end'"));
  const lengths = (lines[0]?.points ?? []).map(({ nPrompt }) =>
    text(x(nPrompt), y(0) + 16, String(nPrompt), "text-anchor='middle'"),
  );
  const drawn = lines.flatMap(({ name, points }, i) => {
    const path = points.map(({ nPrompt, value }) => `${x(nPrompt).toFixed(1)},${y(value).toFixed(1)}`).join(" ");
    const dots = points.map(
      ({ nPrompt, value }) =>
        `<circle cx="${x(nPrompt).toFixed(1)}" cy="${y(value).toFixed(1)}" r="3" fill="${color(name)}"/>`,
    );
    const key = text(x(longest) + 12, 24 + 16 * i, name, `fill="${color(name)}"`);
    return [`<polyline points="${path}" fill="none" stroke="${color(name)}" stroke-width="2"/>`, ...dots, key];
  });
  return {
    height: LINES_HEIGHT + 34,
    elements: [text(0, 0, title, "font-weight='bold'"), axis, ...ticks, ...lengths, ...drawn],
  };
}

function text(x: number, y: number, content: string, attributes = ""): string {
  const escaped = content.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
  return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" ${attributes}>${escaped}</text>`;
}
