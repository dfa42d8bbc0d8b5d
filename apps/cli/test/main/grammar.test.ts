// What ll-main says of grammars, good and bad.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { tinyModel } from "../../../../tools/tiny-model.ts";
import { ended, runHere, start } from "../programs.ts";

const directory = mkdtempSync(join(tmpdir(), "ll-grammar-"));
const model = join(directory, "model.bin");
beforeAll(async () => writeFileSync(model, await tinyModel("f16")));
afterAll(() => rmSync(directory, { recursive: true }));

const base = (): string[] => ["-m", model, "-t", "1", "-s", "1", "-n", "12", "-p", "Once"];
const main = (...args: string[]) => runHere("ll-main", [...base(), ...args]);

describe("--grammar", () => {
  test("is listed behind the generate line, then followed", async () => {
    const { stdout, stderr } = await main("--grammar", 'root ::= (" " [a-z]+)+ "." | "x"?');
    expect(stderr).toContain(
      "\n\n\nmain: grammar:\nroot ::= root_3 [.] | root_4 \nroot_1 ::= [ ] root_2 \nroot_2 ::= [a-z] root_2 | [a-z] \n",
    );
    expect(stdout).toMatch(/^ Once( [a-z]*)+\.?$/);
  });

  test("a file is appended to the text, the text of a later option replaces both", async () => {
    const path = join(directory, "g.gbnf");
    writeFileSync(path, '"b"\n');
    expect((await main("--grammar", 'root ::= "a" ', "--grammar-file", path)).stdout).toBe(" Onceab");
    expect((await main("--grammar-file", path, "--grammar", 'root ::= "c"')).stdout).toBe(" Oncec");
    expect((await main("--grammar", "")).stderr).not.toContain("main: grammar:");
  });

  test("a file may begin with a byte order mark", async () => {
    const path = join(directory, "mark.gbnf");
    writeFileSync(path, '\ufeffroot ::= "a"');
    expect((await main("--grammar-file", path)).stdout).toBe(" Oncea");
  });

  test("without an end of text it cannot end, which is said", async () => {
    const { code, stderr } = await main("--grammar", 'root ::= "a"', "--ignore-eos");
    expect(stderr).toContain("main: warning: EOS token is disabled, which will cause most grammars to fail\n");
    expect(stderr).toMatch(/ll-main: the grammar is complete, and the end of the text is forbidden: .* \d+ here\n/);
    expect(stderr).toContain("\nwithout --ignore-eos the text ends there\n");
    expect(code).toBe(1);
  });

  test.each([
    ["no colons", "root = 1", "parse: error parsing grammar: expecting ::= at = 1"],
    ["no name", "::= 1", "parse: error parsing grammar: expecting name at ::= 1"],
    ["an open literal", 'root ::= "a', "parse: error parsing grammar: unexpected end of input"],
    ["nothing", "# nothing", "parse: error parsing grammar: the grammar has no rule"],
    ["no root", 'a ::= "b"', "main: error: "],
    ["a rule that is not there", "root ::= a", "main: error: "],
    ["left recursion", 'root ::= root "a"', "main: error: "],
    ["endless repetition", 'root ::= ("a"?)*', "main: error: "],
  ])("%s is refused", async (_what, grammar, message) => {
    const { code, stdout, stderr } = await main("--grammar", grammar);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr.split("\n").at(-2)).toContain(message);
  });

  test("begins again when the user has spoken", async () => {
    const args = ["--grammar", 'root ::= "yes"', "-i", "-r", "yes", "-n", "40"];
    const child = start(["ll-main", ...base(), ...args], { detached: true });
    child.stdin?.write("and\nagain\n");
    expect((await ended(child)).stdout).toBe(" Onceyesand\nyesagain\nyes");
  });
});
