// Streams and output.

import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { expect } from "vitest";
import { printAnswer } from "../../src/commands/chat/answer-printer.ts";
import { createLiveLine } from "../../src/commands/chat/live-line.ts";
import { term } from "../../src/terminal.ts";
import { sizeText } from "../../src/units.ts";
import { writeGgjt } from "../models.ts";
import { captured, type Outcome, runHere, runOn, slowClock, temporaryDirectory } from "../programs.ts";
import { type Item, proseOf, row, shownBy, tinyFile } from "./table.ts";

const SHORT = ["-t", "1", "-s", "1", "-n", "4", "-p", "Once upon a time"];

/** ll-main over the embedded model. */
async function main(...args: string[]): Promise<Outcome> {
  return runHere("ll-main", ["-m", await tinyFile(), ...SHORT, ...args]);
}

/** Command lines of all programs that print something to read, without options for the form of it. */
async function reports(): Promise<Record<string, string[]>> {
  const model = await tinyFile("f16");
  const folder = await temporaryDirectory();
  await writeFile(join(folder, "a"), "a");
  await writeFile(join(folder, "SHA256SUMS"), `${"0".repeat(64)}  a\n`);
  return {
    "ll-inspect": [model],
    "ll-verify": [join(folder, "SHA256SUMS")],
    "ll-bench": [model, "-p", "2", "-n", "1", "-r", "1", "-t", "1"],
    "ll-quantize-stats": [model, "q4_0", "q8_0"],
    "ll-system-info": [],
    "ll-tokenize": [model, "a b"],
    "ll-detokenize": [model, "5 6"],
  };
}

/** What `-q` leaves of them. */
const ESSENTIAL: Readonly<Record<string, RegExp>> = {
  "ll-inspect": /^(\d+\n){3}$/,
  "ll-verify": /^a\n$/,
  "ll-bench": /^(\d+\.\d+\n){2}$/,
  "ll-quantize-stats": /^q4_0 \d\.\d+\nq8_0 \d\.\d+\n$/,
};

const STREAMS: Item = {
  title: "standard output is the product",
  rows: [
    shownBy(
      "of ll-quantize: build 803's lines",
      "apps/cli/test/commands/quantize.test.ts",
      "file and standard output are those of build 803",
    ),
    shownBy(
      "of ll-convert: the path of the file and nothing else",
      "apps/cli/test/commands/convert.test.ts",
      "says what convert.py says, in its order, and nothing but the path on standard output",
    ),
    row("of ll-main: the text and nothing else", async () => {
      const { stdout, stderr } = await main("--temp", "0");
      expect(stdout).toBe(" Once upon a time, there was a");
      expect(stderr).not.toBe("");
    }),
    row("of all others too: --json is one object to the last byte", async () => {
      for (const [bin, argv] of Object.entries(await reports())) {
        expect(typeof JSON.parse((await runHere(bin, [...argv, "--json"])).stdout), bin).toBe("object");
      }
    }),
  ],
};

const MODES: Item = {
  title: "--json, --quiet, --verbose",
  rows: [
    row("--json has a version", async () => {
      for (const [bin, argv] of Object.entries(await reports())) {
        const report = JSON.parse((await runHere(bin, [...argv, "--json"])).stdout);
        expect(report.version, bin).toBe(bin === "ll-inspect" ? 2 : 1);
      }
      expect(proseOf("apps/cli/README.md")).toContain("one object with a `version` that changes when its shape does");
    }),
    shownBy(
      "--json of ll-chat: one object a line",
      "apps/cli/test/commands/chat/program.test.ts",
      "--json: one object for each answer",
    ),
    row("--quiet prints the essential value and nothing else", async () => {
      const all = await reports();
      for (const [bin, pattern] of Object.entries(ESSENTIAL)) {
        const [out, err] = [captured(), captured(true)];
        // or no progress would be shown anyway
        await runOn(bin, [...(all[bin] as string[]), "-q"], { out, err, env: {}, now: slowClock() });
        expect(err.text(), bin).toBe("");
        expect(out.text(), bin).toMatch(pattern);
      }
    }),
    shownBy(
      "--quiet of ll-main and ll-perplexity",
      "apps/cli/test/main/output.test.ts",
      "the text, and nothing on standard error",
      "ll-perplexity prints the last value of those it prints without it",
    ),
    shownBy(
      "--quiet of ll-quantize and ll-convert",
      "apps/cli/test/commands/option-effects.test.ts",
      "all options are among them",
    ),
    row("--quiet of ll-chat: no speed behind an answer", async () => {
      const shown = async (quiet: boolean): Promise<string> => {
        const err = captured(true);
        const io = { out: term(captured(true)), err: term(err), env: {} };
        await printAnswer(io, { json: false, quiet, color: "auto" }, async ({ onToken }) => {
          onToken?.(2, 1000);
          const drafts = { draftedTokens: 0, acceptedTokens: 0 };
          return { finish: "eos", promptTokens: 1, promptMs: 0, answerTokens: 2, answerMs: 1000, ...drafts };
        });
        return err.text();
      };
      expect(await shown(false)).toContain("1.0 tokens/s");
      expect(await shown(true)).toBe("");
    }),
    shownBy(
      "… and no word about the model",
      "apps/cli/test/commands/chat/terminal.test.ts",
      "with --quiet nothing but the prompt is there at first",
    ),
    row(
      "no --quiet in ll-tokenize, ll-detokenize and ll-system-info, which say nothing beside what was asked",
      async () => {
        const all = await reports();
        for (const bin of ["ll-tokenize", "ll-detokenize", "ll-system-info"]) {
          const argv = all[bin] as string[];
          expect(await runHere(bin, argv), bin).toMatchObject({ code: 0, stderr: "" });
          expect((await runHere(bin, [...argv, "--quiet"])).code, bin).toBe(2);
        }
      },
    ),
    shownBy(
      "--verbose shows where an error comes from",
      "apps/cli/test/main.test.ts",
      "shows its stack with --verbose or LL_DEBUG=1, but not for a --verbose after --",
    ),
    row("-v too", async () => {
      expect((await runHere("ll-inspect", ["/none", "-v"])).stderr).toMatch(/\n {4}at /);
    }),
    row("two output modes together are a usage error", async () => {
      const all = await reports();
      const pairs = [
        ...Object.keys(ESSENTIAL).map((bin) => [bin, "-q", "--json"] as const),
        ["ll-tokenize", "--pieces", "--json"] as const,
        ["ll-detokenize", "--json", "--pieces"] as const,
        ["ll-chat", "--json", "--quiet"] as const,
      ];
      for (const [bin, ...modes] of pairs) {
        const { code, stdout, stderr } = await runHere(bin, [...(all[bin] ?? ["m"]), ...modes]);
        expect({ code, stdout }, bin).toEqual({ code: 2, stdout: "" });
        expect(stderr).toContain(" exclude each other\n");
      }
    }),
  ],
};

const ABOUT_THE_RUN: Item = {
  title: "what is said about a run",
  rows: [
    row("seed, model, sampling and timings stand on standard error, the timings last", async () => {
      const { stderr } = await main();
      const timing = (label: string): string => ` ${label} time = .* ms per token, .* tokens per second\\)\\n`;
      expect(stderr).toMatch(
        new RegExp(
          [
            "^main: seed  = 1\\n",
            "^llama_model_load_internal: model size = .*\\n",
            "^sampling: repeat_last_n = 64,",
            "^llama_print_timings: +load time = ",
            timing("prompt eval"),
            timing("      eval"),
            "^llama_print_timings: +total time = .*\\n$",
          ].join("[^]*"),
          "m",
        ),
      );
    }),
    shownBy(
      "--no-display-prompt",
      "apps/cli/test/main/output.test.ts",
      "--no-display-prompt: the text begins behind the prompt, in no colour",
    ),
    shownBy("--verbose-prompt", "apps/cli/test/perplexity/perplexity.test.ts", "--verbose-prompt lists the tokens"),
  ],
};

/** Standard error of an answer with its speed, on a terminal. */
function speedOn(env: Record<string, string>): string {
  const err = captured(true);
  createLiveLine({ out: term(captured(true)), err: term(err), env }, "auto", () => 0).status("1 token/s");
  return err.text();
}

const DIM = "\x1b[2m";

const COLOURS: Item = {
  title: "colours",
  rows: [
    shownBy(
      "--color=WHEN, NO_COLOR, FORCE_COLOR and TERM=dumb in ll-main",
      "apps/cli/test/main/output.test.ts",
      "'%s', terminal: %s, %j",
      "another word is a usage error",
    ),
    row("the same in ll-chat, by itself only on a terminal", () => {
      expect(speedOn({})).toContain(DIM);
      expect(speedOn({ NO_COLOR: "1" })).toMatch(/^ {2}1 token\/s/);
      expect(speedOn({ NO_COLOR: "1", FORCE_COLOR: "1" })).toContain(DIM);
      expect(speedOn({ FORCE_COLOR: "0" })).not.toContain(DIM);
      expect(speedOn({ TERM: "dumb" })).toBe("");
    }),
    row("no other program has any", async () => {
      for (const [bin, argv] of Object.entries(await reports())) {
        const [out, err] = [captured(true), captured(true)];
        await runOn(bin, argv, { out, err, env: { FORCE_COLOR: "1" } });
        expect(out.text(), bin).not.toBe("");
        expect(out.text() + err.text(), bin).not.toContain("\x1b");
      }
    }),
    row("they are never all that tells something: the text is the same without", async () => {
      expect(stripVTControlCharacters((await main("--color")).stdout)).toBe((await main()).stdout);
    }),
  ],
};

const PROGRESS: Item = {
  title: "progress",
  rows: [
    shownBy(
      "on standard error, one line, ten times a second at most; one line per 10 % elsewhere, in CI and on a dumb terminal",
      "apps/cli/test/progress.test.ts",
      "redraws one line at most ten times a second and takes it away at the end",
      "one line per 10 %, and only after the first second",
      "a terminal with %o counts as none",
    ),
    row("names the tensor, its shape, types and sizes, and the time left", async () => {
      const folder = await temporaryDirectory();
      const tensors = ["a", "b"].map((name) => ({ name: `${name}.weight`, shape: [64, 4096] }));
      const input = await writeGgjt(join(folder, "in.bin"), tensors);
      const err = captured(true);
      await runOn("ll-quantize", [input, join(folder, "out"), "q4_0"], {
        out: captured(),
        err,
        env: {},
        now: slowClock(),
      });
      expect(err.text()).toMatch(/\[1\/2\] a\.weight 64×4096 f32 → q4_0 {2}1\.0 → 0\.1 MiB {2}ETA -:--/);
      expect(err.text()).toMatch(/\[2\/2\] b\.weight 64×4096 f32 → q4_0 {2}1\.0 → 0\.1 MiB {2}ETA \d+:\d\d/);
    }),
    shownBy(
      "--no-progress",
      "apps/cli/test/commands/option-effects.test.ts",
      "%s: an argument or an option changes what comes out",
    ),
    shownBy(
      "ll-quantize prints size by size, the total and the histogram",
      "apps/cli/test/commands/quantize.test.ts",
      "ends as build 803's does",
    ),
    shownBy(
      "help of ll-quantize has the bits per weight of each type, since build 803's lines have none",
      "apps/cli/test/commands/quantize.test.ts",
      "on request: to standard output, two examples first, bits per weight for every type",
    ),
    row("ll-inspect has those of the file that it wrote", async () => {
      const { stdout } = await runHere("ll-inspect", [await tinyFile()]);
      expect(stdout).toMatch(/bits per weight\nq4_0 .* 4\.50\n/);
    }),
  ],
};

const TABLES: Item = {
  title: "units and tables",
  rows: [
    row("binary units are spelled", () => {
      expect([1023, 1024, 1.5 * 2 ** 20, 2 ** 30].map(sizeText)).toEqual([
        "1023 bytes",
        "1.00 KiB",
        "1.50 MiB",
        "1.00 GiB",
      ]);
    }),
    shownBy("durations are for people", "apps/cli/test/progress.test.ts", "durations"),
    shownBy("numbers in JSON are raw", "apps/cli/test/commands/inspect.test.ts", "--json holds the same in numbers"),
    row("tables fit the terminal, unless --no-truncate", async () => {
      for (const bin of ["ll-inspect", "ll-bench", "ll-quantize-stats"]) {
        const argv = (await reports())[bin] as string[];
        const widest = async (...more: string[]): Promise<number> => {
          const out = Object.assign(captured(true), { columns: 30 });
          await runOn(bin, [...argv, ...more], { out, err: captured(), env: {} });
          const lines = out.text().split("\n");
          return Math.max(...lines.filter((line) => line.trim().includes(" ")).map((line) => [...line].length));
        };
        expect(await widest(), bin).toBeLessThanOrEqual(30);
        expect(await widest("--no-truncate"), bin).toBeGreaterThan(30);
      }
    }),
    shownBy(
      "but for that of ll-verify, which is as wide as the one of llama.cpp's script",
      "apps/cli/test/commands/verify.test.ts",
      "that of verify-checksum-models.py; exit code 1, since not all are valid",
    ),
  ],
};

export const OUTPUT: readonly Item[] = [STREAMS, MODES, ABOUT_THE_RUN, COLOURS, PROGRESS, TABLES];
