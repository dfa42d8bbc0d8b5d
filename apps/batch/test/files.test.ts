// ll-batch quantize and convert: the bytes of ll-quantize and ll-convert, files that are there whole or not at all.

import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { fixture } from "../../../tools/test-data.ts";
import { tinyModel } from "../../../tools/tiny-model.ts";
import { type Folder, finishProgram, runHere, start, temporaryFolder } from "./support/programs.ts";

const CLI = join(import.meta.dirname, "../../cli/src/bin.ts");
let folder: Folder;
let out: string;

beforeAll(async () => {
  folder = temporaryFolder();
  out = folder.path("out");
  folder.write("tiny-f16.bin", await tinyModel("f16"));
  folder.write("broken.bin", "no model");
});
afterAll(() => folder.remove());

const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");
const fresh = (): void => {
  rmSync(out, { recursive: true, force: true });
  mkdirSync(out);
};

describe("quantize", () => {
  const quantize = (...args: string[]) => runHere(["quantize", ...args, "--out", out, "--no-progress"]);

  test("makes each file in each type", async () => {
    fresh();
    const run = await quantize(folder.path("tiny-f16.bin"), "--types", "q4_0,q5_1");
    const paths = ["tiny-q4_0.bin", "tiny-q5_1.bin"].map((name) => join(out, name));
    expect(run).toEqual({ code: 0, out: paths.map((path) => `${path}\n`).join(""), err: "" });
    expect(readdirSync(out)).toEqual(["tiny-q4_0.bin", "tiny-q5_1.bin"]);
    for (const [i, type] of (["q4_0", "q5_1"] as const).entries()) {
      expect(sha256(readFileSync(paths[i]!)), type).toBe(sha256(await tinyModel(type)));
    }
  });

  test("killed between files and within one, it leaves whole files alone, and goes on", async () => {
    fresh();
    const types = ["q4_0", "q4_1", "q5_0", "q5_1", "q8_0"] as const;
    const args = ["quantize", folder.path("tiny-f16.bin"), "--types", types.join(","), "--out", out, "--no-progress"];
    const made = () => (existsSync(out) ? readdirSync(out).filter((name) => name.endsWith(".bin")).length : 0);
    for (let n = 1; n < 3; n++) {
      const program = start(args);
      await expect.poll(made, { interval: 1, timeout: 100_000 }).toBeGreaterThanOrEqual(n);
      program.child.kill("SIGKILL");
      await program.ended;
      for (const type of types) {
        const path = join(out, `tiny-${type}.bin`);
        if (existsSync(path)) expect(sha256(readFileSync(path)), type).toBe(sha256(await tinyModel(type)));
      }
    }
    expect((await runHere(args)).code).toBe(0);
    expect(readdirSync(out)).toEqual(types.map((type) => `tiny-${type}.bin`));
    for (const type of types) {
      expect(sha256(readFileSync(join(out, `tiny-${type}.bin`))), type).toBe(sha256(await tinyModel(type)));
    }
  });

  test("a file that is none is told, and the others are made", async () => {
    fresh();
    const run = await quantize(folder.path("broken.bin"), folder.path("tiny-f16.bin"), "--types", "q8_0");
    expect(run.code).toBe(1);
    expect(run.out).toBe(`${join(out, "tiny-q8_0.bin")}\n`);
    expect(run.err).toMatch(/broken-q8_0\.bin: .*failed to quantize/);
    expect(readdirSync(out)).toEqual(["tiny-q8_0.bin"]);
  });

  test("a command line that is not understood is refused", async () => {
    fresh();
    const model = folder.path("tiny-f16.bin");
    expect(await quantize(model)).toMatchObject({ code: 2, err: expect.stringContaining("expected --types") });
    expect(await quantize("--types", "q4_0")).toMatchObject({
      code: 2,
      err: expect.stringContaining("expected files"),
    });
    expect(await quantize(model, model, "--types", "q4_0")).toMatchObject({
      code: 2,
      err: expect.stringContaining("two files would be"),
    });
    expect(await quantize(`${model}.no`, "--types", "q4_0")).toMatchObject({ code: 4 });
    const nowhere = await runHere(["quantize", model, "--types", "q4_0", "--out", folder.path("nowhere")]);
    expect(nowhere).toMatchObject({ code: 2, err: expect.stringContaining("a folder that is there") });
    expect(readdirSync(out)).toEqual([]);
  });
});

test("convert makes what ll-convert makes", async () => {
  fresh();
  const golden = folder.path("golden.gguf");
  const checkpoint = fixture("tiny/hf");
  expect((await finishProgram(CLI, ["convert", "--outtype", "f16", "--outfile", golden, checkpoint])).code).toBe(0);
  const run = await runHere(["convert", checkpoint, "--outtype", "f16", "--out", out, "--no-progress"]);
  expect(run).toEqual({ code: 0, out: `${join(out, "hf.gguf")}\n`, err: "" });
  expect(readdirSync(out)).toEqual(["hf.gguf"]);
  expect(sha256(readFileSync(join(out, "hf.gguf")))).toBe(sha256(readFileSync(golden)));
});
