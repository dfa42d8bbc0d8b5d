// An answer broken at words while it grows. A word is held back as long as it may turn out to be too wide for its line.

import { charWidth } from "../../char-width.ts";

const TAB_COLUMNS = 8;

export interface AnswerWrap {
  /** Takes more of the text. @returns what may be shown of it, with its line breaks */
  push(text: string): string;
  /** The word that was held back, at the end. */
  flush(): string;
  /** Column behind what may be shown. */
  readonly column: number;
}

/**
 * Lines end at a space, or beside a wide character. A word that is wider than a line is not cut: the terminal does that.
 * @param screen the columns of the terminal, and those that lines may have; they may change
 */
export function createAnswerWrap(screen: { readonly columns: number; readonly lineColumns: number }): AnswerWrap {
  let column = 0;
  let hasWord = false; // what stands on the line may be all there is on it
  let spaces = "";
  let word = "";
  let end = 0; // column behind spaces and word, if they stay on this line
  let isBegun = false; // the beginning of the word is shown: its end follows at once

  /** Shows the word, on this line or on the next. */
  function settle(): string {
    if (word === "") return "";
    const stays = isBegun || !hasWord || end <= screen.lineColumns;
    const shown = stays ? spaces + word : `\n${word}`;
    for (const character of shown) column = columnBehind(character, column, screen.columns);
    [spaces, word, end, hasWord, isBegun] = ["", "", column, true, true];
    return shown;
  }

  function take(character: string): string {
    if (character === "\n") {
      const shown = `${settle()}\n`;
      [spaces, column, end, hasWord, isBegun] = ["", 0, 0, false, false];
      return shown;
    }
    const width = charWidth(character);
    let shown = "";
    if (character === " " || character === "\t" || width === 2) {
      shown = settle();
      isBegun = false;
    }
    end = columnBehind(character, end);
    if (character === " " || character === "\t") {
      spaces += character;
      return shown;
    }
    word += character;
    if (!isBegun && hasWord && end <= screen.lineColumns && width < 2) return shown;
    shown += settle();
    isBegun = width < 2;
    return shown;
  }

  return {
    push: (text) => Array.from(text, take).join(""),
    flush: settle,
    get column() {
      return column;
    },
  };
}

/** Where the cursor is behind a character; the terminal goes on in the next line. */
function columnBehind(character: string, from: number, columns = Number.POSITIVE_INFINITY): number {
  if (character === "\n") return 0;
  if (character === "\t") return from + TAB_COLUMNS - (from % TAB_COLUMNS);
  const width = charWidth(character);
  return from + width > columns ? width : from + width;
}
