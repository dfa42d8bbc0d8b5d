// The report of ll-quantize-stats as tables.

import { printable } from "@ll/bytes";
import { tableLines } from "../../text-table.ts";
import { countText } from "../../units.ts";
import { relativeError, type StatsReport, type StatsRow, worstFirst } from "./report.ts";

/** Characters of the longest bar of a distribution. */
const BAR_CHARS = 40;

/** Columns of the numbers beside a bar, at most. */
const NUMBERS_COLUMNS = 35;

export interface TextOptions {
  /** Tensors shown, worst first. */
  readonly worst: number;
  readonly histogram: boolean;
  /** Widest line; `Infinity` for a file or a pipe. */
  readonly columns: number;
}

export function statsText(report: StatsReport, { worst, histogram, columns }: TextOptions): string {
  const blocks = [
    rowLines("type", report.types, ({ type }) => type, columns),
    layerLines(report, columns),
    rowLines(
      "worst tensors",
      worstFirst(report.tensors).slice(0, worst),
      ({ name, type }) => `${printable(name)} ${type}`,
      columns,
    ),
    ...(histogram ? report.types.map((type) => distributionLines(type, columns)) : []),
  ];
  return `${blocks.map((lines) => lines.join("\n")).join("\n\n")}\n`;
}

function rowLines(
  head: string,
  rows: readonly StatsRow[],
  nameOf: (row: StatsRow) => string,
  columns: number,
): string[] {
  const cells = rows.map((row) => [
    nameOf(row),
    number(row.rmse),
    percent(row),
    number(row.maxError),
    number(row.p95),
    number(row.median),
  ]);
  const heads = [head, "rmse", "of weights", "largest", "95 % below", "median"];
  return tableLines([heads, ...cells], ["left", "right", "right", "right", "right", "right"], {
    columns,
    hasHead: true,
  });
}

/** One line for each layer, one column for each type. */
function layerLines({ types, layers }: StatsReport, columns: number): string[] {
  const names = [...new Set(layers.map(({ name }) => name))];
  const rows = names.map((name) => [
    name,
    ...types.map(({ type }) => {
      const row = layers.find((one) => one.name === name && one.type === type);
      return row === undefined ? "" : percent(row);
    }),
  ]);
  const heads = ["rmse of weights", ...types.map(({ type }) => type)];
  return tableLines([heads, ...rows], ["left", ...types.map((): "right" => "right")], { columns, hasHead: true });
}

/** Errors by powers of two, then levels where the type has bins of them. */
function distributionLines({ type, n, exact, octaves, levels }: StatsRow, columns: number): string[] {
  const barChars = Math.max(5, Math.min(BAR_CHARS, columns - NUMBERS_COLUMNS));
  const bar = (count: number): string => "#".repeat(Math.round((barChars * count) / n));
  const table = (rows: string[][]): string[] =>
    tableLines(rows, ["right", "right", "left"], { columns, hasHead: true });
  const zeros = ["none", countText(exact), bar(exact)];
  const errors = octaves.map(({ below, count }) => [`< ${number(below)}`, countText(count), bar(count)]);
  const bins = (levels ?? []).map((count, bin) => [String(bin), countText(count), bar(count)]);
  return [
    ...table([[`${type} errors`, "values", ""], zeros, ...errors]),
    ...(bins.length === 0 ? [] : ["", ...table([[`${type} levels`, "values", ""], ...bins])]),
  ];
}

function number(value: number): string {
  return value.toPrecision(4).replace(/e([+-])(\d)$/, "e$10$2");
}

function percent(row: StatsRow): string {
  return `${(100 * relativeError(row)).toFixed(3)} %`;
}
