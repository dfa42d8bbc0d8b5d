// The report of ll-inspect as tables.

import { printable } from "@ll/bytes";
import type { TypeShare } from "@ll/model";
import { type Alignment, tableLines } from "../../text-table.ts";
import { wrapText } from "../../text-wrap.ts";
import { countText, sizeText } from "../../units.ts";
import type { ModelReport } from "./model-report.ts";

/** Longest value shown: a chat template has thousands of characters. */
const VALUE_CHARS = 80;

export interface TextOptions {
  /** List every tensor. */
  readonly tensors: boolean;
  /** Widest line; `Infinity` for a file or a pipe. */
  readonly columns: number;
}

/** What matters most first; tensors on request. */
export function reportText(report: ModelReport, options: TextOptions): string {
  const table: Table = (rows, alignment) => tableLines(rows, alignment, { columns: options.columns, hasHead: true });
  const { tensors } = report;
  const blocks = [
    [`${printable(report.file, 4096)}: ${report.format}, ${sizeText(report.bytes)}`],
    tensors.length === 0 ? ["no tensors: a vocabulary only"] : typeLines(report, table),
    memoryLines(report, table),
    fieldLines(report, options),
    report.unread.map((name) => `not read: ${printable(name)}`),
    options.tensors
      ? tensorLines(report, table)
      : tensors.length === 0
        ? []
        : [`--tensors lists all ${tensors.length}`],
  ].map((lines) => lines.map((line) => wrapText(line, options.columns)));
  return `${blocks
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join("\n"))
    .join("\n\n")}\n`;
}

/** Lines of rows of which the first names the columns. */
type Table = (rows: readonly (readonly string[])[], alignment: readonly Alignment[]) => string[];

function fieldLines({ fields }: ModelReport, { columns }: TextOptions): string[] {
  const rows = fields.map(({ name, value }) => [printable(name), printable(String(value), VALUE_CHARS)]);
  return tableLines(rows, ["left", "left"], { columns });
}

function typeLines({ types }: ModelReport, table: Table): string[] {
  const sum = (field: "tensors" | "weights" | "bytes"): number => types.reduce((all, type) => all + type[field], 0);
  const all: TypeShare = { type: "all", tensors: sum("tensors"), weights: sum("weights"), bytes: sum("bytes") };
  const rows = [...types, all].map(({ type, tensors, weights, bytes }) => [
    type,
    countText(tensors),
    countText(weights),
    sizeText(bytes),
    ((8 * bytes) / weights).toFixed(2),
  ]);
  const head = ["type", "tensors", "weights", "size", "bits per weight"];
  return table([head, ...rows], ["left", "right", "right", "right", "right"]);
}

function memoryLines({ memory }: ModelReport, table: Table): string[] {
  if (memory.length === 0) return [];
  const rows = memory.map(({ contextTokens, weights, kvCache, total }) => [
    `context ${contextTokens}`,
    sizeText(weights),
    sizeText(kvCache),
    sizeText(total),
  ]);
  const head = ["memory requirements", "weights", "KV cache (f16)", "total"];
  const lines = table([head, ...rows], ["left", "right", "right", "right"]);
  return memory.some(({ isRun }) => isRun)
    ? lines
    : [...lines, "a model that is not run here: total without working memory"];
}

function tensorLines({ tensors }: ModelReport, table: Table): string[] {
  if (tensors.length === 0) return [];
  const rows = tensors.map(({ name, type, shape, bytes, offset }) => [
    printable(name),
    type,
    shape.join(" × "),
    sizeText(bytes),
    String(offset),
  ]);
  return table([["tensor", "type", "shape", "size", "offset"], ...rows], ["left", "left", "right", "right", "right"]);
}
