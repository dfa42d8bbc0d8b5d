// What is typed, as keys and text: the sequences that terminals of xterm's kind send.

import { stripVTControlCharacters } from "node:util";
import { inert } from "../../terminal.ts";

/** A key that does something. */
export type KeyName =
  | "backspace"
  | "clear"
  | "complete"
  | "delete"
  | "delete-or-end"
  | "delete-word"
  | "delete-word-right"
  | "delete-to-start"
  | "delete-to-end"
  | "down"
  | "end"
  | "enter"
  | "home"
  | "interrupt"
  | "left"
  | "newline"
  | "right"
  | "suspend"
  | "up"
  | "word-left"
  | "word-right"
  | "yank";

/** Text as it was typed or pasted, in which only pasted text has newlines; or a key. */
export type Key = { readonly text: string } | { readonly name: KeyName };

const CONTROL: Readonly<Record<string, KeyName>> = {
  "\r": "enter",
  "\n": "enter",
  "\t": "complete",
  "\b": "backspace",
  "\x7f": "backspace",
  "\x01": "home",
  "\x02": "left",
  "\x03": "interrupt",
  "\x04": "delete-or-end",
  "\x05": "end",
  "\x06": "right",
  "\x0b": "delete-to-end",
  "\x0c": "clear",
  "\x0e": "down",
  "\x10": "up",
  "\x15": "delete-to-start",
  "\x17": "delete-word",
  "\x19": "yank",
  "\x1a": "suspend",
};

/** Behind ESC. */
const ALT: Readonly<Record<string, KeyName>> = {
  b: "word-left",
  f: "word-right",
  d: "delete-word-right",
  "\x7f": "delete-word",
  "\b": "delete-word",
  "\r": "newline",
  "\n": "newline",
};

/** Behind ESC [ or ESC O, parameters included. */
const SEQUENCES: Readonly<Record<string, KeyName>> = {
  A: "up",
  B: "down",
  C: "right",
  D: "left",
  H: "home",
  F: "end",
  "1~": "home",
  "7~": "home",
  "4~": "end",
  "8~": "end",
  "3~": "delete",
  "3;5~": "delete-word-right",
  "1;5C": "word-right",
  "1;3C": "word-right",
  "1;5D": "word-left",
  "1;3D": "word-left",
};

const PASTE_BEGIN = "\x1b[200~";
const PASTE_END = "\x1b[201~";

/** A sequence that has not ended after so many characters is none. */
const MAX_SEQUENCE_CHARS = 64;

// biome-ignore-start lint/suspicious/noControlCharactersInRegex: keys are control characters
const SEQUENCE = /^\x1b[[O]([0-?]*[ -/]*[@-~])/;
const BEGUN_SEQUENCE = /^\x1b(?:[[O][0-?]*[ -/]*)?$/;
/** An answer of the terminal that nobody asked for: OSC, DCS, APC, PM, up to BEL or ESC \. */
const STRING = /^\x1b[\]P_^][^\x07\x1b]*(?:\x07|\x1b\\)/;
const BEGUN_STRING = /^\x1b[\]P_^][^\x07\x1b]*\x1b?$/;
const PLAIN = /^[^\x00-\x1f\x7f]+/;
// biome-ignore-end lint/suspicious/noControlCharactersInRegex: see above

/**
 * Takes what the terminal sends, in pieces of any size.
 *
 * A pasted text can hold the mark of its own end, and a command behind it. So what comes right behind such a mark waits until
 * nobody can have pasted it: another end that follows shows that it was pasted as well.
 */
export interface KeyDecoder {
  push(chunk: string): Key[];
  /** Whether something may wait behind the end of a paste. */
  readonly isSettling: boolean;
  /** The paste is over: the keys that waited. To be called `PASTE_SETTLES_MS` behind its end. */
  settle(): Key[];
}

/** What a terminal writes at once comes in less time, and nobody presses a key so soon after pasting. */
export const PASTE_SETTLES_MS = 150;

export function createKeyDecoder(): KeyDecoder {
  let rest = ""; // the beginning of a sequence
  let pasted: string[] | undefined; // since the paste began, or since the last mark of its end
  let hasEnded = false; // the paste, unless another mark of its end comes

  function takePaste(keys: Key[], buffer: string): string {
    const end = buffer.lastIndexOf(PASTE_END);
    let more = buffer;
    if (end !== -1) {
      const text = pastedText([...(pasted ?? []), buffer.slice(0, end)].join(""));
      if (text !== "") keys.push({ text });
      pasted = [];
      hasEnded = true;
      more = buffer.slice(end + PASTE_END.length);
    }
    const nBegun = begunMarker(more);
    pasted?.push(more.slice(0, more.length - nBegun));
    rest = more.slice(more.length - nBegun);
    return "";
  }

  /** Takes one key from the beginning; what is left. */
  function takeKey(keys: Key[], buffer: string): string {
    const [plain] = PLAIN.exec(buffer) ?? [];
    if (plain !== undefined) {
      const text = inert(plain); // C1 controls
      if (text !== "") keys.push({ text });
      return buffer.slice(plain.length);
    }
    const first = buffer.charAt(0);
    if (first !== "\x1b") {
      const name = CONTROL[first];
      if (name !== undefined) keys.push({ name });
      return buffer.slice(1);
    }
    if (buffer.startsWith(PASTE_BEGIN)) {
      pasted = [];
      return buffer.slice(PASTE_BEGIN.length);
    }
    const [string] = STRING.exec(buffer) ?? [];
    if (string !== undefined) return buffer.slice(string.length);
    if ((BEGUN_SEQUENCE.test(buffer) || BEGUN_STRING.test(buffer)) && buffer.length <= MAX_SEQUENCE_CHARS) {
      rest = buffer;
      return "";
    }
    const [sequence, meaning = ""] = SEQUENCE.exec(buffer) ?? [];
    if (sequence !== undefined) {
      const name = SEQUENCES[meaning];
      if (name !== undefined) keys.push({ name });
      return buffer.slice(sequence.length);
    }
    const second = buffer.charAt(1);
    const name = ALT[second];
    if (name !== undefined) keys.push({ name });
    // a control character behind a lone ESC is itself; any other key with Alt is none
    const isKey = name === undefined && (second in CONTROL || second === "\x1b");
    return buffer.slice(isKey ? 1 : 1 + String.fromCodePoint(buffer.codePointAt(1) ?? 0).length);
  }

  function take(text: string): Key[] {
    const keys: Key[] = [];
    let buffer = text;
    while (buffer !== "") buffer = pasted === undefined ? takeKey(keys, buffer) : takePaste(keys, buffer);
    return keys;
  }

  return {
    get isSettling() {
      return hasEnded;
    },
    settle() {
      if (!hasEnded) return [];
      const waited = [...(pasted ?? []), rest].join("");
      pasted = undefined;
      hasEnded = false;
      rest = "";
      return take(waited);
    },
    push(chunk) {
      if (chunk === "\x03") {
        // nobody pastes this alone: a paste without end must not take the keyboard away
        pasted = undefined;
        hasEnded = false;
        rest = "";
      }
      const begun = rest;
      rest = "";
      return take(begun + chunk);
    },
  };
}

/** How many characters at the end may be the beginning of a marker. */
function begunMarker(text: string): number {
  for (let n = PASTE_END.length - 1; n > 0; n--) if (text.endsWith(PASTE_END.slice(0, n))) return n;
  return 0;
}

/** Lines end in newlines; no sequence and no control character is left. */
function pastedText(text: string): string {
  return inert(stripVTControlCharacters(text).replace(/\r\n?/g, "\n"));
}
