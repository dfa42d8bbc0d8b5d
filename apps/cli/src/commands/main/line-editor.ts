// The line editor of build 803: characters are read one at a time and echoed by the program itself. A last `\` or `/` is special, is shown so,
// and says how the line ends.

import { charWidth } from "../../char-width.ts";

/** Where characters come from: one code point at a time, `undefined` at the end of input. */
export interface CharacterSource {
  next(): Promise<string | undefined>;
}

/** Where echo and colours go. */
export interface EchoSink {
  write(text: string): void;
  /** Takes the last character away, which is so many columns wide. */
  erase(columns: number): void;
  colour(kind: "prompt" | "user"): void;
}

export interface InputLine {
  /** Without its terminator, unless the terminator belongs to it. */
  readonly text: string;
  /** True if the user goes on with another line. */
  readonly more: boolean;
  readonly endOfInput: boolean;
}

const ESCAPE = "\x1b";
const END_OF_TRANSMISSION = "\x04";
/** Reads one line. In default mode Return submits and `\` continues; `multiline` turns that round; `/` always submits, without newline. */
export async function readLine(source: CharacterSource, echo: EchoSink, multiline: boolean): Promise<InputLine> {
  const line: string[] = [];
  let special = false; // the last character is `\` or `/` and shown in prompt colour
  let endOfInput = false;

  for (;;) {
    const character = await source.next();
    if (character === "\r" || character === "\n") break;
    if (character === undefined || character === END_OF_TRANSMISSION) {
      endOfInput = true;
      break;
    }
    if (special) {
      redraw(echo, "user", line.at(-1) as string);
      special = false;
    }
    if (character === ESCAPE) {
      await skipEscape(source);
    } else if (character === "\b" || character === "\x7f") {
      eraseLast(line, echo);
    } else {
      line.push(character);
      echo.write(character);
    }
    const last = line.at(-1);
    if (last === "\\" || last === "/") {
      redraw(echo, "prompt", last);
      special = true;
    }
  }
  return finish(line, special, endOfInput, echo, multiline);
}

function finish(line: string[], special: boolean, endOfInput: boolean, echo: EchoSink, multiline: boolean): InputLine {
  let more = multiline;
  if (special) {
    echo.erase(1);
    const last = line.pop();
    if (last === "\\") {
      line.push("\n");
      echo.write("\n");
      more = !more;
    } else {
      if (line.length === 1 && line[0] === " ") {
        line.pop();
        echo.write("\b");
      }
      more = false;
    }
  } else if (endOfInput) {
    more = false;
  } else {
    line.push("\n");
    echo.write("\n");
  }
  return { text: line.join(""), more, endOfInput };
}

/** Shows the character before the cursor again, in another colour. */
function redraw(echo: EchoSink, colour: "prompt" | "user", character: string): void {
  echo.colour(colour);
  echo.write(`\b${character}`);
}

/** Removes the last character with the zero-width ones on it. */
function eraseLast(line: string[], echo: EchoSink): void {
  let width = 0;
  while (line.length > 0 && width === 0) {
    width = charWidth(line.pop() as string);
    echo.erase(width);
  }
}

/** Steps over an escape sequence: `ESC [ … letter` or `ESC ESC …`, or one character after a lone ESC. */
async function skipEscape(source: CharacterSource): Promise<void> {
  const first = await source.next();
  if (first !== "[" && first !== ESCAPE) return;
  for (;;) {
    const character = await source.next();
    if (character === undefined || /^[A-Za-z~]$/.test(character)) return;
  }
}

/** Reads one line. A last `/` submits without newline, a last `\` does what `multiline` does not; the end of input ends a line. */
export async function readSimpleLine(source: CharacterSource, multiline: boolean): Promise<InputLine> {
  let text = "";
  let character = await source.next();
  while (character !== undefined && character !== "\n") {
    text += character;
    character = await source.next();
  }
  const endOfInput = character === undefined;
  if (text === "" && endOfInput) return { text, more: false, endOfInput };
  if (text.endsWith("/")) return { text: text.slice(0, -1), more: false, endOfInput };
  const inverted = text.endsWith("\\");
  return { text: `${inverted ? text.slice(0, -1) : text}\n`, more: multiline !== inverted, endOfInput };
}
