import { describe, expect, test } from "vitest";
import { fixture } from "../../../tools/test-data.ts";
import { runHere, runProcess } from "./programs.ts";

describe("ll", () => {
  test("VERB is the same as ll-VERB", async () => {
    expect(await runHere("ll", ["quantize", "--help"])).toEqual(await runHere("ll-quantize", ["--help"]));
    expect(await runHere("ll", ["convert", "--nonsense"])).toEqual(await runHere("ll-convert", ["--nonsense"]));
  });

  test("--help opens with examples and lists the programs; --version names itself", async () => {
    const help = await runHere("ll", ["--help"]);
    expect(help).toMatchObject({ code: 0, stderr: "" });
    expect(help.stdout).toMatch(/^ll converts, .*\n\nExamples:\n {2}ll-convert .*\n {2}ll-quantize .*\n {2}ll-main /s);
    expect(help.stdout).toContain("\n  ll-convert ");
    expect(help.stdout).toContain("\n  ll-quantize ");
    expect((await runHere("ll", ["--version"])).stdout).toMatch(
      /^ll \d+\.\d+\.\d+(?: \(\w+\))?, Node \d+\.\d+\.\d+\n$/,
    );
  });

  test("alone, and with help, says what it is; help VERB is the help of ll-VERB", async () => {
    const help = await runHere("ll", ["--help"]);
    for (const argv of [[], ["help"], ["-h"]]) expect(await runHere("ll", argv)).toEqual(help);
    const ofInspect = await runHere("ll-inspect", ["--help"]);
    for (const verb of ["inspect", "ll-inspect"]) expect(await runHere("ll", ["help", verb])).toEqual(ofInspect);
    expect(await runHere("ll", ["help", "inspec"])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("Did you mean ll inspect?"),
    });
  });

  test("a file in place of a program is answered with the programs that take it", async () => {
    const { code, stderr } = await runHere("ll", [import.meta.filename]);
    expect(code).toBe(2);
    expect(stderr).toContain("main.test.ts is a file: ll main FILE runs a model, ll inspect FILE says what it is\n");
  });

  test.each([[["nonsense"]], [["--nonsense"]], [["__proto__"]]])("%j is a usage error", async (argv) => {
    const { code, stdout, stderr } = await runHere("ll", argv);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toMatch(/^ll: no such program: .*\nll help lists the programs\n$/);
  });

  test("a mistyped program is answered with the nearest one", async () => {
    const { code, stderr } = await runHere("ll", ["chta"]);
    expect(code).toBe(2);
    expect(stderr).toBe("ll: no such program: chta\nDid you mean ll chat?\nll help lists the programs\n");
  });
});

describe("an error", () => {
  test("is one line, then a hint; no stack", async () => {
    const { stderr } = await runHere("ll-convert", ["--outtpye", "f16", "m"]);
    expect(stderr).toBe("ll-convert: error: unknown argument: --outtpye\nDid you mean --outtype?\n");
  });

  test("shows its stack with --verbose or LL_DEBUG=1, but not for a --verbose after --", async () => {
    const shown = /\n.*at .*\.ts:\d+/;
    expect((await runHere("ll-convert", ["--verbose", "/nonexistent"])).stderr).toMatch(shown);
    expect((await runHere("ll-convert", ["/nonexistent"], { LL_DEBUG: "1" })).stderr).toMatch(shown);
    expect((await runHere("ll-quantize", ["--verbose", "/nonexistent", "q4_0"])).stderr).toMatch(shown);
    expect((await runHere("ll-convert", ["/nonexistent"])).stderr).not.toMatch(shown);
    expect((await runHere("ll-convert", ["--", "--verbose"])).stderr).not.toMatch(shown);
  });

  test.each([
    ["an escape sequence", "/x\x1b]0;title\x07y", "/x\\x1b]0;title\\x07y"],
    ["a newline", "/x\ny", "/x\\x0ay"],
    ["a direction override", "/x\u202ey", "/x\\u{202e}y"],
    ["an emoji", "/x🙂y", "/x🙂y"],
  ])("shows %s in an argument inert", async (_name, path, shown) => {
    for (const bin of ["ll-convert", "ll-quantize"]) {
      const { code, stderr } = await runHere(bin, bin === "ll-convert" ? [path] : [path, "q4_0"]);
      expect(code).toBe(4);
      expect(stderr).toContain(`failed to open ${shown}: No such file or directory\n`);
      expect(stderr).not.toContain(path === shown ? "\x1b" : path);
    }
  });

  test("stays short for an argument of 4096 bytes", async () => {
    const { code, stderr } = await runHere("ll-convert", [`/${"x".repeat(4096)}`]);
    expect(code).toBe(4);
    expect(stderr.length).toBeLessThan(600);
  });

  test("in an option's value is shown inert too", async () => {
    const { stderr } = await runHere("ll-convert", ["m", "--outtype", "\x1b[31m"]);
    expect(stderr).toContain('got "\\x1b[31m"\n');
    const unknown = await runHere("ll-quantize", ["--\x1b[31m", "m", "q4_0"]);
    expect(unknown.stderr).toContain("unknown argument: --\\x1b[31m\n");
  });
});

describe("as a process", () => {
  test("the exit code is that of the program, and streams are kept apart", async () => {
    const [help, usage, failed] = await Promise.all([
      runProcess(["ll-convert", "--help"]),
      runProcess(["ll-quantize"]),
      runProcess(["ll", "convert", fixture("tiny/golden")]),
    ]);
    expect(help).toMatchObject({ code: 0, stderr: "" });
    expect(usage.code).toBe(2);
    expect(failed).toMatchObject({ code: 1, stdout: "" });
    expect(failed.stderr).toMatch(/^ll-convert: .*Can't find model in directory/);
  });
});
