// An answer on a terminal while it grows, broken at words, with its speed behind it: the speed is written behind the last word
// and taken away again before the next one. A file or a pipe gets the text as it is.

import type { Io } from "../../command.ts";
import { type ColourMode, inert, usesColour } from "../../terminal.ts";
import { columnsOf } from "../../text-wrap.ts";
import { createAnswerWrap } from "./answer-wrap.ts";

/** Between two changes of the speed. */
const REDRAW_MS = 100;

export interface LiveLine {
  text(piece: string): void;
  /** What is thought before the text: dimmed, on a terminal only, with an empty line behind it. */
  thought(piece: string): void;
  /** Shows something about the answer, at most ten times a second; not at all where it would not fit on the line. */
  status(text: string): void;
  /** Shows what was held back of the text, and takes the status away. */
  end(): void;
}

/** @param now milliseconds from any origin */
export function createLiveLine({ out, err, env }: Io, color: ColourMode, now: () => number): LiveLine {
  const isShown = err.isTty && env["TERM"] !== "dumb";
  const [dim, normal] = usesColour(color, err, env) ? ["\x1b[2m", "\x1b[0m"] : ["", ""];
  const wrap = createAnswerWrap({
    get columns() {
      return out.columns;
    },
    get lineColumns() {
      return columnsOf(out, env);
    },
  });
  const [dimOut, normalOut] = usesColour(color, out, env) ? ["\x1b[2m", "\x1b[0m"] : ["", ""];
  let isThinking = false;
  let drawn = false;
  let drawnMs = Number.NEGATIVE_INFINITY;

  function clear(): void {
    // the cursor is behind the text: the status has been stepped back over
    if (drawn) err.control("\x1b[J"); // also where a window that became narrower has wrapped it
    drawn = false;
  }
  function write(text: string): void {
    if (text === "") return;
    clear();
    out.write(text);
  }
  /** Paints each piece: what else is shown meanwhile has colours of its own. */
  function dimmed(text: string): void {
    if (text === "") return;
    clear();
    out.control(dimOut);
    out.write(text);
    out.control(normalOut);
  }
  /** Ends a thought. */
  function wake(): void {
    if (!isThinking) return;
    isThinking = false;
    dimmed(wrap.flush());
    write(wrap.push("\n\n"));
  }
  return {
    text(piece) {
      wake();
      write(out.isTty ? wrap.push(inert(piece)) : piece);
    },
    thought(piece) {
      if (!out.isTty) return;
      isThinking = true;
      dimmed(wrap.push(inert(piece)));
    },
    status(text) {
      const shown = `  ${text}`;
      if (!isShown || now() - drawnMs < REDRAW_MS || wrap.column + shown.length >= err.columns) return;
      clear();
      err.control(`${dim}${shown}${normal}\x1b[${shown.length}D`);
      drawn = true;
      drawnMs = now();
    },
    end() {
      wake();
      write(wrap.flush());
      clear();
    },
  };
}
