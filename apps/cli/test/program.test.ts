import { describe, expect, test } from "vitest";
import { jsonRow, quietRow, valueRow } from "../src/option-rows.ts";
import type { OptionSpec } from "../src/option-table.ts";
import { type Program, readArguments, splitArguments, usageError } from "../src/program.ts";
import { term } from "../src/terminal.ts";
import { captured } from "./programs.ts";

interface Params {
  n: number;
  json: boolean;
  quiet: boolean;
}

const OPTIONS: readonly OptionSpec<Params>[] = [
  valueRow("Work", ["--n-predict", "-n"], "int", { placeholder: "N", help: "tokens", default: "3" }, (params, v) => {
    params.n = v.number;
  }),
  jsonRow("an object"),
  quietRow("the essential value"),
];

const PROGRAM: Program<Params> = {
  examples: ["MODEL", "MODEL -n 4"],
  usage: "[options] MODEL",
  description: "Does it.",
  options: OPTIONS,
};

async function read(argv: readonly string[]): Promise<{ positionals: unknown; params: Params; printed: string }> {
  const params = { n: 3, json: false, quiet: false };
  const out = captured();
  const io = { out: term(out), err: term(captured()), env: {} };
  const positionals = await readArguments(PROGRAM, "ll-demo", argv, params, io);
  return { positionals, params, printed: out.text() };
}

test.each([
  ["a b", ["a", "b"], { n: 3, json: false, quiet: false }],
  ["a -n -1 b --json", ["a", "b"], { n: -1, json: true, quiet: false }],
  ["--n_predict 4 a", ["a"], { n: 4, json: false, quiet: false }],
  ["- a", ["-", "a"], { n: 3, json: false, quiet: false }],
  ["--json -- --json -n", ["--json", "-n"], { n: 3, json: true, quiet: false }],
  ["-n 1 -n 2", [], { n: 2, json: false, quiet: false }],
  ["--n-predict=4 a", ["a"], { n: 4, json: false, quiet: false }],
  ["--n_predict=-1", [], { n: -1, json: false, quiet: false }],
  ["a --verbose", ["a"], { n: 3, json: false, quiet: false }],
])("%s", async (line, positionals, params) => {
  expect(await read(line.split(" "))).toEqual({ positionals, params, printed: "" });
});

test("~ is the home directory in arguments that are paths", async () => {
  const io = { out: term(captured()), err: term(captured()), env: { HOME: "/home/me" } };
  const positionalsOf = (program: Program<Params>) =>
    readArguments(program, "ll-demo", ["~/a", "~/b"], { n: 3, json: false, quiet: false }, io);
  expect(await positionalsOf(PROGRAM)).toEqual(["/home/me/a", "~/b"]);
  expect(await positionalsOf({ ...PROGRAM, paths: 2 })).toEqual(["/home/me/a", "/home/me/b"]);
  expect(await positionalsOf({ ...PROGRAM, paths: 0 })).toEqual(["~/a", "~/b"]);
});

test("an unknown option is an error with a suggestion, and takes no value away", async () => {
  await expect(read(["--jsno", "a"])).rejects.toMatchObject({
    name: "UsageError",
    message: "error: unknown argument: --jsno",
    hint: "Did you mean --json?",
  });
  expect(splitArguments(OPTIONS, ["--jsno", "a"]).positionals).toEqual(["a"]);
});

test("a value behind = is one only for an option that takes one", async () => {
  await expect(read(["--json=yes"])).rejects.toMatchObject({ message: "error: unknown argument: --json=yes" });
  await expect(read(["--n-predict="])).rejects.toMatchObject({ hint: 'expected a whole number, got ""' });
});

test("_ stands for - in options that end a run too", async () => {
  const withModel = [
    ...OPTIONS,
    valueRow<Params>("Model", ["--model"], "path", { placeholder: "F", help: "" }, () => undefined),
  ];
  const io = { out: term(captured()), err: term(captured()), env: {} };
  const read = readArguments(
    { ...PROGRAM, options: withModel },
    "ll-demo",
    ["--print_config"],
    { n: 3, json: false, quiet: false },
    io,
  );
  expect(await read).toBeUndefined();
});

test("two output modes exclude each other, by whatever name", async () => {
  await expect(read(["-q", "--json"])).rejects.toMatchObject({
    name: "UsageError",
    message: "--json and --quiet exclude each other",
  });
  await expect(read(["-q", "--quiet"])).resolves.toMatchObject({ params: { quiet: true } });
});

test("a value that is missing or no number is an error", async () => {
  await expect(read(["-n"])).rejects.toMatchObject({ message: "error: invalid parameter for argument: -n" });
  await expect(read(["-n", "x"])).rejects.toMatchObject({ hint: 'expected a whole number, got "x"' });
});

describe("help and version", () => {
  test("help opens with two examples and lists every option with its default", async () => {
    const { positionals, printed } = await read(["a", "--help", "--nonsense"]);
    expect(positionals).toBeUndefined();
    expect(printed).toMatchInlineSnapshot(`
      "Examples:
        ll-demo MODEL
        ll-demo MODEL -n 4

      usage: ll-demo [options] MODEL

      Does it.

      Work:
        -n, --n-predict N               tokens (default: 3)

      Output:
        --json                          an object
        -q, --quiet                     the essential value

      Other:
        -v, --verbose                   show where an error comes from (as LL_DEBUG=1)
        --completion SHELL              first of all arguments: print a completion
                                        script for bash, zsh or fish
        --version                       show the version
        -h, --help                      show this help
      "
    `);
  });

  test("version", async () => {
    expect((await read(["--version"])).printed).toMatch(/^ll-demo \d+\.\d+\.\d+/);
  });

  test("are not asked for by the value of an option or behind --", async () => {
    await expect(read(["-n", "--help"])).rejects.toMatchObject({ name: "UsageError" });
    expect((await read(["--", "--help"])).positionals).toEqual(["--help"]);
  });
});

test("usageError shows how the program is called", () => {
  expect(usageError(PROGRAM, "ll-demo", "no model given")).toMatchObject({
    message: "no model given",
    hint: "usage: ll-demo [options] MODEL (see ll-demo --help)",
  });
});
