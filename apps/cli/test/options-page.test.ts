// docs/options.md lists the options that there are, and the lists of llama.cpp are all in it.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { describeWithTestData, testData } from "../../../tools/test-data.ts";
import { IMATRIX_OPTIONS } from "../src/commands/imatrix/options.ts";
import { MAIN_OPTIONS } from "../src/inference/options/index.ts";
import { MODEL_OPTIONS } from "../src/inference/options/model.ts";
import { IGNORED_GROUP } from "../src/inference/options/option.ts";
import { allOptions } from "../src/program.ts";
import { VERBS } from "../src/verbs.ts";
import { runHere } from "./programs.ts";

const page = readFileSync(join(import.meta.dirname, "../../../docs/options.md"), "utf8");

/** A row of the table, taken apart. */
interface Row {
  readonly names: readonly string[];
  readonly placeholder: string;
  readonly shownDefault: string;
  readonly since: string;
  readonly state: string;
}

/** Rows of the table behind a heading. */
function rowsOf(heading: string): Row[] {
  const section = page.slice(page.indexOf(`\n## ${heading}\n`) + 1).split("\n## ")[0] ?? "";
  const lines = section.split("\n").filter((line) => line.startsWith("| `"));
  return lines.map((line) => {
    const [option = "", shownDefault = "", since = "", state = ""] = line
      .split(/(?<!\\)\|/)
      .slice(1, -1)
      .map((cell) => cell.trim().replaceAll("\\|", "|"));
    const names = [...option.matchAll(/`([^`]+)`/g)].map(([, name]) => name as string);
    return {
      names,
      placeholder: option.replace(/`[^`]+`/g, "").trim(),
      shownDefault: shownDefault.replaceAll("`", ""),
      since,
      state,
    };
  });
}

const rows: readonly Row[] = rowsOf("All of them");

/** Names of build 803's `main` (8 July 2023). */
const BUILD_803 =
  "--seed --threads --prompt --escape --file --prompt-cache --prompt-cache-all --prompt-cache-ro --n-predict --top-k --top-p --tfs " +
  "--typical --temp --repeat-last-n --repeat-penalty --frequency-penalty --presence-penalty --mirostat --mirostat-lr --mirostat-ent " +
  "--logit-bias --ignore-eos --no-penalize-nl --ctx-size --batch-size --keep --memory-f32 --model --alias --lora --lora-base " +
  "--interactive --interactive-first --instruct --multiline-input --reverse-prompt --in-prefix --in-suffix --color --mlock --no-mmap " +
  "--numa --mtest --export --verbose-prompt --random-prompt --perplexity --embedding --n-gpu-layers --main-gpu --tensor-split " +
  "--low-vram --help";

/** Names that came until the last build that reads ggjt (20 August 2023). */
const LATER =
  "--gqa --rms-norm-eps --rope-freq-base --rope-freq-scale --rope-scale --cfg-negative-prompt --cfg-negative-prompt-file --cfg-scale " +
  "--grammar --grammar-file --in-prefix-bos --simple-io --chunks --hellaswag --hellaswag-tasks --mul-mat-q";

/** What the usage lines of build 803's `quantize` and `convert.py` name. */
const BUILD_803_TOOLS = {
  quantize: "IN OUT TYPE NTHREADS --allow-requantize --leave-output-tensor --help",
  convert: "MODEL --outtype --outfile --vocab-dir --vocab-only --dump --dump-single --help",
} as const;

describe.each(["quantize", "convert"] as const)("docs/options.md of ll-%s", (verb) => {
  const listed = rowsOf(`Options of ll-${verb}`);

  test("lists every option with its names", async () => {
    const options = await VERBS.get(verb)?.options();
    const names = listed.map((row) => row.names).filter(([name]) => name?.startsWith("-"));
    expect(names.toSorted()).toEqual(options?.map((option) => option.names).toSorted());
  });

  test("has all of build 803", () => {
    const since = listed.filter((row) => row.since === "803").map((row) => row.names[0]);
    expect(since).toEqual(BUILD_803_TOOLS[verb].split(" "));
    for (const { state } of listed) expect(state).toMatch(/^works/);
  });
});

test.each([...VERBS])("every option of ll-%s is in the documentation", async (_verb, { options }) => {
  const pages = ["docs/options.md", "apps/cli/README.md"].map((path) =>
    readFileSync(join(import.meta.dirname, "../../..", path), "utf8"),
  );
  const known = new Set(pages.join("\n").match(/--[a-z][a-z0-9-]*/g));
  const longNames = (await options()).map(({ names }) => names.filter((name) => name.startsWith("--")));
  expect(longNames.filter((names) => names.length > 0 && !names.some((name) => known.has(name)))).toEqual([]);
});

test("docs/options.md of ll-imatrix lists its options beside those of ll-main, with names and defaults", () => {
  const own = IMATRIX_OPTIONS.filter(({ names }) => !MODEL_OPTIONS.some((shared) => shared.names === names));
  expect(
    rowsOf("Options of ll-imatrix").map(({ names, placeholder, shownDefault }) => [names, placeholder, shownDefault]),
  ).toEqual(own.map(({ names, placeholder = "", shownDefault = "" }) => [names, placeholder, shownDefault]));
});

describe("docs/options.md", () => {
  const options = allOptions(MAIN_OPTIONS);

  test("lists every option with its names, its value and its default", () => {
    const shown = options.map(({ names, value, placeholder = "", shownDefault = "", group }) => ({
      names,
      placeholder: value === "flag" || group === IGNORED_GROUP ? "" : placeholder,
      shownDefault,
    }));
    expect(rows.map(({ names, placeholder, shownDefault }) => ({ names, placeholder, shownDefault }))).toEqual(shown);
  });

  test("says of those without effect, and only of those, that they have none", () => {
    for (const [i, { group, help }] of options.entries()) {
      const ignored = `accepted, no effect: ${help}`;
      if (group === IGNORED_GROUP) expect(rows[i]?.state).toBe(ignored);
      else expect(rows[i]?.state).toMatch(/^works|^what later builds do|^see below/);
    }
  });

  test.each([
    ["803", BUILD_803],
    ["later", LATER],
  ])("has all options of %s", (since, names) => {
    expect(new Set(rows.filter((row) => row.since === since).map((row) => row.names[0]))).toEqual(
      new Set(names.split(" ")),
    );
  });

  test("the options it says are not taken are not", async () => {
    const [, sentence = ""] = /\nNot taken: (.+?)\n\n/s.exec(page) ?? [];
    const names = [...sentence.matchAll(/`(--[a-z-]+)`/g)].map(([, name]) => name as string);
    expect(names).toHaveLength(6);
    for (const name of names)
      expect((await runHere("ll-main", [name, "1"])).stderr).toContain(`unknown argument: ${name}`);
  });
});

describeWithTestData("the lists of the specification", () => {
  /** First cells of the rows of the first table behind a heading. */
  function namesIn(path: string, heading: string): string[] {
    const text = readFileSync(testData(path), "utf8");
    const section = text.slice(text.indexOf(heading)).split(/\n## /)[0] ?? "";
    const cells = section
      .split("\n")
      .filter((line) => line.startsWith("|"))
      .map((line) => line.split("|")[1] ?? "");
    return cells.flatMap((cell) => cell.match(/(?<![\w-])--?[a-z][\w-]*/g) ?? []);
  }

  test.each([
    ["spec/main.md", "## 1.", 71],
    ["spec/after-803.md", "## 1.", 22],
  ])("every option of %s %s is an option here", (path, heading, nNames) => {
    const known = new Set(rows.flatMap(({ names }) => names));
    const named = namesIn(path, heading);
    expect(named).toHaveLength(nNames); // a table that is not found has none
    expect(named.filter((name) => !known.has(name))).toEqual([]);
  });

  test.each([
    ["spec/quantize.md", /^`quantize \[flags\] IN .*/m, /IN|OUT|TYPE|NTHREADS|--[a-z-]{2,}/g, BUILD_803_TOOLS.quantize],
    ["spec/convert.md", /^`convert\.py \[-h\] .*/m, /--[a-z-]+|(?<= )model\b/g, BUILD_803_TOOLS.convert],
  ])("%s names the same options", (path, usage, name, names) => {
    const [line = ""] = usage.exec(readFileSync(testData(path), "utf8")) ?? [];
    const named = (line.match(name) ?? []).map((one) => (one === "model" ? "MODEL" : one));
    expect(new Set([...named, "--help"])).toEqual(new Set(names.split(" ")));
  });
});
