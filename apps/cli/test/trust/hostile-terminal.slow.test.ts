// Hostile text through the programs' only sink into a terminal emulator: it must change nothing but the text on the screen.

import { printable } from "@ll/bytes";
import headless from "@xterm/headless";
import { expect, test } from "vitest";
import { createRandom } from "../../../../tools/fuzz/random.ts";
import { term } from "../../src/terminal.ts";
import { hostileBytes, hostileText, split } from "./hostile-text.ts";

const STRINGS = 100_000;
/** Texts that are written before the terminal is asked what they did. */
const BATCH = 50;
const COLUMNS = 80;
/** So many that a batch never scrolls. */
const ROWS = 500;
/** Follows every text, on a line of its own. */
const MARKER = "=<#>=";

/** A terminal emulator that notes every event a text must not cause. */
function emulator() {
  // convertEol: a terminal in its usual mode goes to the beginning of the line at the newline of a program
  const terminal = new headless.Terminal({
    cols: COLUMNS,
    rows: ROWS,
    scrollback: 0,
    allowProposedApi: true,
    convertEol: true,
  });
  const events: string[] = [];
  terminal.onTitleChange((title) => events.push(`title ${title}`));
  terminal.onBell(() => events.push("bell"));
  terminal.onData((data) => events.push(`answer ${JSON.stringify(data)}`)); // what a program would read as typed
  terminal.onBinary(() => events.push("binary answer"));
  terminal.onScroll(() => events.push("scroll"));
  terminal.buffer.onBufferChange(() => events.push("other buffer"));
  for (const id of [0, 1, 2, 4, 8, 10, 11, 12, 52, 104]) {
    terminal.parser.registerOscHandler(id, () => {
      events.push(`OSC ${id}`);
      return false;
    });
  }
  return { terminal, events, modes: JSON.stringify(terminal.modes) };
}

type Emulator = ReturnType<typeof emulator>;

/** Writes all of `outputs`, and resolves when the terminal has taken them in. */
async function write({ terminal }: Emulator, outputs: readonly string[]): Promise<void> {
  for (const output of outputs) terminal.write(output);
  await new Promise<void>((resolve) => terminal.write("", resolve));
}

/** The rows of the screen; a line that was too long for one counts as one. */
function lines({ terminal }: Emulator): string[] {
  const out: string[] = [];
  for (let row = 0; row < terminal.buffer.active.cursorY; row++) {
    const line = terminal.buffer.active.getLine(row);
    const text = line?.translateToString(true) ?? "";
    if (line?.isWrapped) out.push((out.pop() ?? "") + text);
    else out.push(text);
  }
  return out;
}

/** Visible ASCII: whatever else stands around it, every terminal shows it one character a cell. */
function ascii(text: string | Uint8Array): string {
  const units = typeof text === "string" ? [...text].map((character) => character.codePointAt(0) ?? 0) : [...text];
  return String.fromCharCode(...units.filter((unit) => unit > 0x20 && unit < 0x7f));
}

/** Writes a batch of texts to a fresh screen, each followed by a marker on a line of its own; whatever happens fails. */
async function expectInert(emulated: Emulator, batch: readonly { shown: string; output: string }[]): Promise<void> {
  const { terminal, events, modes } = emulated;
  terminal.reset();
  events.length = 0;
  await write(
    emulated,
    batch.map(({ output }) => output),
  );
  const about = JSON.stringify(batch.map(({ output }) => output));
  expect(events, about).toEqual([]);
  expect(JSON.stringify(terminal.modes), about).toBe(modes);
  expect(terminal.buffer.active.type, about).toBe("normal");
  expect(terminal.buffer.active.cursorX, about).toBe(0);
  // nothing was overwritten, moved or hidden: the screen from top to bottom is what was written
  const screen = lines(emulated);
  expect(screen.filter((line) => line === MARKER)).toHaveLength(batch.length);
  expect(ascii(screen.join("")), about).toBe(batch.map(({ shown }) => shown + MARKER).join(""));
  const cells = Array.from({ length: terminal.buffer.active.cursorY }, (_, row) => terminal.buffer.active.getLine(row));
  expect(cells.some((line) => line?.getCell(0)?.isInvisible() || line?.getCell(0)?.isFgPalette())).toBe(false);
}

test(`${STRINGS} texts in pieces through term()`, { timeout: 600_000 }, async () => {
  const random = createRandom(52);
  const emulated = emulator();
  for (let done = 0; done < STRINGS; done += BATCH) {
    const written: string[] = [];
    const sink = term({ isTTY: true, columns: COLUMNS, write: (data) => written.push(String(data)) });
    const batch = Array.from({ length: BATCH }, () => {
      const text = random.below(2) === 0 ? hostileText(random) : hostileBytes(random);
      for (const piece of split(text, random)) sink.write(piece);
      sink.write(new TextEncoder().encode(`\n${MARKER}\n`)); // as bytes: it also ends a character that was begun
      return { shown: ascii(text), output: written.splice(0).join("") };
    });
    await expectInert(emulated, batch);
  }
});

test(`${STRINGS} texts through printable()`, { timeout: 600_000 }, async () => {
  const random = createRandom(53);
  const emulated = emulator();
  for (let done = 0; done < STRINGS; done += BATCH) {
    const batch = Array.from({ length: BATCH }, () => {
      const text = hostileText(random);
      const output = printable(text, 1000);
      // one line, in the direction it is written, and without its escapes the visible part of the text
      expect(output).not.toMatch(/[\p{Cc}\p{Surrogate}\u200e\u200f\u2028-\u202e\u2066-\u2069]/u);
      expect(ascii(output.replaceAll(/\\x[0-9a-f]{2}|\\u\{[0-9a-f]+\}/g, ""))).toBe(ascii(text));
      return { shown: ascii(output), output: `${output}\n${MARKER}\n` };
    });
    await expectInert(emulated, batch);
  }
});

test.each([
  ["\x1b]0;t\x07", ["title t", "OSC 0"]],
  ["\x1b]52;c;AAAA\x07", ["OSC 52"]],
  ["\x1b[?1049h", ["other buffer", "scroll"]],
  ["\x1b[6n", ['answer "\\u001b[1;1R"']],
  ["\x07", ["bell"]],
])("the emulator does notice %j", async (text, expected) => {
  const emulated = emulator();
  await write(emulated, [text]);
  expect([...emulated.events].sort()).toEqual([...expected].sort());
});
