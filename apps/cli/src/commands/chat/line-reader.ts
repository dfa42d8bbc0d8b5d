// The line editor of ll-chat: node:readline on a terminal, open for the whole chat, so that what is typed or pasted during an
// answer is not lost. During an answer its echo is off.

import { createInterface } from "node:readline";
import { Writable } from "node:stream";
import { SLASH_NAMES } from "./slash-commands.ts";

export interface LineReader {
  /** What is typed and not yet entered. */
  readonly typed: string;
  /** The next line; undefined at the end of input. */
  read(prompt: string): Promise<string | undefined>;
  /** Throws away what is typed, and asks again. */
  discard(prompt: string): void;
  close(): void;
}

export interface LineReaderOptions {
  /** Where prompts and echo go. */
  readonly screen: NodeJS.WriteStream;
  /** Oldest first. */
  readonly history: readonly string[];
  readonly historySize: number;
  /** Ctrl-C. */
  readonly onInterrupt: () => void;
}

export function openLineReader({ screen, history, historySize, onInterrupt }: LineReaderOptions): LineReader {
  const output = new MutedScreen(screen);
  const lines: string[] = [];
  let isClosed = false;
  let wake: (() => void) | undefined;

  const editor = createInterface({
    input: process.stdin,
    output,
    terminal: true,
    history: history.toReversed(),
    historySize,
    removeHistoryDuplicates: true,
    completer: (line: string) => [SLASH_NAMES.filter((name) => line.startsWith("/") && name.startsWith(line)), line],
  });
  editor.on("line", (line) => {
    lines.push(line);
    wake?.();
  });
  editor.on("close", () => {
    isClosed = true;
    wake?.();
  });
  editor.on("SIGINT", onInterrupt);

  return {
    get typed() {
      return editor.line;
    },
    async read(prompt) {
      if (lines.length === 0 && !isClosed) {
        output.isMuted = false;
        editor.setPrompt(prompt);
        editor.prompt(true); // shows what was typed meanwhile
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
        wake = undefined;
        output.isMuted = true;
      }
      return lines.shift();
    },
    discard(prompt) {
      editor.write(null, { ctrl: true, name: "e" }); // to the end of the line
      editor.write(null, { ctrl: true, name: "u" }); // from there, everything goes
      output.write("\n");
      editor.setPrompt(prompt);
      editor.prompt();
    },
    close: () => editor.close(),
  };
}

/** A terminal that swallows what is written while `isMuted` is set. */
class MutedScreen extends Writable {
  isMuted = true;
  readonly #screen: NodeJS.WriteStream;

  constructor(screen: NodeJS.WriteStream) {
    super({ decodeStrings: false });
    this.#screen = screen;
    screen.on("resize", () => this.emit("resize"));
  }

  /** The editor asks for these. */
  get columns(): number {
    return this.#screen.columns;
  }

  override _write(chunk: string | Uint8Array, _encoding: BufferEncoding, done: () => void): void {
    if (!this.isMuted) this.#screen.write(chunk);
    done();
  }
}
