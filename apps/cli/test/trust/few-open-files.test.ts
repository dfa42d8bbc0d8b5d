// CL10 with workers: each needs files of its own while it starts, and the system may refuse any of them.

import { existsSync, readdirSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { tinyModel } from "../../../../tools/tiny-model.ts";
import { writeSparseGgjt } from "../models.ts";
import { runProcess, temporaryDirectory } from "../programs.ts";

// Node 26 itself does not start with 21. Which file is the one too many differs from run to run.
const LIMITS = [24, 26, 28, 30, 32, 34];

/** Neither a stack nor a warning of Node, and no talk of a bug: the reason, in one line. */
function expectReason(stderr: string): void {
  expect(stderr).toMatch(/too many open files|EMFILE/i);
  expect(stderr).not.toMatch(/^ {4}at |Warning|bug/m);
}

describe.each(LIMITS)("CL10 %i open files", (limit) => {
  const shellPrefix = `ulimit -n ${limit}; exec`;

  test("ll-quantize with more workers than it can start: exit code 4, no file is left", async () => {
    const directory = await temporaryDirectory();
    const input = await writeSparseGgjt(join(directory, "in.bin"), 16_384); // enough for six workers
    const { code, stderr } = await runProcess(["ll-quantize", input, join(directory, "out.bin"), "q6_K", "64"], {
      shellPrefix,
    });
    expect(code, stderr).toBe(4);
    expectReason(stderr);
    expect(readdirSync(directory)).toEqual(["in.bin"]);
  });

  test("ll-main with more workers than it can start: exit code 4", async () => {
    const model = join(await temporaryDirectory(), "model.bin");
    await writeFile(model, await tinyModel("q4_0"));
    const argv = ["ll-main", "-m", model, "-n", "1", "-t", "64", "-s", "1", "-p", "Once"];
    const { code, stdout, stderr } = await runProcess(argv, { shellPrefix });
    expect({ code, stdout }, stderr).toEqual({ code: 4, stdout: "" });
    expectReason(stderr);
  });

  test("ll-convert, which starts none: the file or exit code 4", async () => {
    const directory = await temporaryDirectory();
    const model = join(directory, "in.bin");
    await writeFile(model, await tinyModel("f16"));
    const out = join(directory, "out.gguf");
    const { code, stderr } = await runProcess(["ll-convert", model, "--outfile", out], { shellPrefix });
    if (code !== 0) {
      expect(code, stderr).toBe(4);
      expectReason(stderr);
    }
    expect(existsSync(out)).toBe(code === 0);
    expect(readdirSync(directory)).toHaveLength(code === 0 ? 2 : 1);
  });
});
