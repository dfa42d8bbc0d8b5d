// Every option of the table has a run that would come out otherwise if the option were ignored.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { memorySink } from "@ll/bytes";
import { createLoraWriter } from "@ll/ggml-format";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { tinyModel } from "../../../../tools/tiny-model.ts";
import { MAIN_OPTIONS } from "../../src/inference/options/index.ts";
import { defaultParams } from "../../src/inference/params.ts";
import { parseOptions } from "../../src/option-table.ts";
import { allOptions } from "../../src/program.ts";
import { writeHf } from "../models.ts";
import { type Outcome, runHere } from "../programs.ts";
import { type EffectFiles, effects, SHOWN_ELSEWHERE } from "./option-effects.ts";

const directory = mkdtempSync(join(tmpdir(), "ll-options-"));
const at = (name: string): string => join(directory, name);
const files: EffectFiles = {
  gqaModel: at("gqa.bin"),
  adapter: at("lora.bin"),
  promptFile: at("prompt.txt"),
  grammarFile: at("grammar.gbnf"),
  tasksFile: at("tasks.txt"),
  fresh: at("fresh"),
};

beforeAll(async () => {
  writeFileSync(at("model.bin"), await tinyModel("f16"));
  writeFileSync(
    files.promptFile,
    "The little dog ran to the park and saw a big red ball. It was very happy to play.\n",
  );
  writeFileSync(files.grammarFile, 'root ::= " no"\n');
  const task = "The dog:\n1\nran away.\nsat down.\nate the moon.\nwas the of.\n";
  writeFileSync(files.tasksFile, task + task.replace("dog", "cat"));
  writeFileSync(files.adapter, await adapterBytes());
  const hf = await writeHf(at("gqa"), { nKvHeads: 2 });
  expect((await runHere("ll-convert", [hf, "--outfile", files.gqaModel])).code).toBe(0);
});
afterAll(() => rmSync(directory, { recursive: true }));

/** An adapter for one matrix of the tiny model, (128, 128), that is far from nothing. */
async function adapterBytes(): Promise<Uint8Array> {
  const sink = memorySink();
  const name = "layers.0.attention.wv.weight";
  const shape = [128, 2] as const;
  const tensors = ["loraA", "loraB"].map((half) => ({ name: `${name}.${half}`, type: "f32", shape }));
  const writer = await createLoraWriter(sink, { r: 2, alpha: 4, tensors });
  for (const [seed, tensor] of tensors.entries()) {
    const values = Float32Array.from({ length: 256 }, (_, i) => Math.sin(i * (seed + 2)) / 4);
    await writer.writeTensor(tensor.name, [new Uint8Array(values.buffer)]);
  }
  await writer.finish();
  return sink.bytes();
}

describe("an option changes what comes out", () => {
  const all = effects(files);

  test.each(all.map((effect) => [effect.option, effect] as const))("%s", async (option, effect) => {
    const {
      args,
      base = [],
      program = "ll-main",
      sees,
    } = effects({ ...files, fresh: at(`fresh${option}`) }).find((one) => one.option === effect.option)!;
    const before = ["-m", at("model.bin"), "-t", "1", "-s", "1", "-n", "16", ...base];
    const [without, withIt] = [await runHere(program, before), await runHere(program, [...before, ...args])];
    if (sees === "text differs") {
      expect([without.code, withIt.code], withIt.stderr).toEqual([0, 0]);
      expect(withIt.stdout).not.toBe(without.stdout);
      return;
    }
    const [stream, pattern] = sees instanceof RegExp ? (["stderr", sees] as const) : (["stdout", sees.stdout] as const);
    expect(withIt[stream]).toMatch(pattern);
    expect(without[stream]).not.toMatch(pattern);
  });

  test("all of the table are among them, or have a test elsewhere", () => {
    const shown = new Set([...all.map(({ option }) => option), ...SHOWN_ELSEWHERE.keys()]);
    expect(shown).toEqual(new Set(allOptions(MAIN_OPTIONS).map(({ names }) => names[0])));
    for (const [option, file] of SHOWN_ELSEWHERE) {
      expect(readFileSync(join(import.meta.dirname, "..", file), "utf8")).toContain(option);
    }
  });
});

describe("arguments without a dash", () => {
  const run = ["-t", "1", "--temp", "0", "-n", "4", "-q"];
  const text = " Once upon a time, there was a";

  test("the model, then the prompt; only the prompt behind -m", async () => {
    const model = at("model.bin");
    expect((await runHere("ll-main", [model, "Once upon a time", ...run])).stdout).toBe(text);
    expect((await runHere("ll-main", [...run, "-m", model, "Once upon a time"])).stdout).toBe(text);
    expect((await runHere("ll-main", [model, "-p", "Once upon a time", ...run])).stdout).toBe(text);
    expect((await runHere("ll-main", ["Once upon a time", ...run, "-m", model])).stdout).toBe(text);
  });

  test("of ll-embedding the text, of ll-perplexity the file", async () => {
    const model = at("model.bin");
    const embedded = await runHere("ll-embedding", ["-m", model, "-t", "1", "-p", "Once"]);
    expect((await runHere("ll-embedding", [model, "Once", "-t", "1"])).stdout).toBe(embedded.stdout);
    const scored = await runHere("ll-perplexity", ["-m", model, "-t", "1", "-c", "8", "-f", files.promptFile]);
    expect((await runHere("ll-perplexity", [model, files.promptFile, "-t", "1", "-c", "8"])).stdout).toBe(
      scored.stdout,
    );
  });

  test("no model at all is told", async () => {
    const { code, stderr } = await runHere("ll-main", []);
    expect(code).toBe(4);
    expect(stderr).toMatch(/\nno model was named: give one as the first argument, or behind -m\n$/);
  });
});

describe("what is likely meant otherwise", () => {
  const warnings = async (...argv: string[]): Promise<string[]> => {
    const { stderr } = await runHere("ll-main", ["-m", at("none.bin"), ...argv]);
    return stderr.split("\n").filter((line) => line.startsWith("warning: "));
  };

  test("a file as the prompt, a space at its end, escapes that are none, more threads than help", async () => {
    expect(await warnings("-p", files.promptFile)).toEqual([expect.stringContaining("name of a file: -f ")]);
    expect(await warnings("-p", "Once upon ")).toEqual([expect.stringContaining("ends in a space")]);
    expect(await warnings("-p", "a\\nb")).toEqual([expect.stringContaining("-e makes \\n a newline")]);
    expect(await warnings("-e", "-r", "User:\\n")).toEqual([expect.stringContaining("in bash, -r $'User:\\n'")]);
    expect(await warnings("-t", "1000")).toEqual([expect.stringMatching(/\d+ threads instead of 1000/)]);
  });

  test("and none for what is right", async () => {
    expect(await warnings("-p", "Once upon a time", "-e", "-r", "User:\n", "-ins", "-t", "2")).toEqual([]);
    expect(await warnings("-e", "-p", "a\\nb")).toEqual([]);
    expect(await warnings("-p", "", "-t", "0")).toEqual([]);
  });

  test("a model of grouped queries without -gqa", async () => {
    const { code, stderr } = await runHere("ll-main", ["-m", files.gqaModel, "-p", "a", "-t", "1"]);
    expect(code).toBe(3);
    expect(stderr).toMatch(/\nits key matrices are those of -gqa 2: run it with that\n$/);
  });
});

test("-c 0 is the context that the model was trained for; 8 tokens with --compat", async () => {
  const nCtx = async (...argv: string[]): Promise<string | undefined> => {
    const { stderr } = await runHere("ll-main", ["-m", at("model.bin"), "-t", "1", "-p", "a", "-n", "1", ...argv]);
    return /n_ctx += (\d+)/.exec(stderr)?.[1];
  };
  expect(await nCtx("-c", "0")).toBe("2048");
  expect(await nCtx("-c", "0", "--compat")).toBe("8");
  expect(await nCtx()).toBe("512");
});

describe("spellings", () => {
  const params = async (...argv: string[]) => {
    const parsed = defaultParams(1);
    await parseOptions(MAIN_OPTIONS, argv, parsed);
    return { ...parsed, notices: parsed.notices.length };
  };

  test("every other name of an option does the same", async () => {
    for (const { names, value, group, choices } of MAIN_OPTIONS) {
      const text = value === "path" ? files.promptFile : names.includes("-l") ? "5+1" : (choices?.at(-1) ?? "3");
      const set = await params(names[0], ...(value === "flag" ? [] : [text]));
      if (value !== "flag" || group !== "Accepted and without effect")
        expect(set, names[0]).not.toEqual(await params());
      for (const name of names.slice(1)) {
        expect(await params(name, ...(value === "flag" ? [] : [text])), name).toEqual(set);
      }
    }
  });

  test("underscores are dashes in long names", async () => {
    expect(await params("--repeat_last_n", "7")).toEqual(await params("--repeat-last-n", "7"));
  });

  test.each([
    ["-b", "0"],
    ["-gqa", "0"],
    ["-n", "many"],
    ["--temp", ""],
    ["-l", "5"],
    ["-f", "/nonexistent"],
    ["--mirostat", "3"],
    ["--dry-allowed-length", "-1"],
    ["-l", "99999+1"],
  ])("%s %s is a usage error that names the option or its value", async (name, value) => {
    const outcome: Outcome = await runHere("ll-main", ["-m", at("model.bin"), name, value]);
    expect(outcome).toMatchObject({ code: 2, stdout: "" });
    expect(outcome.stderr).toMatch(/error: invalid parameter/);
  });

  test("what is no option is refused, also without a dash", async () => {
    for (const argv of [["--tmep"], ["--compat", "tmep"], ["-m", "model", "-p", "text", "tmep"]]) {
      const { code, stderr } = await runHere("ll-main", argv);
      expect(code).toBe(2);
      expect(stderr).toContain(`unknown argument: ${argv.at(-1)}`);
    }
  });
});
