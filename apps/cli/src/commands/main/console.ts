// The console of ll-main: generated text to standard output, echo and colours to the terminal, characters from standard input.

// biome-ignore lint/style/noRestrictedImports: the terminal is a device, on which nothing is replaced
import { constants, openSync, writeSync } from "node:fs";
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
  const input = characterQueue(isTerminal, onInterrupt);
  if (interactive && isTerminal) input.start();
  let current: Colour = "default";

  const colour = (kind: Colour): void => {
    if (!color || kind === current) return;
    current = kind;
    writeDevice(COLOURS[kind]);
  };
  return {
    print: (content) => out.write(content),
    // what is echoed was typed by the user or is a cursor movement of the editor: backspace must pass
    write: (text) => writeDevice(text.split("\b").map(inert).join("\b")),
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

/** Characters of standard input. A terminal is read raw, so that the editor sees every key. */
function characterQueue(
  isTerminal: boolean,
  onInterrupt: () => void,
): CharacterSource & { start(): void; close(): void } {
  const { stdin } = process;
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  const queue: string[] = [];
  let started = false;
  let ended = false;
  let wake: (() => void) | undefined;

  const push = (text: string): void => {
    for (const character of text) {
      if (isTerminal && character === "\x03") onInterrupt();
      else queue.push(character);
    }
    wake?.();
  };
  const end = (): void => {
    ended = true;
    wake?.();
  };
  const start = (): void => {
    started = true;
    ended = stdin.destroyed; // a prompt has been read from it
    if (isTerminal) stdin.setRawMode(true);
    stdin.on("data", (chunk: Buffer) => push(decoder.decode(chunk, { stream: true })));
    stdin.on("end", end);
    stdin.on("error", end);
  };

  return {
    start,
    async next() {
      if (!started) start();
      while (queue.length === 0 && !ended) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      return queue.shift();
    },
    close() {
      if (!started) return;
      if (isTerminal) stdin.setRawMode(false);
      stdin.destroy();
    },
  };
}
