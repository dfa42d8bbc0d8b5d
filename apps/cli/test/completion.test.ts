import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { type CompletedProgram, completionScript } from "../src/completion.ts";
import { VERBS } from "../src/verbs.ts";
import { runHere, temporaryDirectory } from "./programs.ts";

/** One option of each kind, with characters that shells would take for their own. */
const PROGRAM: CompletedProgram = {
  bin: "ll-demo",
  options: [
    { names: ["--file", "-f"], value: "path", placeholder: "FILE", help: "a file; it's read [once]: whole" },
    { names: ["--n-predict", "-n", "--predict"], value: "int", placeholder: "N", help: "tokens" },
    { names: ["-eps"], value: "float", placeholder: "X", help: "epsilon" },
    { names: ["--json"], value: "flag", help: "a $HOME `object`" },
    { names: ["--completion"], value: "text", placeholder: "SHELL", help: "bash, zsh or fish" },
  ],
  words: [],
};

const hasShell = (shell: string): boolean => spawnSync(shell, ["--version"]).status === 0;

describe("scripts", () => {
  test("bash", () => {
    expect(completionScript("bash", PROGRAM)).toMatchInlineSnapshot(`
      "# ll-demo for bash: source <(ll-demo --completion bash)
      _ll_demo() {
        local word=\${COMP_WORDS[COMP_CWORD]} words=""
        COMPREPLY=()
        case "\${COMP_WORDS[COMP_CWORD-1]}" in
          --completion) words="bash zsh fish" ;;
          --n-predict|-n|--predict|-eps) compopt +o default; return ;;
        esac
        [[ $words == "" && $word == -* ]] && words="--file -f --n-predict -n --predict -eps --json --completion"
        [[ $words != "" ]] && COMPREPLY=($(compgen -W "$words" -- "$word"))
        return 0
      }
      complete -o default -F _ll_demo ll-demo
      "
    `);
  });
  test("zsh", () => {
    expect(completionScript("zsh", PROGRAM)).toMatchInlineSnapshot(`
      "#compdef ll-demo
      # ll-demo for zsh: a file _ll-demo in a folder of $fpath, or: source <(ll-demo --completion zsh)
      _ll_demo() {
        _arguments \\
          '(--file -f)'{--file,-f}'[a file; it'\\''s read \\[once\\]\\: whole]:FILE:_files' \\
          '(--n-predict -n --predict)'{--n-predict,-n,--predict}'[tokens]:N: ' \\
          '-eps[epsilon]:X: ' \\
          '--json[a $HOME \`object\`]' \\
          '--completion[bash, zsh or fish]:SHELL:(bash zsh fish)' \\
          '*:file:_files'
      }
      if [[ $funcstack[1] == _ll-demo ]]; then _ll_demo "$@"; else compdef _ll_demo ll-demo; fi
      "
    `);
  });
  test("fish", () => {
    expect(completionScript("fish", PROGRAM)).toMatchInlineSnapshot(`
      "# ll-demo for fish: ll-demo --completion fish | source
      complete -c ll-demo -l file -s f -r -F -d 'a file; it\\'s read [once]: whole'
      complete -c ll-demo -l n-predict -s n -l predict -x -d 'tokens'
      complete -c ll-demo -o eps -x -d 'epsilon'
      complete -c ll-demo -l json -d 'a $HOME \`object\`'
      complete -c ll-demo -l completion -x -a 'bash zsh fish' -d 'bash, zsh or fish'
      "
    `);
  });
});

describe.skipIf(!hasShell("bash"))("in bash", () => {
  /** What bash offers behind the last of `words`. */
  function offered(script: string, words: readonly string[], cwd = "/"): string[] {
    const bin = words[0] as string;
    const quoted = words.map((word) => `'${word}'`).join(" ");
    const name = `_${bin.replaceAll("-", "_")}`;
    const run = `${script}\ncompopt() { echo "compopt $*"; }\nCOMP_WORDS=(${quoted}); COMP_CWORD=${words.length - 1}; ${name}; printf '%s\\n' "\${COMPREPLY[@]}"`;
    const { status, stdout, stderr } = spawnSync("bash", ["--norc", "-euc", run], { encoding: "utf8", cwd });
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    return stdout.split("\n").filter((line) => line !== "");
  }
  const bash = completionScript("bash", PROGRAM);

  test("options, by what is typed of them", () => {
    expect(offered(bash, ["ll-demo", "--"])).toEqual(["--file", "--n-predict", "--predict", "--json", "--completion"]);
    expect(offered(bash, ["ll-demo", "x", "--pr"])).toEqual(["--predict"]);
    expect(offered(bash, ["ll-demo", "-e"])).toEqual(["-eps"]);
  });

  test("values: shells by name, nothing for a number, files (bash's own default) for a path", () => {
    expect(offered(bash, ["ll-demo", "--completion", ""])).toEqual(["bash", "zsh", "fish"]);
    expect(offered(bash, ["ll-demo", "-n", ""])).toEqual(["compopt +o default"]);
    expect(offered(bash, ["ll-demo", "--file", ""])).toEqual([]);
    expect(offered(bash, ["ll-demo", ""])).toEqual([]);
    expect(bash).toContain("\ncomplete -o default -F _ll_demo ll-demo\n");
  });

  test("ll: its programs, as the first word only", async () => {
    const { stdout } = await runHere("ll", ["--completion", "bash"]);
    expect(offered(stdout, ["ll", "con"])).toEqual(["convert"]);
    expect(offered(stdout, ["ll", "convert", "con"])).toEqual([]);
    expect(offered(stdout, ["ll", "--v"])).toEqual(["--version"]);
  });
});

describe.each([...VERBS.keys()])("ll-%s", (verb) => {
  test("the same scripts as before", async () => {
    const scripts: string[] = [];
    for (const shell of ["bash", "zsh", "fish"]) {
      const { code, stdout, stderr } = await runHere(`ll-${verb}`, ["--completion", shell]);
      expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
      scripts.push(stdout);
    }
    await expect(scripts.join("\n")).toMatchFileSnapshot(`completion-snapshots/ll-${verb}.txt`);
  });

  test("every offered option is a known one", async () => {
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

test("behind = as well", async () => {
  for (const bin of ["ll", "ll-convert", "ll-quantize", "ll-tokenize"]) {
    const script = await runHere(bin, ["--completion=bash"]);
    expect(script, bin).toMatchObject({ code: 0, stderr: "" });
    expect(script).toEqual(await runHere(bin, ["--completion", "bash"]));
  }
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

test.each(["bash", "zsh", "fish"].filter(hasShell))("%s accepts the syntax of every script", async (shell) => {
  const directory = await temporaryDirectory();
  mkdirSync(join(directory, "scripts"));
  for (const verb of VERBS.keys()) {
    const { stdout } = await runHere(`ll-${verb}`, ["--completion", shell]);
    const path = join(directory, "scripts", verb);
    writeFileSync(path, stdout);
    const { status, stderr } = spawnSync(shell, ["-n", path], { encoding: "utf8" });
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  }
});
