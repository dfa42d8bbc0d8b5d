// Tables of text: columns as wide as their widest cell, two spaces between them.

/** `left` or `right` for each column. */
export type Alignment = "left" | "right";

/** Lines of a table, without line ends and without spaces at the end. Rows may be shorter than others. */
export function tableLines(rows: readonly (readonly string[])[], alignment: readonly Alignment[]): string[] {
  const widths = alignment.map((_, column) => Math.max(...rows.map((row) => length(row[column] ?? ""))));
  return rows.map((row) =>
    row
      .map((cell, column) => {
        const padding = " ".repeat((widths[column] ?? 0) - length(cell));
        return alignment[column] === "right" ? padding + cell : cell + padding;
      })
      .join("  ")
      .trimEnd(),
  );
}

/** Characters, not UTF-16 units. */
function length(text: string): number {
  return [...text].length;
}
