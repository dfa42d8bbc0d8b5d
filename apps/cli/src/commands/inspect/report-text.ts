// The report of ll-inspect as tables.

import { printable } from "@ll/bytes";
import type { TypeShare } from "@ll/model";
import { VOCABULARY_KINDS } from "@ll/tokenizer";
import { type Alignment, tableLines } from "../../text-table.ts";
import { wrapText } from "../../text-wrap.ts";
import { countText, sizeText } from "../../units.ts";
import type { Identity, ModelReport } from "./model-report.ts";

/** Longest value shown: a chat template has thousands of characters. */
const VALUE_CHARS = 80;

export interface TextOptions {
  /** List every tensor. */
  readonly tensors: boolean;
  /** Widest line; `Infinity` for a file or a pipe. */
  readonly columns: number;
}

/** What the file is: to be said before anything that may fail. */
export function identityText(identity: Identity, { columns }: TextOptions): string {
  const head = `${printable(identity.file, 4096)}: ${printable(identity.format)}, ${sizeText(identity.bytes)}`;
  const rows = [
    ["family", printable(identity.family)],
    ["tokenizer", tokenizerText(identity.tokenizer)],
    ["template", templateText(identity.template)],
    ["context", `${countText(identity.contextTokens)} tokens`],
    ["weights", mixText(identity)],
    ["runs here", identity.whyNot === null ? "yes" : `no: ${printable(identity.whyNot, 512)}`],
  ];
  return blocksText([[head], tableLines(rows, ["left", "left"], { columns })], columns);
}

/** The rest, what matters most first; tensors on request. */
export function reportText(report: ModelReport, options: TextOptions): string {
  const table: Table = (rows, alignment) => tableLines(rows, alignment, { columns: options.columns, hasHead: true });
  const { tensors } = report;
  const blocks = [
    tensors.length === 0 ? ["no tensors: a vocabulary only"] : typeLines(report, table),
    memoryLines(report, table),
    fieldLines(report, options),
    report.unread.map((name) => `not read: ${printable(name)}`),
    options.tensors
      ? tensorLines(report, table)
      : tensors.length === 0
        ? []
        : [`--tensors lists all ${tensors.length}`],
  ];
  return `\n${blocksText(blocks, options.columns)}`;
}

function blocksText(blocks: readonly (readonly string[])[], columns: number): string {
  return `${blocks
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.map((line) => wrapText(line, columns)).join("\n"))
    .join("\n\n")}\n`;
}

function tokenizerText({ kind, pre, pieces }: Identity["tokenizer"]): string {
  if (kind === null && pieces === 0) return "none";
  const known = VOCABULARY_KINDS.find(({ model }) => model === kind)?.title;
  const name = known ?? printable(kind ?? "of no kind that the file names", 64);
  return `${name}${pre === null ? "" : ` (${printable(pre, 64)})`}, ${countText(pieces)} pieces`;
}

function templateText(template: Identity["template"]): string {
  if (template === null) return "none";
  const others = template.others.length === 0 ? "" : `; others: ${printable(template.others.join(", "), 200)}`;
  return `its own, ${countText(template.characters)} characters${others}`;
}

/** Shares of the bytes. */
function mixText({ types, fileType }: Identity): string {
  const all = types.reduce((sum, { bytes }) => sum + bytes, 0);
  if (all === 0) return "none";
  const shares = types.map(({ type, bytes }) => `${type} ${percentText(bytes / all)}`);
  const weights = types.reduce((sum, type) => sum + type.weights, 0);
  return `${countText(weights)}: ${shares.join(", ")}${fileType === null ? "" : `; ${fileType}`}`;
}

function percentText(share: number): string {
  const rounded = Math.round(100 * share);
  return rounded === 0 ? "<1 %" : rounded === 100 && share < 1 ? ">99 %" : `${rounded} %`;
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
