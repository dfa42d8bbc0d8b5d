// The one sink for everything the programs print. Names, paths and model output may hold escape sequences that retitle
// a terminal, write to its clipboard or overwrite what stands there: on a terminal all of it is shown inert.

import { setImmediate } from "node:timers/promises";
import { httpAddress, printable } from "@ll/bytes";

const NEWLINE = 10;

/** Columns assumed where the stream does not know them (`COLUMNS=0`, no terminal). */
const DEFAULT_COLUMNS = 80;

export interface Terminal {
  readonly isTty: boolean;
  readonly columns: number;
  /**
   * Text or UTF-8 bytes from anywhere. A terminal gets it without control characters except newline and tab, and may get
   * a character late when its bytes come in pieces; a file or a pipe gets it unchanged.
   */
  write(text: string | Uint8Array): void;
  /** Waits until little of what was written is still to go out, and lets signals be heard. For programs that write much. */
  drained(): Promise<void>;
  /** A control sequence of our own, such as a colour. Nothing is written where there is no terminal. */
  control(sequence: string): void;
  /** Whether what was written ended without a newline: the next line is to begin behind one. */
  readonly isMidLine: boolean;
}

/** When to use colours: `auto` asks the stream and the environment. */
export type ColourMode = "auto" | "always" | "never";

export const COLOUR_MODES: readonly ColourMode[] = ["auto", "always", "never"];

/** For `auto`: FORCE_COLOR (`0` for none), else NO_COLOR (no-color.org), else whether it is a terminal that is not `dumb`. */
export function usesColour(
  mode: ColourMode,
  { isTty }: Pick<Terminal, "isTty">,
  { FORCE_COLOR, NO_COLOR, TERM }: Readonly<Record<string, string | undefined>>,
): boolean {
  if (mode !== "auto") return mode === "always";
  if (FORCE_COLOR) return FORCE_COLOR !== "0";
  return isTty && !NO_COLOR && TERM !== "dumb";
}

/** The part of `process.stdout` that a terminal needs. */
export interface TerminalStream {
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
  write(data: string | Uint8Array): unknown;
  readonly writableNeedDrain?: boolean;
  once?(event: "drain", listener: () => void): unknown;
}

export function term(stream: TerminalStream): Terminal {
  const isTty = stream.isTTY === true;
  // invalid bytes become U+FFFD: a lone 0x9b must not reach a terminal, where it may begin a control sequence
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  let isMidLine = false;
  return {
    isTty,
    get isMidLine() {
      return isMidLine;
    },
    get columns() {
      return stream.columns || DEFAULT_COLUMNS;
    },
    write(text) {
      if (text.length > 0) isMidLine = text.at(-1) !== "\n" && text.at(-1) !== NEWLINE;
      if (!isTty) stream.write(text);
      else stream.write(inert(typeof text === "string" ? text : decoder.decode(text, { stream: true })));
    },
    async drained() {
      if (stream.writableNeedDrain === true) await new Promise<void>((resolve) => stream.once?.("drain", resolve));
      else await setImmediate();
    },
    control(sequence) {
      if (isTty) stream.write(sequence);
    },
  };
}

/** Shows nothing. */
export const NOWHERE: Terminal = term({ write: () => undefined });

/**
 * `text` without C0 (but newline and tab), DEL and C1: without its introducer no escape sequence means anything. Nor does it have
 * what turns the direction of a line round, so that `a\u202enib.exe` is not read as `aexe.bin`; letters written from right to left stay.
 */
export function inert(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is removed
  return text.replace(/[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g, "");
}

/** What a user called a model, to be shown: of an address neither the password nor the query, which may be signed. */
export function shownModel(name: string): string {
  return /^https?:/i.test(name) && URL.canParse(name) ? httpAddress(name, {}).name : printable(name, 4096);
}

/** A path as a line of its own on standard output: as it is for a program that reads it, safe to look at on a terminal. */
export function pathLine({ isTty }: Pick<Terminal, "isTty">, path: string): string {
  return `${isTty ? printable(path, 4096) : path}\n`;
}
