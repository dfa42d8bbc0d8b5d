// Input.

import { expect } from "vitest";
import { VERBS } from "../../src/verbs.ts";
import { runHere, start } from "../programs.ts";
import { type Item, row, shownBy, tinyFile } from "./table.ts";

const CHAT = "apps/cli/test/commands/chat";

const STANDARD_INPUT: Item = {
  title: "standard input",
  rows: [
    shownBy(
      "-p - and -f - read the prompt from it",
      "apps/cli/test/main/output.test.ts",
      "%s %s: without the last newline",
    ),
    row("ll-main reads it in no other case: a pipe that is held open does not keep it", async () => {
      const child = start(["ll-main", "-m", await tinyFile(), "-t", "1", "-n", "2", "-p", "a"]);
      const code = await new Promise((resolve) => child.on("exit", resolve));
      expect(code).toBe(0);
      child.stdin?.destroy();
    }),
    row("nothing is asked: a program that lacks something says so and ends", async () => {
      for (const verb of VERBS.keys()) {
        if (verb === "system-info") continue; // lacks nothing
        const { code, stderr } = await runHere(`ll-${verb}`, []);
        expect(code, verb).toBeGreaterThan(0);
        expect(stderr, verb).not.toContain("internal error");
      }
    }),
  ],
};

const CONVERSATION: Item = {
  title: "ll-chat",
  rows: [
    shownBy("turns of several lines", `${CHAT}/terminal.test.ts`, "a turn of several lines"),
    shownBy(
      "/help, /exit, /reset, /save, /load, /set and /stats",
      `${CHAT}/slash-commands.test.ts`,
      "/help lists every command and the keys",
      "/exit and /regenerate are for whoever reads the lines",
      "/reset, /save and /load",
      "/set changes a setting by any of its names; alone, it lists them with their values",
      "/stats",
    ),
    shownBy(
      "the arrow keys, and a file of what was typed",
      `${CHAT}/terminal.test.ts`,
      "the arrow keys know what was typed in an earlier chat",
    ),
    shownBy(
      "Ctrl-C stops the answer first and leaves second",
      `${CHAT}/terminal.test.ts`,
      "Ctrl-C ends an answer first; the second one leaves with 130",
    ),
    shownBy(
      "Ctrl-D leaves with 0",
      `${CHAT}/terminal.test.ts`,
      "says what it is, answers, and leaves at Ctrl-D with 0",
    ),
  ],
};

export const INPUT: readonly Item[] = [STANDARD_INPUT, CONVERSATION];
