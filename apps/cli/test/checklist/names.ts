// Names and verbs.

import { existsSync } from "node:fs";
import { copyFile, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, onTestFinished, vi } from "vitest";
import { fixture } from "../../../../tools/test-data.ts";
import { MAIN_OPTIONS } from "../../src/inference/options/index.ts";
import { IGNORED_GROUP } from "../../src/inference/options/option.ts";
import { defaultParams } from "../../src/inference/params.ts";
import { parseOptions } from "../../src/option-table.ts";
import { VERBS } from "../../src/verbs.ts";
import { versionLine } from "../../src/version.ts";
import { sha256File, writeGgjt } from "../models.ts";
import { runHere, temporaryDirectory } from "../programs.ts";
import { type Item, proseOf, row, shownBy, textOf, tinyFile } from "./table.ts";

const BINS = [...VERBS.keys()].map((verb) => `ll-${verb}`);

/** Standard output of ll-main over the embedded model: 12 tokens behind a prompt. */
async function text(...args: string[]): Promise<string> {
  const base = ["-m", await tinyFile("f16"), "-t", "1", "-s", "1", "-n", "12", "-p", "Once upon a time"];
  const { code, stdout, stderr } = await runHere("ll-main", [...base, ...args]);
  expect(code, stderr).toBe(0);
  return stdout;
}

/** The embedded model in two safetensors files. Returns their paths. */
async function writeShards(folder: string): Promise<string[]> {
  for (const name of ["config.json", "tokenizer.model"]) {
    await copyFile(fixture(`tiny/hf/${name}`), join(folder, name));
  }
  const whole = await readFile(fixture("tiny/hf/model.safetensors"));
  const dataStart = 8 + Number(whole.readBigUInt64LE(0));
  const header = JSON.parse(whole.subarray(8, dataStart).toString()) as Record<string, { data_offsets: number[] }>;
  const tensors = Object.entries(header).filter(([name]) => name !== "__metadata__");
  const weightMap: Record<string, string> = {};
  const names = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"];
  for (const [i, file] of names.entries()) {
    const parts: Buffer[] = [];
    let end = 0;
    const entries = tensors.slice(i * 20, i === 0 ? 20 : undefined).map(([name, tensor]) => {
      weightMap[name] = file;
      const [from = 0, to = 0] = tensor.data_offsets;
      parts.push(whole.subarray(dataStart + from, dataStart + to));
      const begin = end;
      end += to - from;
      return [name, { ...tensor, data_offsets: [begin, end] }];
    });
    const json = Buffer.from(JSON.stringify(Object.fromEntries(entries)));
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(json.length));
    await writeFile(join(folder, file), Buffer.concat([length, json, ...parts]));
  }
  await writeFile(join(folder, "model.safetensors.index.json"), JSON.stringify({ weight_map: weightMap }));
  return names.map((name) => join(folder, name));
}

const PROGRAMS: Item = {
  title: "programs, help and version",
  rows: [
    row("every program is installed under its own name, and ll", () => {
      const { bin } = JSON.parse(textOf("apps/cli/package.json")) as { bin: Record<string, string> };
      expect(new Set(Object.keys(bin))).toEqual(new Set(["ll", ...BINS]));
      const files = Object.values(bin).map((path) => join(import.meta.dirname, "../..", path));
      expect(files.filter((path) => !existsSync(path))).toEqual([]);
    }),
    row("each has --help and -h, on standard output", async () => {
      for (const bin of ["ll", ...BINS]) {
        const long = await runHere(bin, ["--help"]);
        expect(long, bin).toMatchObject({ code: 0, stderr: "" });
        expect(await runHere(bin, ["-h"])).toEqual(long);
      }
    }),
    row("each has --version, with that of Node", async () => {
      for (const bin of ["ll", ...BINS]) {
        const { code, stdout } = await runHere(bin, ["--version"]);
        expect({ code, version: stdout.replace(/\d+\.\d+\.\d+/, "X") }).toEqual({
          code: 0,
          version: `${bin} X, Node ${process.versions.node}\n`,
        });
      }
    }),
    row("--version names the commit, which the build puts in", () => {
      vi.stubGlobal("LL_COMMIT", "1d656d6");
      onTestFinished(() => void vi.unstubAllGlobals());
      expect(versionLine("ll")).toMatch(/^ll \S+ \(1d656d6\), Node /);
      expect(textOf("apps/cli/tsup.config.ts")).toContain("define: { LL_COMMIT: JSON.stringify(commit()) }");
    }),
    shownBy("ll VERB is ll-VERB", "apps/cli/test/main.test.ts", "VERB is the same as ll-VERB"),
    row("the hyphenated names are the documented ones, since ll may be an alias", async () => {
      const { stdout } = await runHere("ll", ["--help"]);
      for (const bin of BINS) expect(stdout).toContain(`  ${bin} `);
      expect(proseOf("apps/cli/README.md")).toContain("Some shells have `ll` as an alias");
    }),
  ],
};

const QUANTIZE: Item = {
  title: "ll-quantize",
  rows: [
    shownBy(
      "llama.cpp's positional order",
      "apps/cli/test/commands/quantize-arguments.test.ts",
      "positional arguments",
    ),
    shownBy(
      "the type by name or number, in any case",
      "apps/cli/test/commands/quantize-arguments.test.ts",
      "positional arguments",
    ),
    row("without a name the output is ggml-model-TYPE.bin beside the input", async () => {
      const folder = await temporaryDirectory();
      const input = await writeGgjt(join(folder, "in.bin"), [{ name: "a.weight", shape: [2, 32] }]);
      expect((await runHere("ll-quantize", [input, "2"])).code).toBe(0);
      expect((await readdir(folder)).sort()).toEqual(["ggml-model-Q4_0.bin", "in.bin"]);
    }),
    shownBy(
      "help lists the types with their bits per weight",
      "apps/cli/test/commands/quantize.test.ts",
      "on request: to standard output, two examples first, bits per weight for every type",
    ),
    shownBy(
      "a quantised file only with --allow-requantize",
      "apps/cli/test/commands/quantize.test.ts",
      "a quantised tensor, unless allowed",
    ),
  ],
};

const CONVERT: Item = {
  title: "ll-convert",
  rows: [
    shownBy(
      "every option is heeded",
      "apps/cli/test/commands/option-effects.test.ts",
      "%s: an argument or an option changes what comes out",
      "all options are among them",
    ),
    row("a folder or a file of it", async () => {
      const folder = await temporaryDirectory();
      const hashes: string[] = [];
      for (const [i, input] of ["tiny/hf", "tiny/hf/model.safetensors"].entries()) {
        const out = join(folder, `${i}.bin`);
        expect((await runHere("ll-convert", [fixture(input), "--outfile", out])).code).toBe(0);
        hashes.push(await sha256File(out));
      }
      expect(hashes[1]).toBe(hashes[0]);
    }),
    row("shards are found by themselves, from any one of them", async () => {
      const folder = await temporaryDirectory();
      const out = join(folder, "out.bin");
      const hashes: string[] = [];
      for (const input of [fixture("tiny/hf"), ...(await writeShards(folder))]) {
        const { code, stderr } = await runHere("ll-convert", [input, "--outfile", out]);
        expect(code, stderr).toBe(0);
        hashes.push(await sha256File(out));
      }
      expect(new Set(hashes).size).toBe(1);
    }),
  ],
};

/** Names of the options of ll-main that are one. */
const ALIASES = [
  ["--n-predict", "-n", "--predict"],
  ["--ctx-size", "-c"],
  ["--threads", "-t"],
  ["--batch-size", "-b"],
  ["--prompt", "-p"],
  ["--file", "-f"],
  ["--model", "-m"],
  ["--seed", "-s"],
  ["--reverse-prompt", "-r"],
  ["--interactive", "-i"],
  ["--escape", "-e"],
];

const SHORT_NAMES: Item = {
  title: "aliases",
  rows: [
    row("short names and other spellings", () => {
      for (const names of ALIASES) {
        expect(MAIN_OPTIONS.find((option) => option.names[0] === names[0])?.names).toEqual(names);
      }
    }),
    row("--reverse-prompt is repeatable", async () => {
      const params = defaultParams(1);
      await parseOptions(MAIN_OPTIONS, ["-r", "a", "--reverse-prompt", "b"], params);
      expect(params.reversePrompts).toEqual(["a", "b"]);
    }),
  ],
};

const SAMPLING: Item = {
  title: "sampling words and what switches them off",
  rows: [
    shownBy(
      "every option is heeded",
      "apps/cli/test/main/options.test.ts",
      "an option changes what comes out",
      "all of the table are among them, or have a test elsewhere",
    ),
    row("--temp 0 is greedy: the seed does not matter", async () => {
      expect(await text("--temp", "0", "-s", "2")).toBe(await text("--temp", "0"));
    }),
    row("--top-k 0 is off: as with all 1024 tokens", async () => {
      expect(await text("--top-k", "0", "--temp", "3")).toBe(await text("--top-k", "1024", "--temp", "3"));
    }),
    row("--top-p 1 is off: as with any more", async () => {
      expect(await text("--top-p", "1", "--temp", "3")).toBe(await text("--top-p", "2", "--temp", "3"));
    }),
    row("--repeat-penalty 1 and --repeat-last-n 0 are off, both alike", async () => {
      expect(await text("--repeat-penalty", "1")).toBe(await text("--repeat-last-n", "0"));
      expect(await text("--repeat-penalty", "1")).not.toBe(await text());
    }),
    row("--repeat-last-n -1 looks back over the whole context", async () => {
      const long = (n: string): Promise<string> => text("-n", "120", "--repeat-last-n", n);
      expect(await long("-1")).toBe(await long("512"));
      expect(await long("-1")).not.toBe(await long("64"));
    }),
    row("--n-predict -1 has no limit but the model's own end", async () => {
      const { stderr } = await runHere("ll-main", ["-m", await tinyFile(), "-t", "1", "-n", "-1", "-l", "2+100"]);
      expect(stderr).toContain("n_predict = -1,");
      expect(stderr).toContain(" [end of text]\n");
    }),
    shownBy(
      "--seed -1 takes the clock",
      "packages/sampling/test/rng.test.ts",
      "resolveSeed takes the clock for -1, in seconds",
    ),
    row("-t is threads", async () => {
      const { stderr } = await runHere("ll-main", ["-m", await tinyFile(), "-t", "2", "-n", "1"]);
      expect(stderr).toMatch(/^system_info: n_threads = 2 \//m);
    }),
  ],
};

/** Short names that stand for something else in ll-bench, as they do in llama-bench. */
const OTHER_IN_BENCH = ["-p", "-n", "-r"];

const SPELLING: Item = {
  title: "how flags are written",
  rows: [
    row("long names are words with dashes between them", async () => {
      for (const verb of VERBS.values()) {
        const names = (await verb.options()).flatMap((option) => option.names).filter((name) => name.startsWith("--"));
        expect(names.filter((name) => !/^--[a-z0-9]+(-[a-z0-9]+)*$/.test(name))).toEqual([]);
      }
    }),
    row("an unknown one is a usage error with a suggestion", async () => {
      for (const bin of BINS) {
        const { code, stdout, stderr } = await runHere(bin, ["--verison"]);
        expect({ code, stderr }, bin).toEqual({ code: 2, stderr: expect.stringContaining("Did you mean --version?") });
        if (bin !== "ll-quantize") expect(stdout).toBe(""); // which lists its types, as in build 803
      }
    }),
    shownBy(
      "a later one wins",
      "apps/cli/test/trust/command-line.test.ts",
      "of the same flag given twice the later wins",
    ),
    shownBy("-- ends them", "apps/cli/test/trust/command-line.test.ts", "behind -- an argument may begin with a dash"),
    row("a name means the same in all programs", async () => {
      const meanings = new Map<string, Set<string>>();
      for (const [verb, { options }] of VERBS) {
        for (const { names, value } of await options()) {
          for (const name of names) {
            if (verb === "bench" && OTHER_IN_BENCH.includes(name)) continue;
            const meaning = `${names[0]} ${value === "flag" ? "alone" : "with a value"}`;
            meanings.set(name, (meanings.get(name) ?? new Set()).add(meaning));
          }
        }
      }
      expect([...meanings].filter(([, set]) => set.size > 1)).toEqual([]);
    }),
    row("what means nothing here is accepted with one line, -ngl too", async () => {
      for (const { names, value, group } of MAIN_OPTIONS) {
        if (group !== IGNORED_GROUP) continue;
        for (const name of names) {
          const { stderr } = await runHere("ll-main", ["-m", "/none", name, ...(value === "flag" ? [] : ["1"])]);
          expect(stderr.match(/^warning: .*$/gm)).toEqual([expect.stringContaining(`${name} has no effect here: `)]);
        }
      }
      expect(MAIN_OPTIONS.find(({ names }) => names.includes("-ngl"))?.group).toBe(IGNORED_GROUP);
    }),
  ],
};

const HELP: Item = {
  title: "help",
  rows: [
    row("opens with two examples", async () => {
      for (const bin of BINS) {
        const { stdout } = await runHere(bin, ["--help"]);
        expect(stdout, bin).toMatch(new RegExp(`^Examples:\n {2}${bin}.*\n {2}${bin} `));
      }
    }),
    row("shows defaults", async () => {
      const { stdout } = await runHere("ll-main", ["--help"]);
      const words = stdout.replace(/\s+/g, " ");
      for (const { shownDefault, help } of MAIN_OPTIONS) {
        if (shownDefault !== undefined) expect(words).toContain(`${help} (default: ${shownDefault}) `);
      }
      expect(words).toContain("size of the context in tokens; 0 for the model's own (default: 512)");
    }),
    row("in groups", async () => {
      const { stdout } = await runHere("ll-main", ["--help"]);
      for (const group of ["Model", "Prompt", "Sampling", "Performance", "Output"]) {
        expect(stdout).toContain(`\n\n${group}:\n`);
      }
    }),
  ],
};

export const NAMES: readonly Item[] = [PROGRAMS, QUANTIZE, CONVERT, SHORT_NAMES, SAMPLING, SPELLING, HELP];
