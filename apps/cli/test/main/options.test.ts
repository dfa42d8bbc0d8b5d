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

describe("spellings", () => {
  const params = async (...argv: string[]) => {
    const parsed = defaultParams(1);
    await parseOptions(MAIN_OPTIONS, argv, parsed);
    return { ...parsed, notices: parsed.notices.length };
  };

  test("every other name of an option does the same", async () => {
    for (const { names, value, group } of MAIN_OPTIONS) {
      const text = value === "path" ? files.promptFile : names.includes("-l") ? "5+1" : "3";
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
    for (const argument of ["--tmep", "tmep"]) {
      const { code, stderr } = await runHere("ll-main", [argument]);
      expect(code).toBe(2);
      expect(stderr).toContain(`unknown argument: ${argument}`);
    }
  });
});
