// What session files save, and when they are written.

import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { memorySink, memorySource } from "@ll/bytes";
import { createLoraWriter, openGgml } from "@ll/ggml-format";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { tinyModel } from "../../../../tools/tiny-model.ts";
import { runHere, temporaryDirectory } from "../programs.ts";

const directory = mkdtempSync(join(tmpdir(), "ll-sessions-"));
const model = join(directory, "model.bin");
beforeAll(async () => writeFileSync(model, await tinyModel("f16")));
afterAll(() => rmSync(directory, { recursive: true }));

const main = (...args: string[]) => runHere("ll-main", ["-m", model, "-t", "1", "-s", "1", "-n", "8", ...args]);
const ONCE = ["-p", "Once upon a time"];

describe("--prompt-cache", () => {
  test("a second run gives the same text without the prompt's evaluation", async () => {
    const path = join(await temporaryDirectory(), "session");
    const [first, second] = [await main(...ONCE, "--prompt-cache", path), await main(...ONCE, "--prompt-cache", path)];
    expect(second.stdout).toBe(first.stdout);
    expect(first.stderr).toMatch(/prompt eval time = .* \/ +5 tokens/);
    expect(second.stderr).toContain("main: session file has exact match for prompt!");
    expect(second.stderr).not.toMatch(/prompt eval time = .* \/ +5 tokens/);
  });

  test("a place that cannot be written is told before anything is evaluated, and nothing is left there", async () => {
    const folder = await temporaryDirectory();
    const { code, stdout, stderr } = await main(...ONCE, "--prompt-cache", join(folder, "missing", "session"));
    expect({ code, stdout }).toEqual({ code: 4, stdout: "" });
    expect(stderr).toContain("cannot write");
    expect(readdirSync(folder)).toEqual([]);
  });

  test("--prompt-cache-ro writes nothing", async () => {
    const path = join(await temporaryDirectory(), "session");
    await main(...ONCE, "--prompt-cache", path, "--prompt-cache-ro", "--prompt-cache-all");
    expect(existsSync(path)).toBe(false);
    await main(...ONCE, "--prompt-cache", path);
    const bytes = readFileSync(path);
    await main("-p", "The dog", "--prompt-cache", path, "--prompt-cache-ro");
    expect(readFileSync(path)).toEqual(bytes);
    await main("-p", "The dog", "--prompt-cache", path);
    expect(readFileSync(path)).not.toEqual(bytes);
  });

  test("--prompt-cache-all saves the answer too, and without a prompt goes on behind it", async () => {
    const path = join(await temporaryDirectory(), "session");
    const first = await main(...ONCE, "--prompt-cache", path, "--prompt-cache-all");
    const second = await main("--prompt-cache", path, "--temp", "0");
    expect(second.stderr).toContain("main: using full prompt from session file");
    expect(second.stdout.startsWith(first.stdout.slice(0, -10))).toBe(true);
  });

  test("--prompt-cache-all in a conversation is a usage error", async () => {
    const { code, stderr } = await main("--prompt-cache-all", "-i");
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: "ll-main: error: --prompt-cache-all not supported in interactive mode yet\n",
    });
  });

  test("a session of other weights with the same shapes is not used, and replaced", async () => {
    const folder = await temporaryDirectory();
    const [path, other] = [join(folder, "session"), join(folder, "other.bin")];
    const bytes = (await tinyModel("f16")).slice();
    for (const { type, dataOffset, byteLength } of (await openGgml(memorySource(bytes))).tensors) {
      for (let i = 1; type === "f16" && i < byteLength; i += 6) bytes[dataOffset + i] = bytes[dataOffset + i]! ^ 0x80;
    }
    writeFileSync(other, bytes);
    await main(...ONCE, "--prompt-cache", path);
    const run = (...args: string[]) => main(...ONCE, "-m", other, "--temp", "0", ...args);
    const plain = await run();
    for (const option of ["--prompt-cache-ro", "--prompt-cache-all", "--prompt-cache-all"]) {
      const { code, stdout, stderr } = await run("--prompt-cache", path, option);
      expect([code, stdout]).toEqual([0, plain.stdout]);
      const isRefused = stderr.includes(
        `main: the session in '${path}' is of another model with the same shape, or of another arithmetic: not used`,
      );
      expect(isRefused).toBe(!stderr.includes("main: session file "));
    }
    expect((await run("--prompt-cache", path)).stderr).toContain("main: session file ");
  });

  test("a session that does not say which model it is of is used, with a warning", async () => {
    const path = join(await temporaryDirectory(), "session");
    const silent = await main(...ONCE, "--prompt-cache", path, "--compat");
    expect((await main(...ONCE, "--prompt-cache", path, "--compat")).stderr).not.toContain("warning");
    const { stdout, stderr } = await main(...ONCE, "--prompt-cache", path);
    expect(stdout).toBe(silent.stdout);
    expect(stderr).toContain("main: warning: the session file does not say which model it is of");
    expect((await main(...ONCE, "--prompt-cache", path)).stderr).toContain("main: session file has exact match");
  });

  test("an adapter is another model", async () => {
    const folder = await temporaryDirectory();
    const [path, lora] = [join(folder, "session"), join(folder, "adapter.bin")];
    const sink = memorySink();
    const target = "layers.0.attention.wv.weight";
    const tensors = ["A", "B"].map((half) => ({ name: `${target}.lora${half}`, type: "f32", shape: [128, 1] }));
    const writer = await createLoraWriter(sink, { r: 1, alpha: 1, tensors });
    const ones = new Uint8Array(new Float32Array(128).fill(1).buffer);
    for (const { name } of tensors) await writer.writeTensor(name, [ones]);
    await writer.finish();
    writeFileSync(lora, sink.bytes());
    await main(...ONCE, "--prompt-cache", path);
    const { stderr } = await main(...ONCE, "--prompt-cache", path, "--lora", lora);
    expect(stderr).toContain("is of another model with the same shape, or of another arithmetic: not used");
  });

  test("a session of another model is refused", async () => {
    const path = join(await temporaryDirectory(), "session");
    await main(...ONCE, "--prompt-cache", path);
    const { code, stderr } = await main(...ONCE, "--prompt-cache", path, "--rope-freq-base", "20000");
    expect(code).toBe(3);
    expect(stderr).toContain(`main: error: failed to load session file '${path}'`);
  });
});
