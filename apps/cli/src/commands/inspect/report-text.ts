// The report of ll-inspect as tables.

import { printable } from "@ll/bytes";
import { tableLines } from "../../text-table.ts";
import { countText, sizeText } from "../../units.ts";
import type { ModelReport, TypeSummary } from "./model-report.ts";

/** Longest value shown: a chat template has thousands of characters. */
const VALUE_CHARS = 80;

export function reportText(report: ModelReport): string {
  const blocks = [
    [`${printable(report.file, 4096)}: ${report.format}, ${sizeText(report.bytes)}`],
    fieldLines(report),
    report.unread.map((name) => `not read: ${printable(name)}`),
    report.tensors.length === 0 ? ["no tensors: a vocabulary only"] : typeLines(report),
    memoryLines(report),
    tensorLines(report),
  ];
  return `${blocks
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join("\n"))
    .join("\n\n")}\n`;
}

function fieldLines({ fields }: ModelReport): string[] {
  const rows = fields.map(({ name, value }) => [printable(name), printable(String(value), VALUE_CHARS)]);
  return tableLines(rows, ["left", "left"]);
}

function typeLines({ types }: ModelReport): string[] {
  const sum = (field: "tensors" | "weights" | "bytes"): number => types.reduce((all, type) => all + type[field], 0);
  const all: TypeSummary = { type: "all", tensors: sum("tensors"), weights: sum("weights"), bytes: sum("bytes") };
  const rows = [...types, all].map(({ type, tensors, weights, bytes }) => [
    type,
    countText(tensors),
    countText(weights),
    sizeText(bytes),
    ((8 * bytes) / weights).toFixed(2),
  ]);
  const head = ["type", "tensors", "weights", "size", "bits per weight"];
  return tableLines([head, ...rows], ["left", "right", "right", "right", "right"]);
}

function memoryLines({ memory }: ModelReport): string[] {
  if (memory.length === 0) return [];
  const rows = memory.map(({ contextTokens, weights, kvCache, total }) => [
    `context ${contextTokens}`,
    sizeText(weights),
    sizeText(kvCache),
    sizeText(total),
  ]);
  const head = ["memory requirements", "weights", "KV cache (f16)", "total"];
  return tableLines([head, ...rows], ["left", "right", "right", "right"]);
}

function tensorLines({ tensors }: ModelReport): string[] {
  if (tensors.length === 0) return [];
  const rows = tensors.map(({ name, type, shape, bytes, offset }) => [
    printable(name),
    type,
    shape.join(" × "),
    sizeText(bytes),
    String(offset),
  ]);
  return tableLines(
    [["tensor", "type", "shape", "size", "offset"], ...rows],
    ["left", "left", "right", "right", "right"],
  );
}
