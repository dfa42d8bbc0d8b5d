// What the command line itself is given: rows CL01 to CL11 of the corpus of bad inputs that are not in files beside this one.

import { existsSync, readdirSync } from "node:fs";
import { mkdir, readFile, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { tinyModel } from "../../../../tools/tiny-model.ts";
import { sha256File, writeGgjt, writeHf } from "../models.ts";
import { ended, runHere, runProcess, start, temporaryDirectory } from "../programs.ts";

async function tinyFile(directory: string): Promise<string> {
  const path = join(directory, "tiny.bin");
  await writeFile(path, await tinyModel("q4_0"));
  return path;
}

/** A short greedy text. */
const SHORT = ["-n", "4", "-t", "1", "-s", "1", "--temp", "0", "-p", "Once"];

describe("CL01", () => {
  test.each([
    ["ll-main", ["--frobnicate"]],
    ["ll-main", ["-m"]],
    ["ll-convert", ["--frobnicate"]],
    ["ll-convert", ["x", "--outfile"]],
    ["ll-quantize", ["--frobnicate", "x"]],
    ["ll-inspect", ["--ctx-size"]],
  ])("%s %j is a usage error", async (bin, argv) => {
    const { code, stderr } = await runHere(bin, argv);
    expect(code).toBe(2);
    expect(stderr).toMatch(/usage|error/);
  });

  test("of the same flag given twice the later wins", async () => {
    const model = await tinyFile(await temporaryDirectory());
    const expected = await runHere("ll-main", ["-m", model, ...SHORT, "-n", "2"]);
    expect(expected.code).toBe(0);
    expect(await runHere("ll-main", ["-m", model, ...SHORT])).not.toMatchObject({ stdout: expected.stdout });
    expect(await runHere("ll-main", ["-m", model, "-n", "9", ...SHORT, "-n", "2"])).toMatchObject({
      stdout: expected.stdout,
    });
  });
});

describe("CL02, CL03", () => {
  test.each([
    ["CL02", "-t", "x2"],
    ["CL02", "-n", "many"],
    ["CL02", "-c", "x"],
    ["CL02", "-c", "1000000000000"],
    ["CL02", "-t", "1e9"],
    ["CL02", "-n", "1.5"],
    ["CL03", "--temp", "nan"],
    ["CL03", "--temp", "inf"],
    ["CL03", "--repeat-penalty", "0"],
    ["CL03", "--repeat-penalty", "nan"],
    ["CL03", "--seed", "18446744073709551616"],
  ])("%s %s %s is a usage error", async (_row, name, value) => {
    const { code, stdout, stderr } = await runHere("ll-main", ["-m", "model.bin", name, value]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toMatch(/error: invalid parameter/);
  });

  test("CL02 a context that no memory holds is refused before memory is asked for", async () => {
    const model = await tinyFile(await temporaryDirectory());
    const { code, stdout, stderr } = await runHere("ll-main", ["-m", model, ...SHORT, "-c", "2000000000"]);
    expect({ code, stdout }).toEqual({ code: 4, stdout: "" });
    expect(stderr).toMatch(/no memory for a context of 2000000000 tokens: \d+ bytes are needed/);
  });

  test.each([
    ["CL02", "-t", "0"],
    ["CL02", "-t", "-3"],
    ["CL03", "--temp", "0"],
    ["CL03", "--temp", "-1"],
    ["CL03", "--top-p", "1.5"],
    ["CL03", "--top-k", "0"],
  ])("%s %s %s switches something off, as build 803 has it", async (_row, name, value) => {
    const model = await tinyFile(await temporaryDirectory());
    expect(await runHere("ll-main", ["-m", model, ...SHORT, name, value])).toMatchObject({ code: 0 });
  });
});

describe("CL05", () => {
  test.each([
    ["an output in a folder that is missing", "missing/out.bin", /No such file or directory/],
    ["an output that is a folder", "folder", /folder|directory/i],
  ])("%s: exit code 4, nothing is left", async (_name, target, message) => {
    const directory = await temporaryDirectory();
    await mkdir(join(directory, "folder"));
    const input = await writeGgjt(join(directory, "in.bin"), [{ name: "a.weight", shape: [2, 32] }]);
    const { code, stderr } = await runHere("ll-quantize", [input, join(directory, target), "q4_0"]);
    expect(code, stderr).toBe(4);
    expect(stderr).toMatch(message);
    expect(readdirSync(directory).sort()).toEqual(["folder", "in.bin"]);
  });

  test("an output that exists is replaced, or refused with --no-clobber", async () => {
    const directory = await temporaryDirectory();
    const input = await writeGgjt(join(directory, "in.bin"), [{ name: "a.weight", shape: [2, 32] }]);
    const out = join(directory, "out.bin");
    await writeFile(out, "old");
    expect((await runHere("ll-quantize", ["--no-clobber", input, out, "q4_0"])).code).toBe(1);
    expect(await readFile(out, "utf8")).toBe("old");
    expect((await runHere("ll-quantize", [input, out, "q4_0"])).code).toBe(0);
    expect((await readFile(out)).subarray(0, 4).toString("latin1")).toBe("tjgg");
  });
});

describe("CL06", () => {
  test("a prompt file of 1 GB is refused by its size", async () => {
    const directory = await temporaryDirectory();
    const model = await tinyFile(directory);
    await writeFile(join(directory, "prompt"), "");
    await truncate(join(directory, "prompt"), 2 ** 30);
    const { code, stdout, stderr } = await runHere("ll-main", ["-m", model, ...SHORT, "-f", join(directory, "prompt")]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toContain("a text of more than 268435456 bytes");
  });

  test("a closed standard input ends a conversation", async () => {
    const model = await tinyFile(await temporaryDirectory());
    const { code, stderr } = await runProcess(["ll-main", "-m", model, ...SHORT, "-i"], { shellPrefix: "exec <&-;" });
    expect(code, stderr).toBe(0);
  });

  test("a prompt file that is no text is taken byte by byte", async () => {
    const directory = await temporaryDirectory();
    const model = await tinyFile(directory);
    await writeFile(join(directory, "prompt"), Uint8Array.of(0xff, 0, 0x1b, 0x5d, 0x80));
    expect(await runHere("ll-main", ["-m", model, ...SHORT, "-f", join(directory, "prompt")])).toMatchObject({
      code: 0,
    });
  });

  test("a reader of standard output that closes its end early ends the program without a word", async () => {
    const model = await tinyFile(await temporaryDirectory());
    const child = start(["ll-main", "-m", model, ...SHORT, "-n", "100000", "--ignore-eos"]);
    const outcome = ended(child);
    child.stdout?.once("data", () => child.stdout?.destroy());
    const { code, stderr } = await outcome;
    expect(code).toBe(141);
    expect(stderr).not.toMatch(/EPIPE|bug/);
  });
});

describe("CL07", () => {
  test.each([
    ["an escape sequence", "\x1b]0;title\x07.bin"],
    ["a line end", "a\nll-quantize: all is well"],
    ["4096 bytes", "x".repeat(4096)],
    ["emoji", "👩‍🚀.bin"],
  ])("%s in an argument is shown inert", async (_name, path) => {
    const { code, stderr } = await runHere("ll-quantize", [path, "q4_0"]);
    expect(code).toBe(4);
    expect(stderr).not.toContain("\x1b");
    expect(stderr).not.toMatch(/^ll-quantize: all is well/m);
    expect(stderr.length).toBeLessThan(500 + 3 * path.length); // build 803's first lines name the file too
  });

  test("behind -- an argument may begin with a dash", async () => {
    const directory = await temporaryDirectory();
    await writeGgjt(join(directory, "-in.bin"), [{ name: "a.weight", shape: [2, 32] }]);
    const { code, stderr } = await runProcess(["ll-quantize", "--", "-in.bin", "-out.bin", "q4_0"], { cwd: directory });
    expect(code, stderr).toBe(0);
    expect(existsSync(join(directory, "-out.bin"))).toBe(true);
  });
});

describe("CL09", () => {
  test("a file that is quantised already, and a type that is none", async () => {
    const directory = await temporaryDirectory();
    const model = await tinyFile(directory);
    const before = await sha256File(model);
    expect((await runHere("ll-quantize", [model, join(directory, "out.bin"), "q4_1"])).code).toBe(1);
    expect((await runHere("ll-quantize", [model, join(directory, "out.bin"), "q9_9"])).code).toBe(2);
    expect(readdirSync(directory)).toEqual(["tiny.bin"]);
    expect(await sha256File(model)).toBe(before);
  });

  test("a folder without weights", async () => {
    const directory = await temporaryDirectory();
    const { code, stdout } = await runHere("ll-convert", [directory]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(readdirSync(directory)).toEqual([]);
  });

  test("of .pth and safetensors together safetensors win, and one line says so", async () => {
    const model = await writeHf(join(await temporaryDirectory(), "m"));
    await writeFile(join(model, "pytorch_model.bin"), "no weights");
    const { code, stderr } = await runHere("ll-convert", [model]);
    expect(code, stderr).toBe(0);
    expect(stderr).toMatch(/^.*safetensors.*pytorch_model\.bin.*$|^.*pytorch_model\.bin.*safetensors.*$/m);
  });
});
