// The line editor of ll-chat, open for the whole chat: what is typed or pasted during an answer waits, unseen, for the next prompt.

import type { Io } from "../../command.ts";
import { openRawTerminal } from "../../raw-terminal.ts";
import { EditedText } from "./edited-text.ts";
import { createDumbScreen, createInputScreen, wrapsAnew } from "./input-screen.ts";
import { createKeyDecoder, type Key, type KeyName, PASTE_SETTLES_MS } from "./keys.ts";
import { SLASH_NAMES } from "./slash-commands.ts";

/** In front of every line of an input but the first. */
export const MORE_PROMPT = "… ";

const BELL = "\x07";

/** More than a key's sequence, or a few keys on a busy machine. */
const MOST_TYPED_CHARS = 64;

export interface LineReader {
  /** What is typed and not yet entered. */
  readonly typed: string;
  /** The next input, which has several lines if they were pasted; undefined at Ctrl-D and at the end of input. */
  read(prompt: string, options?: { readonly keep?: boolean }): Promise<string | undefined>;
  /** Ends the waiting for an input as Ctrl-D does. */
  cancel(): void;
  /** Throws away what is typed, and asks again. */
  discard(prompt: string): void;
  close(): void;
}

export interface LineReaderOptions {
  /** Where prompts and echo go. */
  readonly screen: NodeJS.WriteStream;
  readonly env: Io["env"];
  /** Oldest first. */
  readonly history: readonly string[];
  readonly historySize: number;
  /** Ctrl-C. */
  readonly onInterrupt: () => void;
}

/** Reads the terminal that is standard input. */
export function openLineReader({ screen, env, historySize, ...options }: LineReaderOptions): LineReader {
  const isDumb = env["TERM"] === "dumb" || !screen.isTTY;
  const input = isDumb ? createDumbScreen(screen) : createInputScreen(screen, { wrapsAnew: wrapsAnew(env) });
  const decoder = createKeyDecoder();
  let settling: NodeJS.Timeout | undefined; // while keys behind a paste wait
  const edited = new EditedText();
  const entered: (string | undefined)[] = []; // before anybody asked; undefined for Ctrl-D
  let history = [...options.history];
  let recalled = history.length; // index of the shown input of the history; its length for what is typed
  let draft = ""; // what was typed before the arrow keys went back
  let prompt: string | undefined; // while somebody asks
  let wake: (() => void) | undefined;
  let isEnded = false;

  const draw = (): void => {
    if (prompt === undefined) return;
    const { text, cursor } = edited;
    input.draw({ prompt, morePrompt: MORE_PROMPT, text, cursor });
  };
  const terminal = openRawTerminal({
    onText(chunk) {
      if (chunk.length > MOST_TYPED_CHARS) settling = void clearTimeout(settling); // nobody types so much: a paste goes on
      pressAll(decoder.push(chunk));
    },
    onEnd() {
      settle();
      end();
    },
    onContinue() {
      input.forget();
      draw();
    },
    ...(isDumb ? {} : { pasteMarks: screen }),
  });
  screen.on("resize", input.resize);
  process.on("exit", close);

  function pressAll(keys: readonly Key[]): void {
    for (const key of keys) press(key);
    draw();
    if (decoder.isSettling) settling ??= setTimeout(settle, PASTE_SETTLES_MS);
    else settling = void clearTimeout(settling);
  }

  function settle(): void {
    settling = void clearTimeout(settling);
    pressAll(decoder.settle());
  }

  function end(): void {
    isEnded = true;
    wake?.();
  }

  /** An input, or its end. */
  function enter(line: string | undefined): void {
    draw();
    if (prompt !== undefined) input.finish();
    prompt = undefined;
    entered.push(line);
    edited.replace("");
    wake?.();
  }

  function recall(index: number): void {
    if (index < 0 || index > history.length) return;
    if (recalled === history.length) draft = edited.text;
    recalled = index;
    edited.replace(history[index] ?? draft);
  }

  function complete(): void {
    const { text, cursor } = edited;
    const names = SLASH_NAMES.filter((name) => text.startsWith("/") && cursor === text.length && name.startsWith(text));
    const [first = text] = names;
    let n = first.length;
    while (!names.every((name) => name.startsWith(first.slice(0, n)))) n--;
    if (names.length === 0 || !edited.insert(first.slice(text.length, n))) screen.write(BELL);
    else if (names.length > 1 && n === text.length && prompt !== undefined) {
      input.finish();
      screen.write(`${names.join("  ")}\n`);
    }
  }

  const ACTIONS: Readonly<Record<KeyName, () => unknown>> = {
    backspace: () => edited.backspace(),
    clear: () => prompt !== undefined && input.clear(),
    complete,
    delete: () => edited.delete(),
    "delete-or-end": () => (edited.text === "" ? enter(undefined) : edited.delete()),
    "delete-word": () => edited.deleteWord(),
    "delete-word-right": () => edited.deleteWordRight(),
    "delete-to-start": () => edited.deleteToStart(),
    "delete-to-end": () => edited.deleteToEnd(),
    down: () => edited.down() || recall(recalled + 1),
    end: () => edited.end(),
    enter: () => enter(edited.text),
    home: () => edited.home(),
    interrupt: options.onInterrupt,
    left: () => edited.left(),
    newline: () => edited.insert("\n"),
    right: () => edited.right(),
    suspend() {
      draw();
      terminal.suspend();
    },
    up: () => edited.up() || recall(recalled - 1),
    "word-left": () => edited.wordLeft(),
    "word-right": () => edited.wordRight(),
    yank: () => edited.yank(),
  };

  function press(key: Key): void {
    if ("name" in key) ACTIONS[key.name]();
    else if (!edited.insert(key.text)) screen.write(BELL);
  }

  function remember(line: string): void {
    if (line !== "") history = [...history.filter((one) => one !== line), line].slice(-historySize);
    recalled = history.length;
    draft = "";
  }

  function close(): void {
    clearTimeout(settling);
    process.off("exit", close);
    screen.off("resize", input.resize);
    if (prompt !== undefined) input.finish();
    prompt = undefined;
    terminal.close();
    end();
  }

  return {
    get typed() {
      return edited.text;
    },
    async read(asked, { keep = true } = {}) {
      if (entered.length === 0 && !isEnded) {
        prompt = asked;
        draw(); // with what was typed meanwhile
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
        wake = undefined;
        if (prompt !== undefined) input.finish();
        prompt = undefined;
      } else {
        const text = entered[0] ?? "";
        input.draw({ prompt: asked, morePrompt: MORE_PROMPT, text, cursor: text.length });
        input.finish();
      }
      const line = entered.shift();
      if (line !== undefined && keep) remember(line);
      return line;
    },
    cancel: () => enter(undefined),
    discard(asked) {
      prompt = asked;
      draw();
      input.finish();
      edited.replace("");
      draw();
    },
    close,
  };
}
