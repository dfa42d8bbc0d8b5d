// The console of ll-main: generated text to standard output, echo and colours to the terminal, characters from standard input.

// biome-ignore lint/style/noRestrictedImports: the terminal is a device, on which nothing is replaced
import { constants, openSync, writeSync } from "node:fs";
import { charWidth } from "../../char-width.ts";
import { openRawTerminal } from "../../raw-terminal.ts";
import { inert, type Terminal } from "../../terminal.ts";
import type { CharacterSource, EchoSink } from "./line-editor.ts";

export type Colour = "default" | "prompt" | "user" | "error";

const COLOURS: Readonly<Record<Colour, string>> = {
  default: "\x1b[0m",
  prompt: "\x1b[33m",
  user: "\x1b[1m\x1b[32m",
  error: "\x1b[1m\x1b[31m",
};

export interface MainConsole extends EchoSink, CharacterSource {
  /** Writes generated text: raw bytes into a pipe or file, inert text on a terminal. */
  print(content: Uint8Array | string): void;
  colour(kind: Colour): void;
  /** Restores colours and terminal mode. */
  close(): void;
}

export interface ConsoleOptions {
  readonly color: boolean;
  /** Read a terminal from the start: what is typed before the user has the word waits, and is echoed only once. */
  readonly interactive: boolean;
  /** Standard input and output as they are: no raw mode, no terminal beside them. */
  readonly simpleIo: boolean;
}

/** `onInterrupt` is called for a Ctrl-C typed into a terminal in raw mode, which sends no signal. */
export function openConsole(
  out: Terminal,
  { color, interactive, simpleIo }: ConsoleOptions,
  onInterrupt: () => void,
): MainConsole {
  const writeDevice = simpleIo ? plainDevice(out) : echoDevice(out);
  const isTerminal = process.stdin.isTTY === true && !simpleIo;
  const line = lastLine(() => out.columns);
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  const input = characterQueue(isTerminal, {
    onInterrupt,
    // what was there before the stop is above what the shell has said
    onContinue: () => writeDevice(`\r${line.text}`),
  });
  if (interactive && isTerminal) input.start();
  let current: Colour = "default";

  const colour = (kind: Colour): void => {
    if (!color || kind === current) return;
    current = kind;
    writeDevice(COLOURS[kind]);
  };
  return {
    print(content) {
      out.write(content);
      if (out.isTty) line.add(inert(typeof content === "string" ? content : decoder.decode(content, { stream: true })));
    },
    write(text) {
      // what is echoed was typed by the user or is a cursor movement of the editor: backspace must pass
      const shown = text.split("\b").map(inert).join("\b");
      writeDevice(
        isTerminal && shown.startsWith("\b") && line.isFull ? `\x1b[${out.columns}G${shown.slice(1)}` : shown,
      );
      line.add(shown);
    },
    erase(columns) {
      const { row } = line.end;
      line.erase();
      const { end, last } = line;
      const up = `\r\x1b[J\x1b[${row - end.row}A`;
      if (!isTerminal || end.row === row) writeDevice("\b \b".repeat(columns));
      else if (end.column < out.columns) writeDevice(`${up}\x1b[${end.column + 1}G\x1b[K`);
      // behind a full row the cursor waits at its edge, as it does after the last character was written there
      else writeDevice(`${up}\x1b[${out.columns - charWidth(last) + 1}G${last}`);
    },
    colour,
    next: () => input.next(),
    close() {
      colour("default");
      input.close();
    },
  };
}

/** Echo goes to the terminal even when the text goes elsewhere; without a terminal it goes with the text. */
function echoDevice(out: Terminal): (text: string) => void {
  if (out.isTty) return plainDevice(out);
  try {
    const terminal = openSync("/dev/tty", constants.O_WRONLY);
    return (text) => writeSync(terminal, text);
  } catch {
    return plainDevice(out);
  }
}

function plainDevice(out: Terminal): (text: string) => void {
  return (text) => (out.isTty ? out.control(text) : out.write(text));
}

/** Longest line that is remembered, in UTF-16 units. */
const MAX_LINE = 8192;

/** What stands in the line that is being written, in as many rows of the terminal as it takes. */
function lastLine(width: () => number): {
  readonly text: string;
  /** Where the cursor is: a row below the first, and a column, which is the width behind a full row. */
  readonly end: { readonly row: number; readonly column: number };
  readonly isFull: boolean;
  /** The last character that has a width. */
  readonly last: string;
  /** Backspaces take characters away. */
  add(text: string): void;
  erase(): void;
} {
  let characters: string[] = [];
  const end = (): { row: number; column: number } => {
    const columns = width();
    let [row, column] = [0, 0];
    for (const character of characters) {
      const wide = character === "\t" ? 8 - (column % 8) : charWidth(character);
      if (column + wide > columns) [row, column] = [row + 1, 0];
      column += wide;
    }
    return { row, column };
  };
  const erase = (): void => {
    while (characters.length > 0 && charWidth(characters.pop() as string) === 0);
  };
  return {
    get text() {
      return characters.join("");
    },
    get end() {
      return end();
    },
    get isFull() {
      return end().column >= width();
    },
    get last() {
      return characters.findLast((character) => charWidth(character) > 0) ?? " ";
    },
    add(text) {
      for (const character of text) {
        if (character === "\b") erase();
        else if (character === "\n") characters = [];
        else characters.push(character);
      }
      if (characters.length > MAX_LINE) characters = characters.slice(-MAX_LINE / 2);
    },
    erase,
  };
}

/** Characters of standard input. A terminal is read raw, so that the editor sees every key; there Ctrl-C and Ctrl-Z send no signal. */
function characterQueue(
  isTerminal: boolean,
  { onInterrupt, onContinue }: { readonly onInterrupt: () => void; readonly onContinue: () => void },
): CharacterSource & { start(): void; close(): void } {
  const { stdin } = process;
  const queue: string[] = [];
  let close: (() => void) | undefined;
  let ended = false;
  let wake: (() => void) | undefined;

  const end = (): void => {
    ended = true;
    wake?.();
  };
  const startTerminal = (): void => {
    const terminal = openRawTerminal({
      onText(text) {
        for (const key of text) {
          if (key === "\x03") onInterrupt();
          else if (key === "\x1a") terminal.suspend();
          else queue.push(key);
        }
        wake?.();
      },
      onEnd: end,
      onContinue,
    });
    close = terminal.close;
  };
  const startPipe = (): void => {
    const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
    close = () => void stdin.destroy();
    ended = stdin.destroyed; // a prompt has been read from it
    stdin.on("data", (chunk: Buffer) => {
      for (const character of decoder.decode(chunk, { stream: true })) queue.push(character);
      wake?.();
    });
    stdin.on("end", end);
    stdin.on("error", end);
  };
  const start = isTerminal ? startTerminal : startPipe;

  return {
    start,
    async next() {
      if (close === undefined) start();
      while (queue.length === 0 && !ended) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      return queue.shift();
    },
    close: () => close?.(),
  };
}
