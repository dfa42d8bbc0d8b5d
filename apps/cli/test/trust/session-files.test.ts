// Session files that are hostile, and that are written by two at once: rows SS05 to SS07 of the corpus of bad inputs. The other rows are
// tested where sessions are read, in @ll/llama.

import { readdirSync } from "node:fs";
import { chmod, copyFile, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { tinyModel } from "../../../../tools/tiny-model.ts";
import { type Outcome, runHere, runProcess, temporaryDirectory } from "../programs.ts";

const OPTIONS = ["-n", "6", "-t", "1", "-s", "1", "--temp", "0", "-c", "64", "-p", "Once upon a time"];

async function modelIn(directory: string): Promise<string> {
  const path = join(directory, "model.bin");
  await writeFile(path, await tinyModel("q4_0"));
  return path;
}

const withSession = (model: string, session: string): Promise<Outcome> =>
  runHere("ll-main", ["-m", model, ...OPTIONS, "--prompt-cache", session]);

test("SS05 after a bad session the same prompt gives the text that it gives without one", async () => {
  const directory = await temporaryDirectory();
  const model = await modelIn(directory);
  const session = join(directory, "session");
  const expected = await withSession(model, session);
  expect(expected.code).toBe(0);
  const good = await readFile(session);
  for (const bad of [
    good.subarray(0, 100),
    Buffer.concat([Buffer.from([1]), good.subarray(1)]),
    Buffer.concat([good, good]),
  ]) {
    await writeFile(session, bad);
    expect(await withSession(model, session)).toMatchObject({ code: 3, stdout: "" });
    expect(await readFile(session)).toEqual(bad);
    expect(await withSession(model, join(directory, "none"))).toMatchObject({ code: 0, stdout: expected.stdout });
  }
});

test("a session holds what was said: nobody but its owner may read it, also when it replaces one that all could read", async () => {
  const directory = await temporaryDirectory();
  const model = await modelIn(directory);
  const session = join(directory, "session");
  await withSession(model, session);
  expect((await stat(session)).mode & 0o777).toBe(0o600);
  await chmod(session, 0o644);
  await runHere("ll-main", ["-m", model, ...OPTIONS, "-p", "Another prompt", "--prompt-cache", session]);
  expect((await stat(session)).mode & 0o777).toBe(0o600);
});

test.each([
  ["a folder", "."],
  ["the folder above", ".."],
  ["a folder that is missing", "missing/session"],
  ["300 bytes", "s".repeat(300)],
  ["NUL", "a\0b"],
])("SS06 %s as the name of a session: a typed error, nothing is written", async (_name, name) => {
  const directory = await temporaryDirectory();
  const model = await modelIn(directory);
  const { code, stderr } = await withSession(model, `${directory}/${name}`);
  expect(code, stderr).toBe(4);
  expect(stderr).not.toContain("bug");
  expect(readdirSync(directory)).toEqual(["model.bin"]);
});

test("SS07 of two that save at once one wins, and the file is whole", async () => {
  const directory = await temporaryDirectory();
  const model = await modelIn(directory);
  const session = join(directory, "session");
  const argv = (prompt: string): string[] => [
    "ll-main",
    "-m",
    model,
    ...OPTIONS,
    "-p",
    prompt,
    "--prompt-cache",
    session,
  ];
  const outcomes = await Promise.all(["One day", "The dog"].map((prompt) => runProcess(argv(prompt))));
  expect(outcomes.map(({ code }) => code)).toEqual([0, 0]);
  const copies = ["One day", "The dog"].map((prompt, i) => ({ prompt, path: join(directory, `copy${i}`) }));
  const skipped = [];
  for (const { prompt, path } of copies) {
    await copyFile(session, path);
    const { code, stderr } = await runHere("ll-main", ["-m", model, ...OPTIONS, "-p", prompt, "--prompt-cache", path]);
    expect(code).toBe(0);
    skipped.push(/exact match|matches \d+/.test(stderr));
  }
  expect(skipped).toContain(true);
  expect(readdirSync(directory).filter((name) => name.endsWith(".part"))).toEqual([]);
});
