// ll-main on GGUF files: the text of the same model as ggjt, parameters out of the file, options before them.

import { readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { memorySink, memorySource } from "@ll/bytes";
import { contentsOfGgml, convertCheckpoint, type GgmlUnstored } from "@ll/convert";
import { openGgml } from "@ll/ggml-format";
import { createGgufWriter } from "@ll/gguf";
import { describe, expect, test } from "vitest";
import { tinyModel } from "../../../../tools/tiny-model.ts";
import { splitInTwo } from "../gguf-model.ts";
import { runHere, temporaryDirectory } from "../programs.ts";

const PROMPT = ["-p", "Once upon a time", "-n", "40", "-s", "3", "--temp", "0", "-t", "1"];
/** In the arithmetic of ggjt files. */
const RUN = [...PROMPT, "--arithmetic", "build803"];

async function files(unstored: GgmlUnstored = {}): Promise<{ ggjt: string; gguf: string }> {
  const directory = await temporaryDirectory();
  const bytes = await tinyModel("q4_0");
  const sink = memorySink();
  const contents = contentsOfGgml(await openGgml(memorySource(bytes)), unstored);
  await convertCheckpoint({ ...contents, outType: "stored", container: "gguf" }, sink);
  const [ggjt, gguf] = [join(directory, "m.bin"), join(directory, "m.gguf")];
  await writeFile(ggjt, bytes);
  await writeFile(gguf, sink.bytes());
  return { ggjt, gguf };
}

async function run(model: string, ...options: string[]): Promise<{ stdout: string; stderr: string }> {
  const { code, stdout, stderr } = await runHere("ll-main", ["-m", model, ...RUN, ...options]);
  expect(code, stderr).toBe(0);
  return { stdout, stderr };
}

test("the same text, and the same lines about the model but for its format", async () => {
  const { ggjt, gguf } = await files();
  const [a, b] = [await run(ggjt), await run(gguf)];
  expect(b.stdout).toBe(a.stdout);
  expect(a.stdout.length).toBeGreaterThan("Once upon a time".length);
  const about = (stderr: string): string[] => stderr.match(/^llama_(?!print_timings).*$/gm) ?? [];
  expect(about(b.stderr)[0]).toBe("llama_model_load_internal: format     = gguf v3");
  expect(about(b.stderr).slice(1)).toEqual(about(a.stderr).slice(1));
});

describe("the arithmetic", () => {
  test("is that of the container, unless an option says otherwise", async () => {
    const { ggjt, gguf } = await files();
    const of = async (...args: string[]): Promise<string | undefined> => {
      const { code, stderr } = await runHere("ll-main", [...PROMPT, ...args]);
      expect(code, stderr).toBe(0);
      return /ARITHMETIC = (\w+)/.exec(stderr)?.[1];
    };
    expect(await of("-m", ggjt)).toBe("build803");
    expect(await of("-m", gguf)).toBe("lanes");
    expect(await of("-m", ggjt, "--arithmetic", "lanes")).toBe("lanes");
    expect(await of("-m", gguf, "--arithmetic=build803")).toBe("build803");
  });

  test("is seen in figures", async () => {
    const { ggjt, gguf } = await files();
    const promptFile = join(await temporaryDirectory(), "text.txt");
    await writeFile(promptFile, "Once upon a time there was a cat. ".repeat(20));
    const figures = async (...args: string[]): Promise<string> => {
      const { code, stdout, stderr } = await runHere("ll-perplexity", ["-f", promptFile, "-c", "32", ...args]);
      expect(code, stderr).toBe(0);
      return stdout;
    };
    const inLanes = await figures("-m", gguf);
    expect(await figures("-m", ggjt, "--arithmetic", "lanes")).toBe(inLanes);
    expect(await figures("-m", ggjt)).not.toBe(inLanes);
    expect(await figures("-m", gguf, "--arithmetic", "build803")).toBe(await figures("-m", ggjt));
  });

  test("of another name is refused", async () => {
    const { code, stderr } = await runHere("ll-main", [...PROMPT, "--arithmetic", "avx2"]);
    expect(code).toBe(2);
    expect(stderr).toContain("expected build803 or lanes, got avx2");
  });

  test("decides whether a prompt's cache may be used", async () => {
    const { gguf } = await files();
    const cache = join(await temporaryDirectory(), "cache");
    const cached = async (...args: string[]): Promise<string> =>
      (await runHere("ll-main", [...PROMPT, "-m", gguf, "--prompt-cache", cache, ...args])).stderr;
    await cached();
    expect(await cached()).toMatch(/session file has exact match|loaded a session/);
    expect(await cached("--arithmetic", "build803")).toContain("of another arithmetic: not used");
  });
});

describe("parameters", () => {
  test("of the file are those that options would give", async () => {
    const { ggjt, gguf } = await files({ normEps: 0.5, ropeFreqBase: 500, ropeFreqScale: 0.25 });
    const given = await run(ggjt, "-eps", "0.5", "--rope-freq-base", "500", "--rope-freq-scale", "0.25");
    const plain = await run(ggjt);
    expect(given.stdout).not.toBe(plain.stdout);
    const stored = await run(gguf);
    expect(stored.stdout).toBe(given.stdout);
    expect(stored.stderr).toContain("llama_model_load_internal: rnorm_eps  = 5.0e-01");
  });

  test("of options go first, also where they are what build 803 takes for granted", async () => {
    const { ggjt, gguf } = await files({ normEps: 0.5, ropeFreqBase: 500, ropeFreqScale: 0.25 });
    const options = ["-eps", "1e-6", "--rope-freq-base", "10000", "--rope-freq-scale", "1"];
    expect((await run(gguf, ...options)).stdout).toBe((await run(ggjt)).stdout);
  });
});

test("a model in two files", async () => {
  const { ggjt, gguf } = await files();
  const stem = gguf.replace(".gguf", "");
  await splitInTwo(new Uint8Array(await readFile(gguf)), stem);
  expect((await run(`${stem}-00001-of-00002.gguf`)).stdout).toBe((await run(ggjt)).stdout);
  await rename(`${stem}-00002-of-00002.gguf`, `${stem}-gone`);
  const { code, stderr } = await runHere("ll-main", ["-m", `${stem}-00001-of-00002.gguf`, ...RUN]);
  expect(code).toBe(4);
  expect(stderr).toContain("00002-of-00002.gguf: No such file or directory");
});

test("a file that is no LLaMA: what it is, and code 3", async () => {
  const sink = memorySink();
  const writer = await createGgufWriter(sink, {
    metadata: new Map([["general.architecture", { type: "string", value: "falcon" }]]),
    tensors: [],
  });
  await writer.finish();
  const path = join(await temporaryDirectory(), "falcon.gguf");
  await writeFile(path, sink.bytes());
  const { code, stderr } = await runHere("ll-main", ["-m", path, ...RUN]);
  expect(code).toBe(3);
  expect(stderr).toContain("general.architecture is falcon, expected llama");
  expect(stderr).toContain("main: error: unable to load model");
});
