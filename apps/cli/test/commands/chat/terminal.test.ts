import { readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { expect, test } from "vitest";
import type { TerminalProgram } from "../../../../../tools/pseudo-terminal.ts";
import { tinyModel } from "../../../../../tools/tiny-model.ts";
import { widthOf, wrapText } from "../../../src/text-wrap.ts";
import { sizeText } from "../../../src/units.ts";
import { tinyGguf, withKeys } from "../../gguf-model.ts";
import { runHere, temporaryDirectory } from "../../programs.ts";
import {
  commandOf,
  describeOnTerminal,
  startCommandOnTerminal,
  startInShell,
  startOnTerminal,
} from "../../pseudo-terminal.ts";

const CTRL_C = "\x03";
const CTRL_D = "\x04";
const CTRL_Z = "\x1a";
const UP = "\x1b[A";
const LEFT = "\x1b[D";
const BACKSPACE = "\x7f";
const PROMPT = "> ";
/** As it is drawn with nothing typed behind it: the answer is over. */
const EMPTY_PROMPT = "> \x1b[K\x1b[J\x1b[3G";

/** Leaves; the second one leaves also if something is not saved. */
const LEAVE = CTRL_D + CTRL_D;

/** As terminals mark what is pasted. */
const pasted = (text: string): string => `\x1b[200~${text}\x1b[201~`;

/** Answers without end. */
const ENDLESS = ["-n", "-1", "--ignore-eos", "--template", "llama-2"];

/** A chat with the embedded model, of which the first prompt has been seen. */
async function startChat(argv: readonly string[] = [], home?: string): Promise<TerminalProgram> {
  const folder = home ?? (await temporaryDirectory());
  const path = join(folder, "model.bin");
  await writeFile(path, await tinyModel("q4_0"));
  const chat = startOnTerminal(
    ["ll-chat", path, "--template", "alpaca", "--system", "", "-s", "3", "-t", "1", "-c", "256", "-n", "12", ...argv],
    { HOME: folder },
  );
  await chat.sees(PROMPT);
  return chat;
}

/** What the user has said, from the file of a saved chat; leaves the chat. */
async function saidIn(chat: TerminalProgram): Promise<string[]> {
  const path = join(await temporaryDirectory(), "chat.json");
  chat.type(`/save ${path}\n`);
  await chat.sees("saved ");
  chat.type(CTRL_D);
  expect(await chat.ended()).toBe(0);
  const { turns } = JSON.parse(await readFile(path, "utf8")) as { turns: { user: string }[] };
  return turns.map(({ user }) => user);
}

describeOnTerminal("ll-chat on a terminal", () => {
  test("a paste of several lines is one turn, sent by Return, whatever is in it", async () => {
    const chat = await startChat();
    expect(chat.output).toContain("\x1b[?2004h");
    chat.type(pasted("Read this:\r\n\tfirst()\r\n/exit\x1b[31m\x03"));
    await chat.sees("… /exit");
    chat.type(" now\r");
    await chat.sees(EMPTY_PROMPT);
    chat.type(pasted('"""a\n\\'));
    chat.type("\r");
    await chat.sees(EMPTY_PROMPT);
    chat.type(pasted("/exit\nb"));
    chat.type("\r");
    await chat.sees(EMPTY_PROMPT);
    expect(await saidIn(chat)).toEqual(["Read this:\n\tfirst()\n/exit now", '"""a\n\\', "/exit\nb"]);
    expect(chat.output.lastIndexOf("\x1b[?2004l")).toBeGreaterThan(chat.output.lastIndexOf("\x1b[?2004h"));
  });

  test("a mark of the end inside of a paste sends nothing, also when the rest comes in another read", async () => {
    const chat = await startChat();
    chat.type("\x1b[200~hello\x1b[201~\r/save stolen.json\r");
    await chat.sees("hello");
    chat.type(" more\x1b[201~");
    await chat.sees("… /save stolen.json");
    await chat.sees("…  more");
    chat.type("\r");
    await chat.sees(EMPTY_PROMPT);
    expect(await saidIn(chat)).toEqual(["hello\n/save stolen.json\n more"]);
  });

  test("thoughts are dimmed and end with an empty line; /think hide shows none", async () => {
    const folder = await temporaryDirectory();
    const path = join(folder, "m.gguf");
    const value = "{{ bos_token }}{% for m in messages %}{{ m.content }}{% endfor %}<think>{# </think> #}";
    await writeFile(path, await withKeys(await tinyGguf(), { "tokenizer.chat_template": { type: "string", value } }));
    const chat = startOnTerminal(["ll-chat", path, "-s", "3", "-t", "1", "-c", "256", "-n", "6", "--color=always"], {
      HOME: folder,
    });
    await chat.sees(PROMPT);
    expect(chat.output).toContain("template of the file;");
    chat.type("Once upon a time\r");
    await chat.sees(EMPTY_PROMPT);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: dimmed text is what is looked for
    const thought = /\x1b\[2m( ?\w[^\x1b]*)\x1b\[0m/;
    expect(chat.output).toMatch(thought);
    chat.type("/think hide\r");
    await chat.sees("think = hide");
    const before = chat.output.length;
    chat.type("Once upon a time\r");
    await chat.sees(EMPTY_PROMPT);
    await chat.sees(EMPTY_PROMPT);
    expect(chat.output.slice(before).replaceAll(/ {2}[\d.]+ tokens\/s/g, "")).not.toMatch(thought);
    chat.type(LEAVE);
    await chat.ended();
  });

  test("Ctrl-Z stops the chat, and fg goes on with it, at the prompt and in an answer", async () => {
    const folder = await temporaryDirectory();
    const path = join(folder, "model.bin");
    await writeFile(path, await tinyModel("q4_0"));
    const shell = startCommandOnTerminal(["bash", "--norc", "-i"], { HOME: folder, PS1: "$ ", HISTFILE: "" });
    const argv = ["ll-chat", path, "-t", "1", "-c", "256", ...ENDLESS].map((word) => `'${word}'`).join(" ");
    shell.type(`${commandOf([]).join(" ")} ${argv}\r`);
    await shell.sees(PROMPT);
    shell.type("/sta");
    await shell.sees("/sta");
    shell.type(CTRL_Z);
    await shell.sees("Stopped");
    shell.type("stty -a | grep -o '[ ;-]icanon'; fg\r");
    await shell.sees(/[\s;]icanon\r/);
    await shell.sees("> /sta");
    shell.type("ts\r");
    await shell.sees("turns    0");
    await shell.sees(PROMPT);
    shell.type("Hello\r");
    await shell.sees("tokens/s");
    shell.type(CTRL_Z);
    await shell.sees("Stopped");
    await shell.sees("$ ");
    shell.type("fg\r");
    await shell.sees("tokens/s");
    shell.type(CTRL_C);
    await shell.sees(PROMPT);
    shell.type("/stats\r");
    await shell.sees("turns    1");
    shell.type(`${LEAVE}`);
    await shell.sees("$ ");
    shell.type("exit\r");
    await shell.ended();
  });

  test("Ctrl-Z where nobody could go on with it does nothing", async () => {
    const chat = await startChat();
    chat.type(CTRL_Z);
    await chat.sees("\x1b[?2004h");
    chat.type("/stats\r");
    await chat.sees("turns    0");
  });

  test("leaving with turns that no file holds offers to save them", async () => {
    const path = join(await temporaryDirectory(), "chat.json");
    const chat = await startChat();
    chat.type("Hello\r");
    await chat.sees(PROMPT);
    chat.type("/exit\r");
    await chat.sees("1 turn not saved. Save as (Return: leave without): ");
    chat.type(`${path}\r`);
    await chat.sees(`saved 1 turn to ${path}`);
    expect(await chat.ended()).toBe(0);
    expect(JSON.parse(await readFile(path, "utf8")).turns).toHaveLength(1);
    const other = await startChat(["--resume", path]);
    other.type(CTRL_D);
    expect(await other.ended()).toBe(0);
    expect(other.output).not.toContain("not saved");
  });

  test("/save asks before it replaces a file; Ctrl-C says no", async () => {
    const path = join(await temporaryDirectory(), "mine");
    await writeFile(path, "mine");
    const chat = await startChat();
    for (const no of ["\r", "n\r", CTRL_C]) {
      chat.type(`/save ${path}\r`);
      await chat.sees("Replace it? [y/N] ");
      chat.type(no);
      await chat.sees("not saved");
      await chat.sees(PROMPT);
    }
    expect(await readFile(path, "utf8")).toBe("mine");
    chat.type(`/save ${path}\r`);
    await chat.sees("Replace it? [y/N] ");
    chat.type("y\r");
    await chat.sees("saved 0 turns");
    chat.type(CTRL_D);
    expect(await chat.ended()).toBe(0);
  });

  test("Tab completes a command", async () => {
    const chat = await startChat();
    chat.type("/sta\t\r");
    await chat.sees("turns    0");
    chat.type("/s\t");
    await chat.sees("/save  /set  /stats");
  });

  test.each([
    ["SIGTERM", 143],
    ["SIGHUP", 129],
    ["SIGINT", 130],
  ] as const)("%s at the prompt gives the terminal back", async (signal, code) => {
    const folder = await temporaryDirectory();
    const path = join(folder, "model.bin");
    await writeFile(path, await tinyModel("q4_0"));
    const chat = startInShell(["ll-chat", path, "-t", "1"], { HOME: folder });
    await chat.sees(PROMPT);
    chat.signal(signal);
    await chat.sees(`code ${code}\r\n`);
    await chat.ended();
    expect(chat.output).toMatch(/[ ;]icanon /);
    expect(chat.output).toContain("\x1b[?2004l");
  });

  test("says what it is, answers, and leaves at Ctrl-D with 0", async () => {
    const chat = await startChat();
    const path = join(await temporaryDirectory(), "model.bin");
    await writeFile(path, await tinyModel("q4_0"));
    const { stdout } = await runHere("ll-inspect", [path, "-c", "256", "-q"]);
    // the path is long: the line is broken somewhere
    expect(chat.output.replaceAll("\r\n", " ")).toContain(
      `model.bin: 1,468,032 weights, mostly q4_0, needs ${sizeText(Number(stdout))} with a context of 256 tokens `,
    );
    chat.type("Hello\n");
    await chat.sees(/\n[^\n]*[a-z][^\n]*\r\n/); // on a line that may have told how far the reading is
    await chat.sees(PROMPT);
    chat.type(LEAVE);
    expect(await chat.ended()).toBe(0);
  });

  test("with --quiet nothing but the prompt is there at first", async () => {
    const chat = await startChat(["-q"]);
    expect(stripVTControlCharacters(chat.output).trim()).toBe(PROMPT.trim());
    chat.type(CTRL_D);
    expect(await chat.ended()).toBe(0);
  });

  test("/help, an unknown command and /exit", async () => {
    const chat = await startChat();
    chat.type("/help\n");
    await chat.sees("/regenerate");
    chat.type("/hlep\n");
    await chat.sees("no command /hlep\r\nDid you mean /help?\r\n");
    chat.type("/exit\n");
    expect(await chat.ended()).toBe(0);
  });

  test("an answer and /help are broken at words where the terminal ends; a saved chat has the text as it was", async () => {
    const path = join(await temporaryDirectory(), "c.json");
    const chat = await startChat(["-q", "-n", "60", "--temp", "0"]);
    chat.resize(30);
    chat.type("A story of 789\r");
    await chat.sees(/789[^\n]*\n/);
    await chat.sees(PROMPT);
    const shown = stripVTControlCharacters(chat.output.split("789").at(-1) ?? "");
    chat.type(`/save ${path}\r`);
    await chat.sees("saved ");
    chat.type("/help\r");
    await chat.sees(/Ctrl-D\s+leaves\./);
    const help = chat.output.slice(chat.output.lastIndexOf("/help"));
    chat.type(CTRL_D);
    expect(await chat.ended()).toBe(0);
    const { turns } = JSON.parse(await readFile(path, "utf8"));
    const [line = ""] = turns[0].answer.trim().split("\n");
    expect(line.length).toBeGreaterThan(30);
    expect(shown).toContain(wrapText(line, 30).replaceAll("\n", "\r\n"));
    for (const one of stripVTControlCharacters(help).split("\r\n").slice(1))
      expect(widthOf(one)).toBeLessThanOrEqual(30);
  });

  test("Ctrl-C ends an answer first; the second one leaves with 130", async () => {
    const chat = await startChat(ENDLESS);
    chat.type("Hello\n");
    await chat.sees(/tokens\/s/);
    chat.type(CTRL_C);
    await chat.sees(PROMPT);
    chat.type("/stats\n");
    await chat.sees("turns    1");
    await chat.sees(PROMPT);
    chat.type(CTRL_C);
    expect(await chat.ended()).toBe(130);
  });

  test("two Ctrl-C in an answer leave at once", async () => {
    const chat = await startChat(ENDLESS);
    chat.type("Hello\n");
    await chat.sees(/tokens\/s/);
    chat.type(CTRL_C + CTRL_C);
    expect(await chat.ended()).toBe(130);
  });

  test("Ctrl-C throws away what is typed before it leaves", async () => {
    const chat = await startChat();
    chat.type("nonsense");
    await chat.sees("nonsense");
    chat.type(CTRL_C);
    await chat.sees(PROMPT);
    chat.type('"""\n');
    await chat.sees("… ");
    chat.type(CTRL_C);
    await chat.sees(PROMPT);
    chat.type("/stats\n");
    await chat.sees("turns    0");
    chat.type(CTRL_D);
    expect(await chat.ended()).toBe(0);
  });

  test("a turn of several lines", async () => {
    const chat = await startChat();
    chat.type('"""a\n');
    await chat.sees("… ");
    chat.type('b"""\n');
    await chat.sees(PROMPT);
    chat.type("c\\\n");
    await chat.sees("… ");
    chat.type("d\n");
    await chat.sees(PROMPT);
    expect(await saidIn(chat)).toEqual(["a\nb", "c\nd"]);
  });

  test("where pastes are not marked, every line of one is a turn, in order", async () => {
    const chat = await startChat();
    chat.type("one\ntwo\nthree\n/stats\n");
    await chat.sees("turns    3");
    expect(await saidIn(chat)).toEqual(["one", "two", "three"]);
  });

  test("a wide character is two columns and one backspace", async () => {
    const chat = await startChat();
    chat.type("日本");
    await chat.sees("本");
    chat.type(`${BACKSPACE}語`);
    await chat.sees("> 日語");
    chat.type("\n");
    await chat.sees(PROMPT);
    expect(await saidIn(chat)).toEqual(["日語"]);
  });

  test("another width in the middle of a line draws it again, and keeps it", async () => {
    const chat = await startChat();
    chat.type("a line that is longer than half of the terminal");
    await chat.sees("of the terminal");
    chat.resize(30);
    await chat.sees("> a line that is longer than half of the terminal");
    chat.type(" is wide\n");
    await chat.sees(PROMPT);
    expect(await saidIn(chat)).toEqual(["a line that is longer than half of the terminal is wide"]);
  });

  test("Ctrl-D at once leaves with 0; in a line it takes the character under the cursor, as shells do", async () => {
    const first = await startChat();
    first.type(CTRL_D);
    expect(await first.ended()).toBe(0);
    const chat = await startChat();
    chat.type(`abc${CTRL_D}${LEFT}${LEFT}${CTRL_D}\n`);
    await chat.sees(PROMPT);
    expect(await saidIn(chat)).toEqual(["ac"]);
  });

  test("Ctrl-D during an answer leaves behind it", async () => {
    const chat = await startChat(["--json"]);
    chat.type(`Hello\n${LEAVE}`);
    expect(await chat.ended()).toBe(0);
    expect(chat.output).toContain('"finish":');
  });

  test("what is typed during an answer is there at the next prompt", async () => {
    const chat = await startChat(ENDLESS);
    chat.type("Hello\n");
    await chat.sees(/tokens\/s/);
    chat.type("/sta");
    chat.type(CTRL_C);
    await chat.sees("> /sta");
    chat.type("ts\n");
    await chat.sees("turns    1");
    chat.type(LEAVE);
    expect(await chat.ended()).toBe(0);
  });

  test("a conversation that is saved and resumed goes on as it would have", async () => {
    const path = join(await temporaryDirectory(), "chat.json");
    const answersOf = async (chat: TerminalProgram, ...lines: string[]): Promise<string[]> => {
      for (const line of lines) {
        chat.type(`${line}\n`);
        await chat.sees(line);
        await chat.sees(PROMPT);
      }
      chat.type(LEAVE);
      expect(await chat.ended()).toBe(0);
      return [...chat.output.matchAll(/^\{"version".*\}/gm)].map(([line]) => JSON.parse(line).answer as string);
    };
    const whole = await answersOf(await startChat(["--json"]), "Hello", "Why?");
    const first = await answersOf(await startChat(["--json"]), "Hello", `/save ${path}`);
    const second = await answersOf(await startChat(["--json", "--resume", path]), "Why?");
    expect([...first, ...second]).toEqual(whole);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
  });

  test("the arrow keys know what was typed in an earlier chat", async () => {
    const home = await temporaryDirectory();
    const first = await startChat([], home);
    first.type("/stats\n");
    await first.sees("turns    0");
    first.type(CTRL_D);
    expect(await first.ended()).toBe(0);
    const second = await startChat([], home);
    second.type(`${UP}\n`);
    await second.sees("turns    0");
    second.type(CTRL_D);
    expect(await second.ended()).toBe(0);
    const third = await startChat(["--no-history"], home);
    third.type(`${UP}/exit\n`);
    expect(await third.ended()).toBe(0);
    expect(third.output).not.toContain("stats");
  });

  test("what is typed while the model loads is shown once, behind the first prompt", async () => {
    const folder = await temporaryDirectory();
    const path = join(folder, "model.bin");
    await writeFile(path, await tinyModel("q4_0"));
    const chat = startOnTerminal(["ll-chat", path, "--template", "alpaca", "-t", "1"], { HOME: folder });
    await chat.sees("/help shows"); // said before the model is loaded
    chat.type("/stats");
    await chat.sees("/stats");
    expect(chat.output.split(PROMPT).at(-1)).toMatch(/^[^\n]*\/stats/);
    expect(chat.output.split("/stats")).toHaveLength(2);
    chat.type(`${CTRL_C}${CTRL_C}`);
    expect(await chat.ended()).toBe(130);
  });

  test("the terminal is as it was after Ctrl-C while the model loads, and after a file that is none", async () => {
    const folder = await temporaryDirectory();
    const path = join(folder, "model.bin");
    await writeFile(path, await tinyModel("q4_0"));
    const ended = startInShell(["ll-chat", path, "-t", "1"], { HOME: folder });
    await ended.sees("/help shows");
    ended.type(CTRL_C);
    await ended.sees("code 130\r\n");
    const failed = startInShell(["ll-chat", import.meta.filename, "-t", "1"], { HOME: folder });
    await failed.sees("code 3\r\n");
    for (const program of [ended, failed]) {
      await program.ended();
      expect(program.output).toMatch(/[ ;]icanon /);
      expect(program.output).toMatch(/[ ;]echo /);
    }
  });
});
