// Tables of text: columns as wide as their widest cell, two spaces between them.

import { charWidth } from "./char-width.ts";
import type { Terminal } from "./terminal.ts";

/** `left` or `right` for each column. */
export type Alignment = "left" | "right";

/** Lines of a table, without line ends and without spaces at the end. Rows may be shorter than others. */
export function tableLines(rows: readonly (readonly string[])[], alignment: readonly Alignment[]): string[] {
  const widths = alignment.map((_, column) => Math.max(...rows.map((row) => widthOf(row[column] ?? ""))));
  return rows.map((row) =>
    row
      .map((cell, column) => {
        const padding = " ".repeat((widths[column] ?? 0) - widthOf(cell));
        return alignment[column] === "right" ? padding + cell : cell + padding;
      })
      .join("  ")
      .trimEnd(),
  );
}

/** Columns of a terminal. */
function widthOf(text: string): number {
  return [...text].reduce((sum, character) => sum + charWidth(character), 0);
}

/** `text` as it fits on a terminal: longer lines end in `…` where it ends, unless `--no-truncate`. A file or a pipe gets all of it. */
export function fitted(
  text: string,
  { isTty, columns }: Pick<Terminal, "isTty" | "columns">,
  { truncate }: { readonly truncate: boolean },
): string {
  return isTty && truncate
    ? text
        .split("\n")
        .map((line) => cutLine(line, columns))
        .join("\n")
    : text;
}

function cutLine(line: string, columns: number): string {
  let used = 0;
  let fitting = 0; // UTF-16 units that leave a column for the mark
  for (const character of line) {
    used += charWidth(character);
    if (used > columns) return `${line.slice(0, fitting)}…`;
    if (used < columns) fitting += character.length;
  }
  return line;
}
