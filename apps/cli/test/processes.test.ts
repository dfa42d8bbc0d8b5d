// What only a real process can show: signals, limits of the system, closed pipes, SIGKILL.

import type { ChildProcess } from "node:child_process";
import { existsSync, readdirSync, statSync } from "node:fs";
import { chmod, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { copyTiny, sha256File, writeGgjt, writeHf, writeSparseGgjt } from "./models.ts";
import { ended, runHere, runProcess, start, temporaryDirectory, UNPRIVILEGED } from "./programs.ts";

/** 512 MiB of weights: no machine quantises them before a signal arrives. */
const ROWS = 65_536;

/** Waits until the program has begun to write tensor data beside `target`. */
async function writing(directory: string, child: ChildProcess): Promise<void> {
  const isWriting = (): boolean =>
    readdirSync(directory).some((name) => name.endsWith(".part") && statSync(join(directory, name)).size > 100_000);
  while (!isWriting()) {
    if (child.exitCode !== null) throw new Error("the program ended before it could be interrupted");
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

describe.each([
  ["SIGINT", 130],
  ["SIGTERM", 143],
  ["SIGHUP", 129],
] as const)("CL08 %s", (signal, code) => {
  test("ll-quantize ends, the old file is intact and nothing else is left", async () => {
    const directory = await temporaryDirectory();
    const input = await writeSparseGgjt(join(directory, "in.bin"), ROWS);
    const out = join(directory, "out.bin");
    await writeFile(out, "old");
    const child = start(["ll-quantize", input, out, "q5_1"]);
    const outcome = ended(child);
    await writing(directory, child);
    child.kill(signal);
    expect(await outcome).toMatchObject({ code, signal: null });
    expect(readdirSync(directory).sort()).toEqual(["in.bin", "out.bin"]);
    expect(await readFile(out, "utf8")).toBe("old");
  });

  test("ll-convert ends and nothing is left", async () => {
    const directory = await temporaryDirectory();
    const model = await writeHf(join(directory, "m"), { type: "F32", nFf: 8192, nLayers: 400 });
    const child = start(["ll-convert", model, "--outfile", join(directory, "out.bin"), "--outtype", "f16"]);
    const outcome = ended(child);
    await writing(directory, child);
    child.kill(signal);
    expect(await outcome).toMatchObject({ code, signal: null, stdout: "" });
    expect(readdirSync(directory)).toEqual(["m"]);
  });
});

test("SIGKILL leaves the old file; the next run removes what was left and says so", async () => {
  const directory = await temporaryDirectory();
  const input = await writeSparseGgjt(join(directory, "in.bin"), ROWS);
  const out = join(directory, "out.bin");
  await writeFile(out, "old");
  const child = start(["ll-quantize", input, out, "q5_1"]);
  const outcome = ended(child);
  await writing(directory, child);
  child.kill("SIGKILL");
  expect(await outcome).toMatchObject({ signal: "SIGKILL" });
  expect(await readFile(out, "utf8")).toBe("old");
  const left = readdirSync(directory).filter((name) => name.endsWith(".part"));
  expect(left).toHaveLength(1);

  const small = await writeGgjt(join(directory, "small.bin"), [{ name: "a.weight", shape: [2, 32] }]);
  const next = await runHere("ll-quantize", [small, out, "q5_1"]);
  expect(next.code).toBe(0);
  expect(next.stderr).toContain(`removed the unfinished ${join(directory, left[0] as string)}\n`);
  expect(readdirSync(directory).sort()).toEqual(["in.bin", "out.bin", "small.bin"]);
  expect(await sha256File(out)).not.toBe(await sha256File(small));
});

test("a reader that closes its end early is no error to talk about, and leaves no file", async () => {
  const directory = await temporaryDirectory();
  const tensors = Array.from({ length: 2000 }, (_, i) => ({ name: `${i}.weight`, shape: [2, 32] }));
  const input = await writeGgjt(join(directory, "in.bin"), tensors);
  const child = start(["ll-quantize", input, join(directory, "out.bin"), "q4_0"]);
  let stderr = "";
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  child.stdout?.once("data", () => child.stdout?.destroy());
  const code = await new Promise((resolve) => child.on("close", resolve));
  expect(code).toBe(141);
  expect(stderr).not.toMatch(/EPIPE|error|bug/);
  expect(readdirSync(directory)).toEqual(["in.bin"]);
});

describe("CL05, CL10 limits of the system", () => {
  test("a file size limit: exit code 4, what was needed is said, the old file stays", async () => {
    const directory = await temporaryDirectory();
    const model = await writeHf(join(directory, "m"));
    const out = join(directory, "out.bin");
    await writeFile(out, "old");
    const outcome = await runProcess(["ll-convert", model, "--outfile", out], { shellPrefix: "ulimit -f 200; exec" });
    expect(outcome).toMatchObject({ code: 4, stdout: "" });
    expect(outcome.stderr).toMatch(/^ll-convert: cannot write .*out\.bin: File too large \(after \d+ of \d+ bytes\)$/m);
    expect(await readFile(out, "utf8")).toBe("old");
    expect(readdirSync(directory).sort()).toEqual(["m", "out.bin"]);
  });

  test("a directory that may not be written to: exit code 4", async () => {
    const directory = await temporaryDirectory();
    const model = await writeHf(join(directory, "m"));
    await chmod(model, 0o555);
    const outcome = await runProcess(["ll-convert", model], { shellPrefix: UNPRIVILEGED });
    await chmod(model, 0o755);
    expect(outcome).toMatchObject({ code: 4, stdout: "" });
    expect(outcome.stderr).toMatch(/^ll-convert: cannot write .*: Permission denied/m);
  });

  test.skipIf(!existsSync("/dev/full"))("a full disk under standard output: exit code 4", async () => {
    const outcome = await runProcess(["ll-quantize", "--help"], { shellPrefix: "exec >/dev/full;" });
    expect(outcome.code).toBe(4);
    expect(outcome.stderr).toMatch(/^cannot write to standard output: .*ENOSPC/);
  });

  test.each([
    // Node 26 itself does not start with 20
    ["few open files", { shellPrefix: "ulimit -n 32; exec" }],
    ["little memory", { nodeArgs: ["--max-old-space-size=64"] }],
    ["no columns and no locale", { env: { COLUMNS: "0", LANG: "C", LC_ALL: "C" } }],
  ])("%s", async (_name, options) => {
    const directory = await temporaryDirectory();
    const model = await copyTiny("hf", directory);
    const converted = await runProcess(["ll-convert", model], options);
    expect(converted).toMatchObject({ code: 0, stdout: `${model}/ggml-model-f16.bin\n` });
    const quantized = await runProcess(["ll-quantize", `${model}/ggml-model-f16.bin`, "q4_0"], options);
    expect(quantized.code, quantized.stderr).toBe(0);
    expect(await sha256File(`${model}/ggml-model-Q4_0.bin`)).toBe(
      "a32305333fb9fa6d2ace43b8a16a70c257c98b246a104e5d61cde87bd301540d",
    );
  });
});
