// Exit and safety.

import { expect } from "vitest";
import { ExitCode } from "../../src/exit-codes.ts";
import { runHere } from "../programs.ts";
import { type Item, row, shownBy, sourcesWith, textOf, tinyFile } from "./table.ts";

const OUT_FILE = "packages/bytes/test/out-file.test.ts";
const PROCESSES = "apps/cli/test/processes.test.ts";

const EXIT_CODES: Item = {
  title: "exit codes",
  rows: [
    row("are those of the table in the README", () => {
      const [, section = ""] = textOf("apps/cli/README.md").split("## Exit codes");
      const listed = [...section.matchAll(/^\| ([\d, ]+?) +\|/gm)].flatMap(([, codes = ""]) =>
        codes.split(", ").map(Number),
      );
      expect(new Set(listed)).toEqual(new Set(Object.values(ExitCode)));
    }),
    shownBy(
      "follow from the error",
      "apps/cli/test/exit-codes.test.ts",
      "%s",
      "a real failed allocation counts as memory, not as a bug",
    ),
    shownBy(
      "129, 130 and 143 for signals, 141 without a word for a closed pipe",
      PROCESSES,
      "ll-quantize ends, the old file is intact and nothing else is left",
      "a reader that closes its end early is no error to talk about, and leaves no file",
    ),
    row("come from one place", () => {
      expect(sourcesWith(/\bprocess\.(exit|reallyExit|abort)\(/)).toEqual(["apps/cli/src/run-program.ts"]);
    }),
    row("2 for a command line that is not understood", async () => {
      expect((await runHere("ll-convert", ["--outtype"])).code).toBe(2);
      expect((await runHere("ll-convert", ["a", "b"])).code).toBe(2);
    }),
  ],
};

const FILES: Item = {
  title: "output files",
  rows: [
    shownBy(
      "appear when they are complete",
      OUT_FILE,
      "appears on commit, whole, and not before",
      "does not appear on abort",
    ),
    shownBy(
      "are gone after a signal, and after SIGKILL with the next run",
      PROCESSES,
      "ll-convert ends and nothing is left",
      "SIGKILL leaves the old file; the next run removes what was left and says so",
    ),
    shownBy("are not begun where there is no space for them", OUT_FILE, "more than there is space for"),
    shownBy("take the place of an existing file at once", OUT_FILE, "is replaced on commit, and keeps its permissions"),
    shownBy(
      "leave an existing file alone with --no-clobber",
      "apps/cli/test/commands/quantize.test.ts",
      "that exists is replaced, and kept with --no-clobber",
    ),
    shownBy(
      "the same in ll-convert",
      "apps/cli/test/commands/convert.test.ts",
      "that exists is replaced, and kept with --no-clobber",
    ),
  ],
};

const ERRORS: Item = {
  title: "errors",
  rows: [
    shownBy("one line, then a hint", "apps/cli/test/main.test.ts", "is one line, then a hint; no stack"),
    row("name the program and what it was about", async () => {
      for (const bin of ["ll-convert", "ll-inspect", "ll-tokenize", "ll-chat", "ll-bench", "ll-quantize-stats"]) {
        const { stderr } = await runHere(bin, ["/none"]);
        expect(stderr).toMatch(new RegExp(`^${bin}: .*/none.*\n$`));
      }
    }),
    shownBy(
      "a stack with --verbose or LL_DEBUG=1",
      "apps/cli/test/main.test.ts",
      "shows its stack with --verbose or LL_DEBUG=1, but not for a --verbose after --",
    ),
  ],
};

const MEMORY: Item = {
  title: "memory",
  rows: [
    row("ll-main says what it needs before it loads", async () => {
      // weights are loaded when the adapter is known
      const { code, stderr } = await runHere("ll-main", ["-m", await tinyFile(), "--lora", "/none"]);
      expect({ code, stderr }).toEqual({ code: 4, stderr: expect.stringContaining("mem required  = ") });
    }),
    shownBy(
      "ll-chat, too",
      "apps/cli/test/commands/chat/terminal.test.ts",
      "says what it is, answers, and leaves at Ctrl-D with 0",
    ),
    shownBy(
      "ll-inspect says what weights and KV cache need at a context size",
      "apps/cli/test/commands/inspect.test.ts",
      "types, memory and hyper-parameters as tables; tensors on request",
      "-c asks for one context size",
    ),
  ],
};

export const SAFETY: readonly Item[] = [EXIT_CODES, FILES, ERRORS, MEMORY];
