import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { TerminalProgram } from "../../../../tools/pseudo-terminal.ts";
import { tinyModel } from "../../../../tools/tiny-model.ts";
import { temporaryDirectory } from "../programs.ts";
import {
  commandOf,
  describeOnTerminal,
  startCommandOnTerminal,
  startInShell,
  startOnTerminal,
} from "../pseudo-terminal.ts";

const CTRL_D = "\x04";
const CTRL_C = "\x03";
const CTRL_Z = "\x1a";
const BACKSPACE = "\x7f";

/** The command line of a conversation in which the user has the first word. */
async function conversation(...args: string[]): Promise<string[]> {
  const path = join(await temporaryDirectory(), "model.bin");
  await writeFile(path, await tinyModel("q4_0"));
  return ["ll-main", "-m", path, "-t", "1", "-s", "3", "-n", "8", "--interactive-first", ...args];
}

async function startConversation(): Promise<TerminalProgram> {
  const program = startOnTerminal(await conversation(), {});
  await program.sees(BEGUN);
  return program;
}

/** Said before a model is loaded, and when it is. */
const LOADING = "main: build = 803";
const BEGUN = "== Running in interactive mode. ==";

describeOnTerminal("ll-main on a terminal", () => {
  test("Ctrl-D ends the conversation, with 0 and the timings", async () => {
    const program = await startConversation();
    program.type(CTRL_D);
    await program.sees("llama_print_timings:");
    expect(await program.ended()).toBe(0);
  });

  test("Ctrl-D on an empty line ends it after a turn, too", async () => {
    const program = await startConversation();
    program.type("Hello\n");
    await program.sees("Hello\r\n");
    await program.sees(/\S/); // the answer
    program.type(CTRL_D);
    await program.sees("llama_print_timings:");
    expect(await program.ended()).toBe(0);
  });

  test("Ctrl-D in a line submits it without a newline, and the conversation goes on", async () => {
    const program = await startConversation();
    program.type(`Hello${CTRL_D}`);
    await program.sees(/Hello[^\r]/); // the answer, on the same line
    program.type("again\n");
    await program.sees("again\r\n");
    program.type(CTRL_D);
    expect(await program.ended()).toBe(0);
  });

  test("Ctrl-C gives the user the word first, then ends the conversation with 130 and the timings", async () => {
    const program = startOnTerminal(await conversation("-p", "Once upon", "-n", "-1", "--ignore-eos"), {});
    await program.sees(BEGUN);
    program.type("a time\n");
    await program.sees(/a time\r\n.*\w/s); // the answer, without end
    program.type(CTRL_C);
    program.type("HELLO\n");
    await program.sees(/HELLO\r\n.*\w/s);
    program.type(CTRL_C + CTRL_C);
    await program.sees("llama_print_timings:");
    expect(await program.ended()).toBe(130);
  });

  test("another width in the middle of a line leaves the line as it is", async () => {
    const program = await startConversation();
    program.type("ALPHA");
    await program.sees("ALPHA");
    program.resize(20);
    program.type(`X${BACKSPACE}BRAVO\n`);
    await program.sees("X\b \bBRAVO\r\n");
    expect(program.output.split("ALPHA")).toHaveLength(2); // not drawn again
    program.type(CTRL_D);
    expect(await program.ended()).toBe(0);
  });

  test("every line of a paste is a turn of its own and is shown once", async () => {
    const program = await startConversation();
    program.type("ALPHA\nBRAVO\nCHARLIE\n");
    for (const line of ["ALPHA\r\n", "BRAVO\r\n", "CHARLIE\r\n"]) await program.sees(line);
    for (const line of ["ALPHA", "BRAVO", "CHARLIE"]) expect(program.output.split(line)).toHaveLength(2);
  });

  test("backspace goes back to the row above", async () => {
    const program = await startConversation();
    program.resize(20);
    program.type("abcdefghijklmnopqrstuvwxyz");
    await program.sees("z");
    program.type(BACKSPACE.repeat(8));
    await program.sees("\r\x1b[J\x1b[1A");
    await program.sees("\b \b");
    program.type("X\n");
    await program.sees("X\r\n");
  });

  test("Ctrl-Z stops it, and fg goes on with it, at the prompt and while it writes", async () => {
    const argv = await conversation("-n", "-1", "--ignore-eos");
    const shell = startCommandOnTerminal(["bash", "--norc", "-i"], { PS1: "$ ", HISTFILE: "" });
    shell.type(`${commandOf(argv).join(" ")}\r`);
    await shell.sees(BEGUN);
    shell.type("HEL");
    await shell.sees("HEL");
    shell.type(CTRL_Z);
    await shell.sees("Stopped");
    shell.type("fg\r");
    await shell.sees(/\r[^\n]*HEL/);
    shell.type("LO\r");
    await shell.sees(/LO\r\n.*\w/s);
    shell.type(CTRL_Z);
    await shell.sees("Stopped");
    await shell.sees("$ ");
    shell.type("fg\r");
    await shell.sees("--ignore-eos\r\n");
    await shell.sees(/[a-z]{3}/);
    shell.type(CTRL_C);
    shell.type("again\r");
    await shell.sees(/again\r\n.*[a-z]{3}/s);
    shell.type(CTRL_C + CTRL_C);
    await shell.sees("llama_print_timings:");
    shell.type("exit\r");
    await shell.ended();
  });

  test("backspace takes a wide character from both of its columns", async () => {
    const program = await startConversation();
    program.type(`日${BACKSPACE}Q`);
    await program.sees("日\b \b\b \bQ");
  });
});

describeOnTerminal("the terminal of ll-main", () => {
  test("shows once, and to the conversation, what is typed while the model is loaded", async () => {
    const program = startOnTerminal(await conversation(), {});
    await program.sees(LOADING);
    program.type("HELLO\n");
    await program.sees(BEGUN);
    await program.sees("HELLO\r\n");
    expect(program.output.split("HELLO")).toHaveLength(2);
  });

  type Event = (program: TerminalProgram) => void;
  const typed: Event = (program) => program.type(CTRL_C);
  const terminated: Event = (program) => program.signal("SIGTERM");
  const interrupted: Event = (program) => program.signal("SIGINT");

  test.each<[string, string, number, Event, string[]]>([
    ["a model that is not there", LOADING, 4, () => undefined, ["-m", "absent"]],
    ["Ctrl-C while a model is loaded", LOADING, 130, typed, []],
    ["SIGINT while a model is loaded", LOADING, 130, interrupted, []],
    ["SIGTERM while a model is loaded", LOADING, 143, terminated, []],
    ["Ctrl-C in a conversation", BEGUN, 130, typed, []],
    ["SIGINT in a conversation", BEGUN, 130, interrupted, []],
    ["SIGTERM in a conversation", BEGUN, 143, terminated, []],
    ["the end of input", BEGUN, 0, (program) => program.type(CTRL_D), []],
  ])("is as it was after %s, in modes and colour", async (_what, moment, code, event, args) => {
    const program = startInShell(await conversation("--color", "-p", "Once upon", ...args), {});
    await program.sees(moment);
    event(program);
    await program.sees(`code ${code}\r\n`);
    await program.ended();
    expect(program.output).toMatch(/[ ;]icanon /);
    expect(program.output).toMatch(/[ ;]echo /);
    const [, ...escapes] = program.output.split("\x1b[");
    if (escapes.length > 0) expect(escapes.at(-1)).toMatch(/^0m/);
  });
});
