// A text that is being typed, as rows of a terminal. It is drawn again in place after each key, and after the window got another
// width.

import { charWidth } from "../../char-width.ts";

const TAB_COLUMNS = 8;

/** What is on the screen: prompt, text and the place of the cursor in it. */
export interface Drawing {
  readonly prompt: string;
  /** In front of every line but the first. */
  readonly morePrompt: string;
  readonly text: string;
  readonly cursor: number;
}

interface Row {
  readonly text: string;
  readonly columns: number;
  /** A line ends here; else the terminal goes on in the next row by itself. */
  readonly isEnd: boolean;
}

export interface Layout {
  readonly rows: readonly Row[];
  readonly cursorRow: number;
  readonly cursorColumn: number;
}

/** How a terminal of so many columns shows it. A last row that is full has an empty one behind it, for the cursor. */
export function layoutOf({ prompt, morePrompt, text, cursor }: Drawing, width: number): Layout {
  const rows: Row[] = [];
  let row = "";
  let column = 0;
  let [cursorRow, cursorColumn] = [0, 0];
  const end = (isEnd: boolean): void => {
    rows.push({ text: row, columns: column, isEnd });
    row = "";
    column = 0;
  };
  const put = (shown: string, columns: number): void => {
    if (column + columns > width) end(false);
    row += shown;
    column += columns;
  };
  const putText = (shown: string): void => {
    for (const character of shown) put(character, charWidth(character));
  };
  putText(prompt);
  let index = 0;
  for (const character of text) {
    const columns = charWidth(character);
    if (columns > 0 && column + columns > width) end(false);
    if (index === cursor) [cursorRow, cursorColumn] = [rows.length, column];
    index += character.length;
    if (character === "\n") {
      end(true);
      putText(morePrompt);
    } else if (character === "\t") {
      for (let n = TAB_COLUMNS - (column % TAB_COLUMNS); n > 0; n--) put(" ", 1);
    } else put(character, columns);
  }
  if (column === width) end(false);
  if (index === cursor) [cursorRow, cursorColumn] = [rows.length, column];
  end(true);
  return { rows, cursorRow, cursorColumn };
}

export interface InputScreen {
  /** Draws this in place of what was drawn before. */
  draw(drawing: Drawing): void;
  /** The window has another size. */
  resize(): void;
  /** Leaves what is drawn where it is; the next drawing begins in a new line. */
  finish(): void;
  /** What was drawn is no longer there. */
  forget(): void;
  /** Clears the whole screen and draws at its top. */
  clear(): void;
}

/** The part of a terminal's stream that is used. */
export interface ScreenStream {
  readonly columns?: number;
  readonly rows?: number;
  write(data: string): unknown;
}

/**
 * Whether a terminal wraps the line with the cursor anew when its width changes. Most do; xterm cuts its rows, and xterm.js, which is
 * in these programs, leaves them to the program.
 */
export function wrapsAnew({ TERM_PROGRAM, XTERM_VERSION }: Readonly<Record<string, string | undefined>>): boolean {
  return !["vscode", "Hyper", "Tabby"].includes(TERM_PROGRAM ?? "") && (XTERM_VERSION ?? "") === "";
}

export function createInputScreen(stream: ScreenStream, options: { readonly wrapsAnew: boolean }): InputScreen {
  const width = (): number => Math.max(2, stream.columns || 80);
  const height = (): number => Math.max(1, stream.rows || 24);
  let drawn: Drawing | undefined;
  let top = 0; // first row that is shown, if not all fit
  let cursorRow = 0; // below the first row that is shown

  function draw(drawing: Drawing): void {
    const { rows, ...cursor } = layoutOf(drawing, width());
    const lastTop = Math.max(0, rows.length - height());
    top = Math.min(Math.max(Math.min(top, cursor.cursorRow), cursor.cursorRow - height() + 1), lastTop);
    const shown = rows.slice(top, top + height());
    let out = drawn === undefined ? "\r" : toFirstRow();
    let wraps = false; // the row before is full, and the terminal waits at its right edge for one more character
    for (const [index, { text, columns, isEnd }] of shown.entries()) {
      out += wraps && text === "" ? " \r" : text;
      const isFull = columns >= width();
      if (!isFull) out += "\x1b[K";
      wraps = isFull && !isEnd;
      if (isEnd && index < shown.length - 1) out += "\r\n";
    }
    if (!wraps) out += "\x1b[J";
    cursorRow = cursor.cursorRow - top;
    const up = shown.length - 1 - cursorRow;
    out += `${up > 0 ? `\x1b[${up}A` : ""}\x1b[${cursor.cursorColumn + 1}G`;
    stream.write(out);
    drawn = drawing;
  }

  function toFirstRow(): string {
    return `${cursorRow > 0 ? `\x1b[${cursorRow}A` : ""}\r`;
  }

  /** Where the terminal has put the cursor. Behind a row that is full now it has no reason to begin another. */
  function wrappedCursorRow(drawing: Drawing): number {
    const { rows, cursorRow: row } = layoutOf(drawing, width());
    return row > 0 && rows[row]?.text === "" && rows[row - 1]?.isEnd === false ? row - 1 : row;
  }

  return {
    draw,
    resize() {
      if (drawn === undefined) return;
      if (top === 0) {
        if (options.wrapsAnew) cursorRow = wrappedCursorRow(drawn);
      } else {
        stream.write("\x1b[H");
        [top, cursorRow] = [0, 0];
      }
      draw(drawn);
    },
    finish() {
      if (drawn === undefined) return;
      draw({ ...drawn, cursor: drawn.text.length });
      stream.write("\r\n");
      [drawn, top, cursorRow] = [undefined, 0, 0];
    },
    forget() {
      [drawn, top, cursorRow] = [undefined, 0, 0];
    },
    clear() {
      stream.write("\x1b[H\x1b[2J");
      [top, cursorRow] = [0, 0];
      if (drawn !== undefined) draw(drawn);
    },
  };
}

/** For a terminal that cannot move its cursor (`TERM=dumb`): what is typed at the end is shown there, all else on a new line. */
export function createDumbScreen(stream: ScreenStream): InputScreen {
  let drawn: string | undefined;
  const forget = (): void => {
    drawn = undefined;
  };
  return {
    draw({ prompt, morePrompt, text }) {
      const whole = `${prompt}${text.replaceAll("\n", `\n${morePrompt}`)}`;
      if (drawn === undefined) stream.write(whole);
      else if (whole.startsWith(drawn)) stream.write(whole.slice(drawn.length));
      else stream.write(`\n${whole}`);
      drawn = whole;
    },
    resize: () => undefined,
    finish() {
      if (drawn !== undefined) stream.write("\n");
      forget();
    },
    forget,
    clear: () => undefined,
  };
}
