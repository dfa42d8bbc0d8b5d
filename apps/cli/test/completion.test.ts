import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { type CompletedProgram, completionScript } from "../src/completion.ts";
import { VERBS } from "../src/verbs.ts";
import { runHere, temporaryDirectory } from "./programs.ts";

/** One option of each kind, with characters that shells would take for their own. */
const OPTIONS: CompletedProgram["options"] = [
  { names: ["--file", "-f"], value: "path", placeholder: "FILE", help: "a file; it's read [once]: whole" },
  { names: ["--n-predict", "-n", "--predict"], value: "int", placeholder: "N", help: "tokens" },
  { names: ["-eps"], value: "float", placeholder: "X", help: "epsilon" },
  { names: ["--type"], value: "text", placeholder: "TYPE", help: "type", choices: ["f16", "f32"] },
  { names: ["--template"], value: "path", placeholder: "NAME", help: "template", choices: ["plain", "vicuna"] },
  { names: ["--color"], value: "flag", help: "colour", words: ["auto", "never"] },
  { names: ["--json"], value: "flag", help: "a $HOME `object`" },
];

const PROGRAMS: readonly CompletedProgram[] = [
  { verb: "demo", summary: "shows it's: done", options: OPTIONS, words: [] },
  { verb: "twin", summary: "takes the same options", options: OPTIONS, words: [] },
  { verb: "pack", summary: "packs", options: OPTIONS.slice(6), words: ["q4_0", "q8_0"] },
];

const hasShell = (shell: string): boolean => spawnSync(shell, ["--version"]).status === 0;

test.each(["bash", "zsh", "fish"])("the script for %s", async (shell) => {
  await expect(completionScript(shell, PROGRAMS)).toMatchFileSnapshot(`completion-snapshots/demo.${shell}`);
});

/** What bash offers behind the last of `words`; it takes `=` for a word of its own. */
function offeredByBash(script: string, words: readonly string[], cwd = "/"): string[] {
  const split = words
    .flatMap((word) => word.split(/(=)/))
    .filter((word, i, all) => word !== "" || i === all.length - 1);
  const list = (split.at(-1) === "" && split.at(-2) === "=" ? split.slice(0, -1) : split).map((word) => `'${word}'`);
  const set = `COMP_WORDS=(${list.join(" ")}); COMP_CWORD=${list.length - 1}`;
  const run = `${script}\ncompopt() { echo "compopt $*"; }\n${set}; _ll; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { status, stdout, stderr } = spawnSync("bash", ["--norc", "-euc", run], { encoding: "utf8", cwd });
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  return stdout.split("\n").filter((line) => line !== "");
}

describe.skipIf(!hasShell("bash"))("in bash", () => {
  const script = completionScript("bash", PROGRAMS);
  const offered = (words: readonly string[], cwd?: string): string[] => offeredByBash(script, words, cwd);

  test("options, by what is typed of them, of the program that is called", () => {
    expect(offered(["ll-demo", "x", "--pr"])).toEqual(["--predict"]);
    expect(offered(["ll-twin", "-e"])).toEqual(["-eps"]);
    expect(offered(["/usr/bin/ll-pack", "--"])).toEqual(["--json"]);
    expect(offered(["ll", "demo", "--pr"])).toEqual(["--predict"]);
  });

  test("values by name, behind a space or =", () => {
    expect(offered(["ll-demo", "--type", ""])).toEqual(["f16", "f32"]);
    expect(offered(["ll-demo", "--type", "f3"])).toEqual(["f32"]);
    expect(offered(["ll-demo", "--type="])).toEqual(["f16", "f32"]);
    expect(offered(["ll-demo", "--type=f3"])).toEqual(["f32"]);
    expect(offered(["ll", "demo", "--type", "f3"])).toEqual(["f32"]);
  });

  test("words of a flag behind = only", () => {
    expect(offered(["ll-demo", "--color=n"])).toEqual(["never"]);
    expect(offered(["ll-demo", "--color", "n"])).toEqual([]);
  });

  test("nothing for a number, files (bash's own default) for a path, both where a name will do", async () => {
    const cwd = await temporaryDirectory();
    writeFileSync(join(cwd, "play.json"), "");
    expect(offered(["ll-demo", "-n", ""])).toEqual(["compopt +o default"]);
    expect(offered(["ll-demo", "--file", ""])).toEqual([]);
    expect(offered(["ll-demo", ""])).toEqual([]);
    expect(offered(["ll-demo", "--template", "pl"], cwd).sort()).toEqual(["plain", "play.json"]);
    expect(script).toContain("\ncomplete -o default -F _ll ll ll-demo ll-twin ll-pack\n");
  });

  test("words that an argument may be, behind the first", async () => {
    const cwd = await temporaryDirectory();
    writeFileSync(join(cwd, "q4.bin"), "");
    expect(offered(["ll-pack", "q4"], cwd)).toEqual([]);
    expect(offered(["ll-pack", "in.bin", "q4"], cwd).sort()).toEqual(["q4.bin", "q4_0"]);
    expect(offered(["ll", "pack", "in.bin", "q8"], cwd)).toEqual(["q8_0"]);
  });

  test("ll: its programs, as the first word only, and behind help", () => {
    expect(offered(["ll", "de"])).toEqual(["demo"]);
    expect(offered(["ll", "h"])).toEqual(["help"]);
    expect(offered(["ll", "help", "p"])).toEqual(["pack"]);
    expect(offered(["ll", "demo", "de"])).toEqual([]);
    expect(offered(["ll", "--v"])).toEqual(["--version"]);
    expect(offered(["ll", "--completion", ""])).toEqual(["bash", "zsh", "fish"]);
  });

  test("of the real programs", async () => {
    const { stdout } = await runHere("ll", ["--completion", "bash"]);
    expect(offeredByBash(stdout, ["ll-convert", "--container", ""])).toEqual(["ggjt-v3", "ggjt-v1", "gguf"]);
    expect(offeredByBash(stdout, ["ll", "quantize", "in.bin", "q5_k"])).toEqual(["q5_k", "q5_k_s", "q5_k_m"]);
    expect(offeredByBash(stdout, ["ll-main", "--mirostat", ""])).toEqual(["0", "1", "2"]);
    expect(offeredByBash(stdout, ["ll-chat", "--template", "vic"])).toEqual(["vicuna"]);
    expect(offeredByBash(stdout, ["ll-perplexity", "--color=al"])).toEqual(["always"]);
  });
});

describe.skipIf(!hasShell("fish"))("in fish", () => {
  const script = completionScript("fish", PROGRAMS);
  const offered = async (line: string): Promise<string[]> => {
    const path = join(await temporaryDirectory(), "script.fish");
    writeFileSync(path, `${script}\ncomplete -C ${JSON.stringify(line)}`);
    const { status, stdout, stderr } = spawnSync("fish", ["--no-config", path], { encoding: "utf8", cwd: "/" });
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    return stdout
      .split("\n")
      .filter((row) => row !== "")
      .map((row) => row.split("\t")[0] as string);
  };

  test("options, values, programs", async () => {
    expect(await offered("ll-demo --pr")).toEqual(["--predict"]);
    expect(await offered("ll-demo --type ")).toEqual(["f16", "f32"]);
    expect(await offered("ll demo --type=f3")).toEqual(["--type=f32"]);
    expect(await offered("ll-demo --template vic")).toContain("vicuna");
    expect(await offered("ll de")).toEqual(["demo"]);
    expect(await offered("ll help pa")).toEqual(["pack"]);
    expect(await offered("ll-pack in.bin q8")).toEqual(["q8_0"]);
  });
});

describe("every program", () => {
  test("prints the one script, by --completion SHELL or --completion=SHELL", async () => {
    for (const shell of ["bash", "zsh", "fish"]) {
      const script = await runHere("ll", ["--completion", shell]);
      expect(script).toMatchObject({ code: 0, stderr: "" });
      expect(await runHere("ll", [`--completion=${shell}`])).toEqual(script);
      for (const verb of VERBS.keys()) expect(await runHere(`ll-${verb}`, ["--completion", shell])).toEqual(script);
    }
  });

  test.each([...VERBS.keys()])("knows every option that is offered: ll-%s", async (verb) => {
    const options = await VERBS.get(verb)?.options();
    for (const { names } of options ?? []) {
      for (const name of names) {
        // with a value, and something impossible behind it: whatever is wrong then, it is not the option
        const { stderr } = await runHere(`ll-${verb}`, [name, "1", "--impossible"]);
        expect(stderr, name).not.toMatch(new RegExp(`unknown (argument|option):? '?${name}'?\\b`));
      }
    }
  });
});

test("a usage error behind other arguments, where it would do nothing", async () => {
  for (const bin of ["ll-convert", "ll-quantize", "ll-tokenize", "ll-main"]) {
    const { code, stderr } = await runHere(bin, ["-v", "--completion", "bash"]);
    expect(code, bin).toBe(2);
    expect(stderr).toContain("--completion");
  }
});

test.each([[["--completion"]], [["--completion", "tcsh"]], [["--completion=tcsh"]]])(
  "%j is a usage error",
  async (argv) => {
    for (const bin of ["ll", "ll-convert", "ll-quantize", "ll-tokenize"]) {
      const { code, stdout, stderr } = await runHere(bin, argv);
      expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
      expect(stderr).toMatch(/: --completion expected one of bash, zsh, fish, got (nothing|tcsh)\n/);
    }
  },
);

test.each(["bash", "zsh", "fish"].filter(hasShell))("%s accepts the syntax of the script", async (shell) => {
  const path = join(await temporaryDirectory(), "script");
  writeFileSync(path, (await runHere("ll", ["--completion", shell])).stdout);
  const { status, stderr } = spawnSync(shell, ["-n", path], { encoding: "utf8" });
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
});
