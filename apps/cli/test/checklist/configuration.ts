// Configuration, and what is the same everywhere.

import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { KERNEL_NAMES } from "@ll/quant";
import { expect } from "vitest";
import { SHARED_OPTIONS, variableOf } from "../../src/configuration.ts";
import { runHere, temporaryDirectory } from "../programs.ts";
import { type Item, proseOf, row, shownBy, sourcesWith, tinyFile } from "./table.ts";

/** The programs that run a model. */
const RUN_A_MODEL = ["ll-main", "ll-perplexity", "ll-imatrix", "ll-embedding", "ll-chat", "ll-bench"];

/** An environment with a configuration file that sets these. */
async function withConfig(content: Record<string, unknown>): Promise<Record<string, string>> {
  const folder = await temporaryDirectory();
  await mkdir(join(folder, "ll"));
  await writeFile(join(folder, "ll/config.json"), JSON.stringify(content));
  return { XDG_CONFIG_HOME: folder };
}

/** Rows of `--print-config`: name, value and origin. */
async function configOf(bin: string, argv: readonly string[], env: Record<string, string>): Promise<string[][]> {
  const { code, stdout, stderr } = await runHere(bin, [...argv, "--print-config"], env);
  expect({ code, stderr }, bin).toEqual({ code: 0, stderr: "" });
  return stdout.split("\n").map((line) => line.split(/ {2,}/));
}

const PRECEDENCE: Item = {
  title: "precedence",
  rows: [
    row("flags win over the environment, that over the file, that over defaults; --print-config shows it", async () => {
      const file = await withConfig({ model: "of-file", threads: 1, "ctx-size": 7 });
      const path = join(file["XDG_CONFIG_HOME"] as string, "ll/config.json");
      for (const bin of RUN_A_MODEL) {
        const rows = await configOf(bin, ["-t", "3"], { ...file, LL_MODEL: "of-env", LL_THREADS: "2" });
        expect(rows).toContainEqual(["model", "of-env", "LL_MODEL"]);
        expect(rows).toContainEqual(["threads", "3", "flag"]);
        if (bin !== "ll-bench") expect(rows).toContainEqual(["ctx-size", "7", path]); // which takes what its tests need
        expect(rows).toContainEqual(["rms-norm-eps", "1e-6", "default"]);
      }
    }),
    row("what they say is what the run takes", async () => {
      const env = { LL_MODEL: await tinyFile(), LL_THREADS: "2", LL_CTX_SIZE: "64" };
      const { code, stderr } = await runHere("ll-main", ["-n", "1"], env);
      expect(code, stderr).toBe(0);
      expect(stderr).toMatch(/^system_info: n_threads = 2 \//m);
      expect(stderr).toContain("generate: n_ctx = 64,");
    }),
    row("other settings in the file are for ll-chat, so that text is the same everywhere", async () => {
      const env = await withConfig({ temp: 0.1, "no-such-option": 1 });
      expect(await configOf("ll-main", [], env)).toContainEqual(["temp", "0.8", "default"]);
      expect(await runHere("ll-chat", ["m"], env)).toMatchObject({ code: 2, stdout: "" });
    }),
    row("variables are called as the options, and help lists them", async () => {
      expect(SHARED_OPTIONS.map(variableOf)).toEqual(["LL_MODEL", "LL_THREADS", "LL_CTX_SIZE"]);
      for (const bin of RUN_A_MODEL) {
        const { stdout } = await runHere(bin, ["--help"]);
        for (const name of ["LL_MODEL", "LL_THREADS", "$XDG_CONFIG_HOME/ll/config.json"])
          expect(stdout).toContain(name);
        expect(stdout.includes("LL_CTX_SIZE"), bin).toBe(bin !== "ll-bench");
      }
    }),
  ],
};

const TRACES: Item = {
  title: "what is kept, and what goes over the network",
  rows: [
    shownBy(
      "the folder of the cache",
      "packages/hub/test/cache-folder.test.ts",
      "the folder: LL_CACHE, then XDG's, then the platform's own",
    ),
    shownBy(
      "nothing is written elsewhere",
      "apps/cli/test/commands/chat/program.test.ts",
      "nothing is written anywhere: no history without a terminal",
    ),
    row(
      "nothing is fetched but a URL or a model that was named: one file can fetch, and one of the programs uses it",
      () => {
        expect(sourcesWith(/[^#.\w]fetch[;(]|"node:(?:https?2?|tls|dgram)"/)).toEqual([
          "packages/bytes/src/http-request.ts",
        ]);
        // a named pipe is read as a socket is, and no socket connects
        expect(sourcesWith(/"node:net"/)).toEqual(["apps/cli/src/text-input.ts"]);
        expect(sourcesWith(/createConnection|createServer|\bnet\.connect|socket\.connect/i)).toEqual([]);
        expect(sourcesWith(/\bhttpSource\(/).filter((path) => path.startsWith("apps/"))).toEqual([
          "apps/cli/src/named-model.ts",
        ]);
      },
    ),
    row("the README says so", () => {
      expect(proseOf("apps/cli/README.md")).toContain(
        "Nothing is fetched but a URL that you type or a model that you name, nothing is sent;",
      );
    }),
  ],
};

const SAME_EVERYWHERE: Item = {
  title: "completion; the same text by seed",
  rows: [
    shownBy(
      "--completion for bash, zsh and fish",
      "apps/cli/test/completion.test.ts",
      "prints the one script, by --completion SHELL or --completion=SHELL",
      "knows every option that is offered: ll-%s",
    ),
    // "on every CPU" cannot be tested on one; the row after this compares with what another machine wrote
    row("a seed gives one text, whatever the kernels and the threads", async () => {
      const model = await tinyFile();
      const texts = new Set<string>();
      for (const LL_KERNEL of KERNEL_NAMES) {
        for (const threads of ["1", "2", "3"]) {
          const argv = ["-m", model, "-t", threads, "-s", "7", "-n", "12", "-p", "Once"];
          const { code, stdout } = await runHere("ll-main", argv, { LL_KERNEL });
          expect(code).toBe(0);
          texts.add(stdout);
        }
      }
      expect(texts.size).toBe(1);
    }),
    shownBy(
      "it is that of another machine: build 803's, as recorded",
      "apps/cli/test/main/golden-runs.ts",
      "text identical to build 803",
    ),
  ],
};

export const CONFIGURATION: readonly Item[] = [PRECEDENCE, TRACES, SAME_EVERYWHERE];
