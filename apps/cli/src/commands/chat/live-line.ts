// An answer on a terminal while it grows, with its speed behind it: the speed is written behind the last word and taken away
// again before the next one.

import { charWidth } from "../../char-width.ts";
import type { Io } from "../../command.ts";
import { type ColourMode, inert, usesColour } from "../../terminal.ts";

/** Between two changes of the speed. */
const REDRAW_MS = 100;

const TAB_COLUMNS = 8;

export interface LiveLine {
  text(piece: string): void;
  /** Shows something about the answer, at most ten times a second; not at all where it would not fit on the line. */
  status(text: string): void;
  /** Takes the status away. */
  clear(): void;
}

/** @param now milliseconds from any origin */
export function createLiveLine({ out, err, env }: Io, color: ColourMode, now: () => number): LiveLine {
  const isShown = err.isTty && env["TERM"] !== "dumb";
  const [dim, normal] = usesColour(color, err, env) ? ["\x1b[2m", "\x1b[0m"] : ["", ""];
  let column = 0; // of the cursor; only the text counts
  let drawn = false;
  let drawnMs = Number.NEGATIVE_INFINITY;

  function clear(): void {
    // the cursor is behind the text: the status has been stepped back over
    if (drawn) err.control("\x1b[J"); // also where a window that became narrower has wrapped it
    drawn = false;
  }
  return {
    text(piece) {
      clear();
      out.write(piece);
      if (out.isTty) column = columnAfter(inert(piece), column, out.columns);
    },
    status(text) {
      const shown = `  ${text}`;
      if (!isShown || now() - drawnMs < REDRAW_MS || column + shown.length >= err.columns) return;
      clear();
      err.control(`${dim}${shown}${normal}\x1b[${shown.length}D`);
      drawn = true;
      drawnMs = now();
    },
    clear,
  };
}

function columnAfter(text: string, from: number, columns: number): number {
  let column = from;
  for (const character of text) {
    if (character === "\n") column = 0;
    else if (character === "\t") column += TAB_COLUMNS - (column % TAB_COLUMNS);
    else column += charWidth(character);
    // the terminal goes on in the next line
    if (column > columns) column = charWidth(character);
  }
  return column;
}
