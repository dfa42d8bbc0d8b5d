// Tables of text: columns as wide as their widest cell, two spaces between them.

import type { Io } from "./command.ts";
import type { Terminal } from "./terminal.ts";
import { columnsOf, widthOf, wrapText } from "./text-wrap.ts";

/** `left` or `right` for each column. */
export type Alignment = "left" | "right";

/** How a table is laid out. */
export interface TableLayout {
  /** Widest line; unlimited if absent. */
  readonly columns?: number;
  /** The first row names the columns. */
  readonly hasHead?: boolean;
}

const GAP = "  ";

/**
 * Lines of a table, without line ends and without spaces at the end. Rows may be shorter than others. What is wider than
 * `columns` is broken at words in the last column, if that is a text and has room; else every row becomes a paragraph.
 */
export function tableLines(
  rows: readonly (readonly string[])[],
  alignment: readonly Alignment[],
  { columns = Number.POSITIVE_INFINITY, hasHead = false }: TableLayout = {},
): string[] {
  const widths = alignment.map((_, column) => Math.max(...rows.map((row) => widthOf(row[column] ?? ""))));
  const whole = widths.reduce((sum, width) => sum + width + GAP.length, -GAP.length);
  if (whole <= columns) return rows.map((row) => line(row, alignment, widths));
  const last = widths.at(-1) ?? 0;
  const room = columns - (whole - last);
  const isText = alignment.at(-1) === "left";
  if (isText && room >= Math.max(columns / 3, longestWord(rows.map((row) => row[alignment.length - 1] ?? "")))) {
    return rows.flatMap((row) => {
      const [first = "", ...more] = wrapText(row[alignment.length - 1] ?? "", room).split("\n");
      const indent = " ".repeat(columns - room);
      return [
        line([...row.slice(0, alignment.length - 1), first], alignment, widths),
        ...more.map((one) => indent + one),
      ];
    });
  }
  return hasHead ? paragraphs(rows) : rows.flatMap(([name = "", ...cells]) => paragraph(name, cells, columns));

  function paragraphs([heads = [], ...others]: readonly (readonly string[])[]): string[] {
    return others.flatMap(([name = "", ...cells]) => {
      const named = cells.flatMap((cell, i) => (cell === "" ? [] : [`${heads[i + 1] ?? ""} ${cell}`.trim()]));
      return paragraph(name, [named.join(", ")], columns);
    });
  }
}

function line(row: readonly string[], alignment: readonly Alignment[], widths: readonly number[]): string {
  return row
    .map((cell, column) => {
      const padding = " ".repeat(Math.max(0, (widths[column] ?? 0) - widthOf(cell)));
      return alignment[column] === "right" ? padding + cell : cell + padding;
    })
    .join(GAP)
    .trimEnd();
}

/** What a row is about, then the rest of it below, indented. */
function paragraph(name: string, cells: readonly string[], columns: number): string[] {
  const rest = cells.filter((cell) => cell !== "").join(GAP);
  return wrapText(rest === "" ? name : `${name}\n${GAP}${rest}`, columns).split("\n");
}

function longestWord(texts: readonly string[]): number {
  return Math.max(...texts.flatMap((text) => text.split(" ")).map(widthOf));
}

/** Columns that a table may have: those of a terminal, unless `--no-truncate`; a file or a pipe gets its rows in one line each. */
export function tableColumns(out: Terminal, env: Io["env"], { truncate }: { readonly truncate: boolean }): number {
  return out.isTty && truncate ? columnsOf(out, env) : Number.POSITIVE_INFINITY;
}
