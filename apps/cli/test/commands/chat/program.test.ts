// ll-chat as a process without a terminal, and what of it needs no process.

import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import type { WritableValue } from "@ll/gguf";
import { createRng } from "@ll/sampling";
import { describe, expect, test } from "vitest";
import { fixture } from "../../../../../tools/test-data.ts";
import { tinyModel } from "../../../../../tools/tiny-model.ts";
import { loadTemplate } from "../../../src/commands/chat/template.ts";
import { openTokenizer } from "../../../src/tokenizer-input.ts";
import { tinyGguf, withKeys } from "../../gguf-model.ts";
import { ended, type Outcome, runHere, type SpawnOptions, start, temporaryDirectory } from "../../programs.ts";

async function tinyFile(): Promise<string> {
  const path = join(await temporaryDirectory(), "model.bin");
  await writeFile(path, await tinyModel("q4_0"));
  return path;
}

/** Options that keep prompts and answers short, and the same in every run. */
const SHORT = ["--template", "alpaca", "--system", "", "-s", "3", "-n", "8", "-c", "256", "-t", "1"];

/** No settings and no history of whoever runs the tests. */
const CLEAN = { HOME: "/nonexistent", XDG_CONFIG_HOME: "", LL_MODEL: "", LL_THREADS: "", LL_CTX_SIZE: "" };

function chat(argv: readonly string[], input: string, options: SpawnOptions = {}): Promise<Outcome> {
  const child = start(["ll-chat", ...argv], { ...options, env: { ...CLEAN, ...options.env } });
  child.stdin?.write(input);
  return ended(child);
}

/** The text of a saved conversation. */
function savedChat(turns: readonly object[], settings: readonly (readonly string[])[] = []): string {
  const template = {
    summary: "",
    system: "",
    systemBlock: "{text}",
    start: "{bos}",
    user: "U: {text}\nA:",
    answerEnd: "\n",
  };
  const rng = createRng(1).exportState();
  return JSON.stringify({ program: "ll-chat", version: 1, template, system: "", settings, seed: 1, rng, turns });
}

describe("without a terminal", () => {
  test("every line is a turn; nothing but the answers is printed", async () => {
    const path = await tinyFile();
    const both = await chat([path, ...SHORT], "Hello\n\nWhy?\n");
    expect(both).toMatchObject({ code: 0, stderr: "" });
    const answers = both.stdout.split("\n");
    expect(answers.pop()).toBe(""); // each ends its line
    expect(answers.length).toBeGreaterThanOrEqual(2);
    const first = await chat([path, ...SHORT], "Hello"); // the last line need not end
    expect(both.stdout.startsWith(first.stdout)).toBe(true);
    expect(first.stdout.trim()).not.toBe("");
  });

  test("--json: one object for each answer", async () => {
    const { stdout } = await chat([await tinyFile(), ...SHORT, "--json"], "Hello\nWhy?\n");
    const answers = stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(answers).toHaveLength(2);
    expect(answers[0]).toEqual({
      version: 1,
      answer: expect.any(String),
      finish: "length",
      promptTokens: expect.any(Number),
      answerTokens: 8,
    });
    expect(answers[1].promptTokens).toBeLessThan(answers[0].promptTokens + 8); // the first turn is in the cache
  });

  test("a line that begins with a slash is a turn like any other: nothing is written, nothing is left", async () => {
    const folder = await temporaryDirectory();
    const path = join(folder, "model.bin");
    await writeFile(path, await tinyModel("q4_0"));
    const lines = ["/save model.bin", "/save new.json", "//help", "/exit", "/nonsense"];
    const { code, stdout } = await chat([path, ...SHORT, "--json"], lines.map((line) => `${line}\n`).join(""), {
      cwd: folder,
    });
    expect(code).toBe(0);
    expect(stdout.trimEnd().split("\n")).toHaveLength(lines.length);
    expect(await readFile(path)).toEqual(Buffer.from(await tinyModel("q4_0")));
    expect(await readdir(folder)).toEqual(["model.bin"]);
  });

  test("what fails is told, the next line is read, and the exit code tells of it", async () => {
    const { code, stdout, stderr } = await chat([await tinyFile(), ...SHORT], `${"x ".repeat(400)}\nHello\n`);
    expect(code).toBe(1);
    expect(stdout.trim()).not.toBe("");
    expect(stderr).toMatch(/^too long: \d+ tokens with what stands before it, at most \d+ fit\n$/);
  });

  test("a template that makes gigabytes of a few kilobytes is refused", async () => {
    const path = join(await temporaryDirectory(), "t.json");
    const bomb = { summary: "x", system: "s".repeat(16_000), systemBlock: "{text}".repeat(2700), user: "{text}" };
    await writeFile(path, JSON.stringify({ ...bomb, start: "{system}".repeat(2000), answerEnd: "" }));
    const { code, stderr } = await chat([await tinyFile(), "--template", path], "Hi\n");
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: "ll-chat: too long: more than 1048576 characters, as the template writes it down\n",
    });
  });

  test("a saved conversation of thousands of turns is answered, and may be interrupted", async () => {
    const [model, path] = [await tinyFile(), join(await temporaryDirectory(), "chat.json")];
    await writeFile(path, savedChat(Array.from({ length: 10_000 }, () => ({ user: "", answer: "", ids: [] }))));
    const { code, stdout, stderr } = await chat([model, "-c", "256", "-n", "4", "--resume", path, "--json"], "Hi\n");
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(JSON.parse(stdout)).toMatchObject({ answerTokens: 4 });
  });

  test("--resume: flags win over what was saved, those that may be repeated all of them", async () => {
    const [model, path] = [await tinyFile(), join(await temporaryDirectory(), "chat.json")];
    const settings = [
      ["n-predict", "9"],
      ["logit-bias", "5+1"],
    ];
    await writeFile(path, savedChat([{ user: "Hello", answer: " Hi.", ids: [] }], settings));
    // tokens 6 and 7 are drawn, one or the other, and no others
    const flags = ["-n", "3", "--temp", "0.5", "-l", "6+1000", "-l", "7+1000", "--json"];
    const { code, stdout, stderr } = await chat([model, "--resume", path, ...flags], "Why?\n");
    expect(code, stderr).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ answerTokens: 3 });
  });

  test.each([
    ["behind the model", [], ["Hello"]],
    ["of -p", [], ["-p", "Hello"]],
    ["beside -m", ["-m"], ["Hello"]],
  ])(
    "a question %s is answered as one in a pipe is, and standard input is not read",
    async (_where, name, question) => {
      const path = await tinyFile();
      const outcome = await chat([...name, path, ...SHORT, ...question], "Why?\n");
      expect(outcome).toMatchObject({ code: 0, stderr: "" });
      expect(outcome).toEqual(await chat([path, ...SHORT], "Hello\n"));
    },
  );

  test("~ is the home folder in --resume= and --template=", async () => {
    const [model, home] = [await tinyFile(), await temporaryDirectory()];
    const saved = savedChat([{ user: "Hello", answer: " Hi.", ids: [] }]);
    await writeFile(join(home, "chat.json"), saved);
    await writeFile(join(home, "t.json"), JSON.stringify(JSON.parse(saved).template));
    for (const option of ["--resume=~/chat.json", "--template=~/t.json"]) {
      const env = { HOME: home };
      const outcome = await chat([model, "-c", "256", "-n", "4", "-t", "1", option, "--json", "Why?"], "", { env });
      expect(outcome).toMatchObject({ code: 0, stderr: "" });
      expect(JSON.parse(outcome.stdout)).toMatchObject({ answerTokens: 4 });
    }
  });

  test("-c 0 is the context that the model was trained for", async () => {
    const path = await tinyFile();
    const argv = [path, "--template", "alpaca", "-s", "3", "-n", "4", "-t", "1", "Hello"];
    const own = await chat([...argv, "-c", "0"], "");
    expect(own).toMatchObject({ code: 0, stderr: "" });
    expect(own).toEqual(await chat([...argv, "-c", "2048"], ""));
  });

  test("a GGUF file of the same model gives the same answers", async () => {
    const folder = await temporaryDirectory();
    await writeFile(join(folder, "m.gguf"), await tinyGguf());
    await writeFile(join(folder, "m.bin"), await tinyModel("f16"));
    const argv = [...SHORT, "--repeat-penalty", "1"]; // what a GGUF file's chain has
    const gguf = await chat([join(folder, "m.gguf"), ...SHORT], "Hello\n");
    expect(gguf).toMatchObject({ code: 0, stderr: "" });
    expect(gguf).toEqual(await chat([join(folder, "m.bin"), ...argv], "Hello\n"));
  });

  test("Ctrl-C leaves with 130", async () => {
    const child = start(["ll-chat", await tinyFile(), ...SHORT, "-n", "-1", "--ignore-eos", "--template", "llama-2"], {
      env: CLEAN,
    });
    child.stdin?.write("Hello\n");
    await new Promise((resolve) => child.stdout?.once("data", resolve));
    child.kill("SIGINT");
    const code = await new Promise((resolve) => child.on("close", resolve));
    expect(code).toBe(130);
  });

  test("nothing is written anywhere: no history without a terminal", async () => {
    const home = await temporaryDirectory();
    await chat([await tinyFile(), ...SHORT], "Hello\n", { env: { HOME: home } });
    expect(await readdir(home)).toEqual([]);
  });
});

describe("a GGUF file", () => {
  /** The embedded model with this chat template, and settings of its makers. */
  async function withTemplate(
    source: string | undefined,
    sampling: Record<string, WritableValue> = {},
  ): Promise<string> {
    const path = join(await temporaryDirectory(), "m.gguf");
    const template = source === undefined ? undefined : ({ type: "string", value: source } as const);
    await writeFile(path, await withKeys(await tinyGguf(), { "tokenizer.chat_template": template, ...sampling }));
    return path;
  }

  const SOURCE = "{{ bos_token }}{% for m in messages %}{{ m.content }}{% endfor %}";
  const OPTIONS = ["-s", "3", "-n", "8", "-c", "256", "-t", "1"];

  test("is talked to by its own template; --template names another one", async () => {
    const path = await withTemplate(SOURCE);
    const own = await chat([path, ...OPTIONS, "Once upon a time"], "");
    expect(own).toMatchObject({ code: 0, stderr: "" });
    const same = join(await temporaryDirectory(), "t.json");
    const pattern = { system: "", systemBlock: "{text}", start: "{bos} ", user: "{text}", answerEnd: "" };
    await writeFile(same, JSON.stringify(pattern));
    expect(await chat([path, ...OPTIONS, "--template", same, "Once upon a time"], "")).toEqual(own);
    expect(await chat([path, ...OPTIONS, "--template", "alpaca", "Once upon a time"], "")).not.toEqual(own);
  });

  test("without one that can be used, in a transcript, which is said", async () => {
    const none = await chat([await withTemplate(undefined), ...OPTIONS, "Hi"], "");
    expect(none).toMatchObject({
      code: 0,
      stderr: "warning: the file has no chat template: the conversation is a plain transcript\n",
    });
    const broken = await withTemplate("{% if %}");
    const { stdout, stderr } = await chat([broken, ...OPTIONS, "Hi"], "");
    expect(stderr).toMatch(/^warning: the chat template cannot be read: .*: the conversation is a plain transcript\n$/);
    expect(stdout).toBe(none.stdout);
    expect(await chat([broken, ...OPTIONS, "-q", "Hi"], "")).toEqual({ ...none, stderr: "" });
  });

  test("what its template refuses is told, and the next line is read", async () => {
    const path = await withTemplate(
      `${SOURCE}{% if 'no' in messages[-1].content %}{{ raise_exception('never') }}{% endif %}`,
    );
    const { code, stdout, stderr } = await chat([path, ...OPTIONS, "--json"], "no\nyes\n");
    expect({ code, stderr }).toEqual({ code: 1, stderr: "the chat template refuses the conversation: never\n" });
    expect(stdout.trimEnd().split("\n")).toHaveLength(1);
  });

  test("has settings of its makers, before which options go", async () => {
    const path = await withTemplate(SOURCE, { "general.sampling.temp": { type: "f32", value: 0 } });
    const question = ["-n", "8", "-c", "256", "-t", "1", "Once upon a time"];
    const first = await chat([path, "-s", "1", ...question], "");
    expect(await chat([path, "-s", "2", ...question], "")).toEqual(first);
    const warm = (seed: string) => chat([path, "-s", seed, "--temp", "3", ...question], "");
    expect(await warm("1")).not.toEqual(await warm("2"));
  });

  test("whose template begins a thought: a pipe has the answer alone, JSON both; a saved conversation goes on with it", async () => {
    const path = await withTemplate(`${SOURCE}<think>{# </think> #}`);
    const { stdout } = await chat([path, ...OPTIONS, "--json", "Once upon a time"], "");
    expect(JSON.parse(stdout)).toMatchObject({ answer: "", reasoning: expect.stringMatching(/\w/), answerTokens: 8 });
    expect((await chat([path, ...OPTIONS, "Once upon a time"], "")).stdout).toBe("\n");
    const saved = join(await temporaryDirectory(), "chat.json");
    const turns = [{ user: "Hello", reasoning: "hm", answer: "Hi.", ids: [] }];
    const file = JSON.stringify({ ...JSON.parse(savedChat(turns)), template: "file" });
    await writeFile(saved, file);
    expect(await chat([path, ...OPTIONS, "--resume", saved, "Why?"], "")).toMatchObject({ code: 0, stderr: "" });
    const refused = await chat([await withTemplate(undefined), ...OPTIONS, "-q", "--resume", saved, "Why?"], "");
    expect(refused.code).toBe(3);
    expect(refused.stderr).toContain("the conversation was held by the chat template of a model's file");
  });
});

describe("--classic", () => {
  test("the transcript of chat.sh: a reverse prompt, and an introduction that stays", async () => {
    const path = await tinyFile();
    // without a controlling terminal, what is typed is echoed to standard output
    const { code, stdout, stderr } = await chat([path, "--classic", "-s", "3", "-n", "10"], "Hi.\n", {
      detached: true,
    });
    expect(code, stderr).toBe(0);
    const plain = await loadTemplate("plain");
    const text = stripVTControlCharacters(stdout);
    expect(text.startsWith(` ${plain.system}\n\nUser: Hello, Bob.\nBob: `)).toBe(true);
    expect(text).toContain("\nUser:Hi.\n");
    expect(stderr).toContain("Reverse prompt: 'User:'\n");
    const tokenizer = await openTokenizer(path);
    const keep = tokenizer.encode(` ${plain.system}\n\n`, { bos: true }).length;
    expect(stderr).toContain(`n_ctx = 512, n_batch = 512, n_predict = 10, n_keep = ${keep}\n`);
    expect(stderr).toContain("repeat_penalty = 1.000000");
  });

  test("--color=WHEN, the environment and the configuration file count here too", async () => {
    const folder = await temporaryDirectory();
    await mkdir(join(folder, "ll"));
    await writeFile(join(folder, "ll/config.json"), '{"temp": 0.5, "n-predict": 3, "ignore-eos": true}');
    const env = { XDG_CONFIG_HOME: folder, LL_CTX_SIZE: "384" };
    const argv = [await tinyFile(), "--classic", "--color=never", "-n", "2"];
    const { code, stdout, stderr } = await chat(argv, "Hi.\n", { detached: true, env });
    expect(code, stderr).toBe(0);
    expect(stdout).not.toContain("\x1b");
    expect(stderr).toContain("temp = 0.500000,");
    expect(stderr).toContain("generate: n_ctx = 384, n_batch = 512, n_predict = 2,");
  });

  test.each(["--json", "--template=alpaca", "--resume=x", "--prompt=x"])(
    "%s would do nothing there",
    async (option) => {
      const { code, stdout, stderr } = await runHere("ll-chat", ["m", "--classic", option]);
      expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
      expect(stderr).toContain(`--classic and ${option.split("=")[0]} exclude each other\n`);
    },
  );

  test("its introduction is whole tokens: what is kept is the beginning of the prompt", async () => {
    const tokenizer = await openTokenizer(fixture("tiny/hf/tokenizer.model"));
    const plain = await loadTemplate("plain");
    const introduction = [...tokenizer.encode(` ${plain.system}\n\n`)];
    const prompt = [...tokenizer.encode(` ${plain.system}\n\nUser: Hello, Bob.`)];
    expect(prompt.slice(0, introduction.length)).toEqual(introduction);
  });
});

describe("configuration", () => {
  test("flags win over the environment, that over the file; --print-config shows it", async () => {
    const folder = await temporaryDirectory();
    await mkdir(join(folder, "ll"));
    await writeFile(
      join(folder, "ll/config.json"),
      '{"model": "file.bin", "temp": 0.5, "threads": 7, "template": "vicuna"}',
    );
    const env = { XDG_CONFIG_HOME: folder, LL_MODEL: "env.bin", LL_CTX_SIZE: "1024" };
    const { code, stdout, stderr } = await runHere("ll-chat", ["--print-config", "--temp", "0.9", "-c", "99"], env);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const rows = new Map(
      stdout.split("\n").map((line) => [line.split(/ +/)[0], line.split(/ {2,}/).slice(1).join(" ")]),
    );
    const file = join(folder, "ll/config.json");
    expect(rows.get("model")).toBe("env.bin LL_MODEL");
    expect(rows.get("ctx-size")).toBe("99 flag");
    expect(rows.get("temp")).toBe("0.9 flag");
    expect(rows.get("threads")).toBe(`7 ${file}`);
    expect(rows.get("template")).toBe(`vicuna ${file}`);
    expect(rows.get("top-k")).toBe("40 default");
    const { stdout: argument } = await runHere("ll-chat", ["arg.bin", "--print-config"], env);
    expect(argument).toMatch(/^model +arg\.bin +argument$/m);
  });

  test("an unknown name in the file is an error that says where", async () => {
    const folder = await temporaryDirectory();
    await mkdir(join(folder, "ll"));
    await writeFile(join(folder, "ll/config.json"), '{"tmep": 0.5}');
    const { code, stderr } = await runHere("ll-chat", ["x"], { XDG_CONFIG_HOME: folder });
    expect(code).toBe(2);
    expect(stderr).toBe(`ll-chat: ${folder}/ll/config.json: "tmep" is no option\nDid you mean "temp"?\n`);
  });
});

describe("usage", () => {
  test.each([
    ["no model", [], 2, "no model given: a ggjt or GGUF file, or a name such as hf:OWNER/REPO\nusage: ll-chat "],
    ["a question without quotes", ["a", "why", "not"], 2, "more than a model and a question given: put it in quotes"],
    ["an unknown template", ["a", "--template", "alpacca"], 2, "Did you mean alpaca?"],
    ["a mistyped option", ["a", "--tmep", "1"], 2, "Did you mean --temp?"],
    ["kernels that are none", ["a"], 2, 'LL_KERNEL is "avx", expected one of scalar', { LL_KERNEL: "avx" }],
    ["a directory", ["/"], 1, "/ is a directory: name the model file in it, or have ll-convert make one\n"],
    ["a model that is not there", ["/nonexistent"], 4, "failed to open /nonexistent"],
    ["a template that is not there", ["a", "--template", "./t.json"], 4, "failed to open ./t.json"],
  ])("%s", async (_name, argv, code, message, env?: Record<string, string>) => {
    const outcome = await runHere("ll-chat", argv, { HOME: "/nonexistent", ...env });
    expect(outcome).toMatchObject({ code, stdout: "" });
    expect(outcome.stderr).toContain(message);
  });

  test("help opens with examples and names the sources of settings", async () => {
    const { stdout } = await runHere("ll-chat", ["--help"]);
    expect(stdout).toMatch(/^Examples:\n {2}ll-chat ggml-model-q4_0\.bin\n {2}ll-chat /);
    for (const name of ["LL_MODEL", "LL_THREADS", "LL_CTX_SIZE", "config.json"]) expect(stdout).toContain(name);
  });
});
