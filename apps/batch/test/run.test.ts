// ll-batch run as a process: what it writes, what it goes on with, what it refuses.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { WORK_OPTIONS } from "../src/commands/work.ts";
import {
  type Folder,
  finish,
  modelFile,
  requests,
  resultsIn,
  runHere,
  start,
  temporaryFolder,
} from "./support/programs.ts";

const UNIT = join(import.meta.dirname, "../../../examples/scale/ll-batch-work.service");

let folder: Folder;
let model: string;
let golden: string;
const N = 60;

test("every option of the unit of examples/scale is one of ll-batch work", () => {
  const used = readFileSync(UNIT, "utf8").match(/(?<=\s)--[a-z-]{4,}(?=\s)/g) ?? [];
  const known = new Set(WORK_OPTIONS.flatMap(({ names }) => names));
  expect(used.filter((option) => option !== "--now").length).toBeGreaterThan(2);
  for (const option of used) if (option !== "--now") expect(known).toContain(option);
});

beforeAll(async () => {
  folder = temporaryFolder();
  model = await modelFile(folder);
  folder.write("in.jsonl", requests(N));
  const { code, err } = await run("golden.jsonl");
  expect(err).toMatch(/golden\.jsonl: 60 lines, 60 of them in 0:\d\d\n$/);
  expect(code).toBe(0);
  golden = readFileSync(folder.path("golden.jsonl"), "utf8");
});
afterAll(() => folder.remove());

const commandLine = (output: string, ...more: string[]): string[] => [
  ...["run", folder.path("in.jsonl"), folder.path(output), "-m", model, "-c", "256", "--no-progress", ...more],
];

function run(output: string, ...more: string[]) {
  return finish(commandLine(output, ...more));
}

// biome-ignore lint/suspicious/noExplicitAny: lines of all kinds
const parsed = (text: string): any[] =>
  text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));

describe("a run", () => {
  test("answers every line in order, without times", () => {
    const lines = parsed(golden);
    expect(lines.map(({ custom_id }) => custom_id)).toEqual(Array.from({ length: N }, (_, i) => `request-${i}`));
    expect(new Set(lines.map(({ id }) => id)).size).toBe(N);
    for (const { response, error } of lines) {
      expect(error).toBeNull();
      expect(response.status_code).toBe(200);
      expect(response.body).not.toHaveProperty("ll.timings");
      expect(response.body.created ?? 0).toBe(0);
    }
    expect(lines[1].response.body.choices).toHaveLength(1);
    expect(lines[2].response.body.choices).toHaveLength(1);
    expect(readdirSync(folder.path("")).filter((name) => name.includes("golden"))).toEqual(["golden.jsonl"]);
  });

  test("is the same however it is cut and how much runs at the same time", async () => {
    const { code, out, err } = await run("other.jsonl", "--chunk-lines", "7", "--parallel", "2", "--json", "--quiet");
    expect(code).toBe(0);
    expect(err).toBe("");
    expect(JSON.parse(out)).toMatchObject({ version: 1, lines: N, failed: 0, answered: N });
    expect(readFileSync(folder.path("other.jsonl"), "utf8")).toBe(golden);
  });

  test("that is killed goes on where it was", async () => {
    const kept = folder.path("killed.jsonl.ll-batch");
    for (const [i, signal] of (["SIGKILL", "SIGTERM", "SIGINT"] as const).entries()) {
      const program = start(commandLine("killed.jsonl", "--chunk-lines", "3"));
      const before = resultsIn(kept);
      await expect.poll(() => resultsIn(kept), { interval: 5, timeout: 60_000 }).toBeGreaterThan(before);
      program.child.kill(signal);
      expect(await program.ended).toBe(["SIGKILL", 143, 130][i]);
      expect(existsSync(folder.path("killed.jsonl"))).toBe(false);
    }
    const done = resultsIn(kept);
    const { code, out } = await run("killed.jsonl", "--chunk-lines", "5", "--json");
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ lines: N, answered: N - 3 * done });
    expect(readFileSync(folder.path("killed.jsonl"), "utf8")).toBe(golden);
    expect(existsSync(kept)).toBe(false);
  });

  test("tells bad lines where they stand, and ends with 1", async () => {
    const good = requests(3).split("\n");
    const bad = [
      good[0],
      "{",
      "",
      good[1],
      good[0],
      JSON.stringify({
        custom_id: "huge",
        method: "POST",
        url: "/v1/completions",
        body: { prompt: "word ".repeat(300) },
      }),
      JSON.stringify({
        custom_id: "hot",
        method: "POST",
        url: "/v1/completions",
        body: { prompt: "", temperature: 9 },
      }),
      good[2],
    ];
    folder.write("bad.jsonl", bad.join("\n"));
    const args = ["run", folder.path("bad.jsonl"), folder.path("bad-out.jsonl"), "-m", model, "-c", "256"];
    const { code, err } = await finish(args);
    expect(code).toBe(1);
    expect(err).toMatch(/7 lines, 4 of them errors/);
    const lines = parsed(readFileSync(folder.path("bad-out.jsonl"), "utf8"));
    expect(lines.map(({ custom_id, error, response }) => [custom_id, error?.code ?? response.status_code])).toEqual([
      ["request-0", 200],
      [null, "invalid_json"],
      ["request-1", 200],
      ["request-0", "duplicate_custom_id"],
      ["huge", 400],
      ["hot", 400],
      ["request-2", 200],
    ]);
    expect(lines[4].response.body.error.code).toBe("context_length_exceeded");
    const goldenLines = golden.split("\n");
    expect(JSON.stringify(lines[0])).toBe(goldenLines[0]);
  });
});

describe("what is refused", () => {
  test("an output that is there stays as it is", async () => {
    folder.write("mine.jsonl", "mine");
    const { code, err } = await runHere(commandLine("mine.jsonl"));
    expect(code).toBe(1);
    expect(err).toMatch(/mine\.jsonl is there already/);
    expect(readFileSync(folder.path("mine.jsonl"), "utf8")).toBe("mine");
    expect(existsSync(folder.path("mine.jsonl.ll-batch"))).toBe(false);
    expect((await runHere(commandLine("golden.jsonl"))).code).toBe(1);
  });

  test("to go on with another context, another date, other lines", async () => {
    const program = start(commandLine("begun.jsonl", "--chunk-lines", "1"));
    const kept = folder.path("begun.jsonl.ll-batch");
    await expect.poll(() => resultsIn(kept), { interval: 5, timeout: 60_000 }).toBeGreaterThan(0);
    program.child.kill("SIGKILL");
    await program.ended;
    const other = await runHere(commandLine("begun.jsonl", "-c", "128"));
    expect(other.code).toBe(1);
    expect(other.err).toMatch(/context was 256, and is 128/);
    const later = await runHere(commandLine("begun.jsonl", "--date", "2026-01-02"));
    expect(later.code).toBe(1);
    expect(later.err).toMatch(/date was 2024-07-26, and is 2026-01-02/); // the day of the run says nothing
    folder.write("in2.jsonl", requests(N).replaceAll("request-", "other-"));
    const args = ["run", folder.path("in2.jsonl"), folder.path("begun.jsonl"), "-m", model, "-c", "256"];
    const lines = await runHere(args);
    expect(lines.code).toBe(1);
    expect(lines.err).toMatch(/what is kept of an earlier run is of other lines/);
  });

  test.each<[string, () => string[], number, RegExp]>([
    ["no command", () => ["rnu"], 2, /Did you mean ll-batch run\?/],
    ["no output", () => ["run", folder.path("in.jsonl"), "-m", model], 2, /expected IN\.jsonl and OUT\.jsonl/],
    ["no model", () => ["run", folder.path("in.jsonl"), folder.path("x")], 2, /no model given/],
    ["an option that is none", () => commandLine("x", "--chunk-line", "4"), 2, /Did you mean --chunk-lines\?/],
    ["a number", () => commandLine("x", "--chunk-lines", "0"), 2, /expected 1 to 4096/],
    ["a date", () => commandLine("x", "--date", "today"), 2, /expected a date/],
    [
      "an input that is not there",
      () => ["run", folder.path("no"), folder.path("x"), "-m", model],
      4,
      /failed to open/,
    ],
    [
      "a model that is none",
      () => ["run", folder.path("in.jsonl"), folder.path("x"), "-m", folder.path("in.jsonl")],
      3,
      /./,
    ],
    [
      "the input as output",
      () => ["run", folder.path("in.jsonl"), folder.path("in.jsonl"), "-m", model],
      1,
      /is there/,
    ],
  ])("%s", async (_name, args, expected, message) => {
    const { code, err, out } = await runHere(args());
    expect(err).toMatch(message);
    expect(code).toBe(expected);
    expect(out).toBe("");
    expect(existsSync(folder.path("x"))).toBe(false);
  });
});

test("help, version, completion", async () => {
  const help = await runHere([]);
  expect(help.code).toBe(0);
  expect(help.out).toMatch(/^ {2}run +answers/m);
  expect((await runHere(["help", "run"])).out).toMatch(/usage: ll-batch run \[options\] IN\.jsonl OUT\.jsonl/);
  expect((await runHere(["--version"])).out).toMatch(/^ll-batch \d/);
  const script = (await runHere(["--completion", "bash"])).out;
  expect(script).toContain("complete -o default -F _ll_batch ll-batch");
  expect(script).toContain("--chunk-lines");
});

test.each(["run", "work"])("docs/batch.md lists every option of ll-batch %s", async (command) => {
  const page = readFileSync(join(import.meta.dirname, "../../../docs/batch.md"), "utf8");
  const { out } = await runHere([command, "--help"]);
  const options = [...out.matchAll(/^ {2}(-.*?)(?: {2,}|$)/gm)].flatMap(
    ([, names = ""]) => names.match(/--?[a-z][\w-]*/g) ?? [],
  );
  expect(options.length).toBeGreaterThan(15);
  for (const option of options) expect(page).toContain(`\`${option}\``);
});
