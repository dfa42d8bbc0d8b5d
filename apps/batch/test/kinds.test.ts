// Windows and files through a real Redis: two workers, and what comes of it is what one process makes.

import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { fixture } from "../../../tools/test-data.ts";
import { tinyModel } from "../../../tools/tiny-model.ts";
import { type Folder, modelFile, type Program, runHere, start, temporaryFolder } from "./support/programs.ts";
import { describeWithRedis, type RedisServer, startRedis } from "./support/redis.ts";

describeWithRedis("by a queue", () => {
  let folder: Folder;
  let server: RedisServer;
  let model: string;

  beforeAll(async () => {
    folder = temporaryFolder();
    server = await startRedis(folder);
    model = await modelFile(folder);
  });
  afterAll(async () => {
    await server.stop();
    folder.remove();
  });

  /** Lets two processes work meanwhile. */
  async function withWorkers<T>(args: readonly string[], work: () => Promise<T>): Promise<T> {
    const workers: Program[] = ["one", "two"].map((name) =>
      // who has nothing to finish takes none of that time
      start(["work", ...args, "--queue", server.url, "--name", name, "--drain-seconds", "3600"]),
    );
    for (const { err } of workers) await expect.poll(err, { timeout: 100_000 }).toMatch(/(one|two) works: /);
    const done = await work();
    for (const { child } of workers) child.kill("SIGTERM");
    for (const { ended } of workers) expect(await ended).toBe(0);
    return done;
  }

  test("the text of a perplexity is the same", async () => {
    const corpus = folder.write("corpus.txt", readFileSync(fixture("tiny/TRAINING.md"), "utf8"));
    const options = ["-m", model, "-c", "64"];
    const args = ["perplexity", corpus, ...options, "--chunks", "12", "--no-progress", "--quiet", "--json"];
    const golden = await runHere(args);
    expect(golden).toMatchObject({ code: 0, err: "" });
    const run = () => runHere([...args, "--queue", server.url, "--chunk-windows", "1"]);
    expect(await withWorkers(["--kind", "perplexity", ...options, "-t", "1"], run)).toEqual(golden);
  });

  test("files are complete, and the same", async () => {
    const out = folder.path("out");
    mkdirSync(out);
    const input = folder.write("tiny-f16.bin", await tinyModel("f16"));
    const args = ["quantize", input, "--types", "q4_0,q5_1", "--out", out, "--quiet", "--queue", server.url];
    const { code, out: said } = await withWorkers(["--kind", "files"], () => runHere(args));
    expect({ code, said }).toEqual({
      code: 0,
      said: ["q4_0", "q5_1"].map((t) => `${join(out, `tiny-${t}.bin`)}\n`).join(""),
    });
    expect(readdirSync(out)).toEqual(["tiny-q4_0.bin", "tiny-q5_1.bin"]);
    for (const type of ["q4_0", "q5_1"] as const) {
      expect(Buffer.compare(readFileSync(join(out, `tiny-${type}.bin`)), await tinyModel(type))).toBe(0);
    }
  });
});
