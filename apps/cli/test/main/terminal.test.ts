import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { TerminalProgram } from "../../../../tools/pseudo-terminal.ts";
import { tinyModel } from "../../../../tools/tiny-model.ts";
import { temporaryDirectory } from "../programs.ts";
import { describeOnTerminal, startOnTerminal } from "../pseudo-terminal.ts";

const CTRL_D = "\x04";
const BACKSPACE = "\x7f";

/** A conversation in which the user has the first word. */
async function startConversation(): Promise<TerminalProgram> {
  const path = join(await temporaryDirectory(), "model.bin");
  await writeFile(path, await tinyModel("q4_0"));
  const program = startOnTerminal(["ll-main", "-m", path, "-t", "1", "-s", "3", "-n", "8", "--interactive-first"], {});
  await program.sees("== Running in interactive mode. ==");
  return program;
}

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

  test("backspace takes a wide character from both of its columns", async () => {
    const program = await startConversation();
    program.type(`日${BACKSPACE}Q`);
    await program.sees("日\b \b\b \bQ");
  });
});
