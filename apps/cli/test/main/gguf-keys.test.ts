// Keys of a GGUF file that nothing reads: told where they may matter, refused where they do.

import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { WritableValue } from "@ll/gguf";
import { expect, test } from "vitest";
import { tinyGguf, withKeys } from "../gguf-model.ts";
import { runHere, temporaryDirectory } from "../programs.ts";

async function fileWith(changes: Record<string, WritableValue | undefined>): Promise<string> {
  const path = join(await temporaryDirectory(), "m.gguf");
  await writeFile(path, await withKeys(await tinyGguf(), changes));
  return path;
}

const RUN = ["-p", "Once", "-n", "1", "-s", "3", "-t", "1"];
const trick = { "llama.new_trick": { type: "f32", value: 0.5 } } as const;
const harmless = { "llama.pooling_type": { type: "u32", value: 2 } } as const;

test("a key that may matter gives one warning that names it, and the model runs", async () => {
  const path = await fileWith({ ...trick, ...harmless });
  const { code, stderr } = await runHere("ll-main", ["-m", path, ...RUN]);
  expect(code).toBe(0);
  expect(stderr.match(/.*warning.*/g)).toEqual([
    expect.stringMatching(/^llama_model_load_internal: warning: 'llama.new_trick' is not read/),
  ]);
  const bench = await runHere("ll-bench", [path, "-p", "4", "-n", "0", "-r", "1", "-t", "1,1", "--no-progress"]);
  expect([bench.code, bench.stderr]).toEqual([0, expect.stringContaining("warning: 'llama.new_trick' is not read")]);
  expect(bench.stderr.match(/new_trick/g)).toHaveLength(1);
});

test("a key that changes the arithmetic is refused", async () => {
  const path = await fileWith({ "llama.attention.scale": { type: "f32", value: 0.5 } });
  const { code, stderr } = await runHere("ll-main", ["-m", path, ...RUN]);
  expect(code).toBe(3);
  expect(stderr).toContain("this kind of model is not supported: llama.attention.scale is 0.5, expected 0");
});

test("ll-inspect lists all that are not read", async () => {
  const path = await fileWith({ ...trick, ...harmless });
  const { stdout } = await runHere("ll-inspect", [path]);
  expect(stdout).toContain("not read: llama.new_trick\nnot read: llama.pooling_type\n");
  const { stdout: json } = await runHere("ll-inspect", [path, "--json"]);
  expect(JSON.parse(json).unread).toEqual(["llama.new_trick", "llama.pooling_type"]);
});

test("ll-convert warns as well", async () => {
  const path = await fileWith(trick);
  const { code, stderr } = await runHere("ll-convert", [path, "--outfile", `${path}.bin`]);
  expect([code, stderr]).toEqual([0, expect.stringContaining("warning: 'llama.new_trick' is not read")]);
});
