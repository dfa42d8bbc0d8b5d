// What somebody types who does not know the programs yet, and what they are told to type instead.

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { fixture } from "../../../../tools/test-data.ts";
import { tinyModel } from "../../../../tools/tiny-model.ts";
import { run } from "../../src/main.ts";
import { term } from "../../src/terminal.ts";
import { captured, runHere, temporaryDirectory } from "../programs.ts";
import { describeOnTerminal, startOnTerminal } from "../pseudo-terminal.ts";

const VOCAB = fixture("tiny/hf/tokenizer.model");

test.each([["ll-tokenize", "text"], ["ll-detokenize", "1"], ["ll-inspect"], ["ll-bench"], ["ll-quantize-stats"]])(
  "%s of a directory says what is wanted instead",
  async (bin, ...args) => {
    const folder = join(await temporaryDirectory(), "models");
    mkdirSync(folder);
    expect(await runHere(bin, [folder, ...args])).toMatchObject({
      code: 1,
      stdout: "",
      stderr: `${bin}: ${folder} is a directory: name the model file in it, or have ll-convert make one\n`,
    });
  },
);

describe("arguments the wrong way round", () => {
  test("ll-tokenize TEXT MODEL", async () => {
    const { code, stderr } = await runHere("ll-tokenize", ["Once upon a time", VOCAB]);
    expect(code).toBe(2);
    expect(stderr).toContain("the model stands first, the text behind it");
  });

  test("a text that names no file leaves the error as it is", async () => {
    const { code, stderr } = await runHere("ll-tokenize", ["/nonexistent", "Once"]);
    expect([code, stderr]).toEqual([4, "ll-tokenize: failed to open /nonexistent: No such file or directory\n"]);
  });

  test("ll-quantize-stats TYPE MODEL", async () => {
    const model = join(await temporaryDirectory(), "model.bin");
    writeFileSync(model, await tinyModel("f16"));
    const { code, stderr } = await runHere("ll-quantize-stats", ["Q4_0", model]);
    expect(code).toBe(2);
    expect(stderr).toBe(
      'll-quantize-stats: "Q4_0" is a type, not a model\nthe model stands first, its types behind it\n',
    );
  });
});

test("a terminal knows whether it stands in a line", () => {
  const out = term(captured(true));
  expect(out.isMidLine).toBe(false);
  for (const [text, isMidLine] of [
    ["Once", true],
    ["", true],
    ["\n", false],
    [new TextEncoder().encode("a\nb"), true],
    [new TextEncoder().encode("b\n"), false],
  ] as const) {
    out.write(text);
    expect(out.isMidLine).toBe(isMidLine);
  }
});

test.each([
  ["Once", true, "\nll-inspect: "],
  ["Once\n", true, "ll-inspect: "],
  ["Once", false, "ll-inspect: "],
])("behind %j, on a terminal: %s", async (text, isTty, begin) => {
  const err = captured(isTty);
  const out = term(captured(isTty));
  out.write(text);
  expect(await run("ll-inspect", ["/nonexistent"], { out, err: term(err), env: {} })).toBe(4);
  expect(err.text().startsWith(begin)).toBe(true);
});

describeOnTerminal("standard input that is a terminal", () => {
  test("is said to be read", async () => {
    const program = startOnTerminal(["ll-tokenize", VOCAB], {});
    await program.sees("reading standard input: Ctrl-D at the start of a line ends it");
    program.type("Once\n\u0004");
    expect(await program.ended()).toBe(0);
  });
});
