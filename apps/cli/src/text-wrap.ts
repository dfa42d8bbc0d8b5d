// Text broken at words, as wide as the terminal that shows it.

import { charWidth } from "./char-width.ts";
import type { Io } from "./command.ts";
import type { Terminal } from "./terminal.ts";

/** Narrowest width that is taken at its word: below it every line would be one word. */
const MIN_COLUMNS = 20;

/** Columns for words on `terminal`: those that `COLUMNS` names, else those it has, 80 if it is none. */
export function columnsOf(terminal: Pick<Terminal, "columns">, { COLUMNS }: Io["env"]): number {
  const asked = /^[1-9]\d{0,4}$/.test(COLUMNS ?? "") ? Number(COLUMNS) : terminal.columns;
  return Math.max(MIN_COLUMNS, asked);
}

/** Columns that a text takes in a terminal. */
export function widthOf(text: string): number {
  return [...text].reduce((sum, character) => sum + charWidth(character), 0);
}

/**
 * `text` with its lines broken at spaces so that none is wider than `columns`. What follows a break is indented as its line was,
 * and by `hanging` more columns. A word that is wider than a line stays whole: nothing is cut.
 */
export function wrapText(text: string, columns: number, hanging = 0): string {
  return text
    .split("\n")
    .map((line) => (widthOf(line) <= columns ? line : wrapLine(line, columns, hanging)))
    .join("\n");
}

function wrapLine(line: string, columns: number, hanging: number): string {
  const own = /^ */.exec(line)?.[0] ?? "";
  const lines: string[] = [];
  let current = own;
  let isEmpty = true;
  for (const word of line.trim().split(/ +/)) {
    const space = isEmpty ? "" : " ";
    if (!isEmpty && widthOf(current) + 1 + widthOf(word) > columns) {
      lines.push(current);
      current = own + " ".repeat(hanging) + word;
    } else current += space + word;
    isEmpty = false;
  }
  return [...lines, current].join("\n");
}

/** `text` as `terminal` shows it: at words where a terminal ends; a file or a pipe gets every line as it is. */
export function wrapFor(terminal: Terminal, env: Io["env"], text: string, hanging = 0): string {
  return terminal.isTty ? wrapText(text, columnsOf(terminal, env), hanging) : text;
}
