// The first 40 windows of WikiText, scored by three workers: to the byte what ll-perplexity prints.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { describeWithTestData, testData } from "../../../tools/test-data.ts";
import { finishProgram, modelFile, runHere, start, temporaryFolder } from "./support/programs.ts";
import { describeWithRedis, startRedis } from "./support/redis.ts";

const CLI = join(import.meta.dirname, "../../cli/src/bin.ts");
const WINDOWS = 40;
/** As many of the text as these windows have, and some. */
const BYTES = 100_000;

describeWithTestData("WikiText", () => {
  describeWithRedis("by a queue", () => {
    test(`${WINDOWS} windows on three workers`, async () => {
      const folder = temporaryFolder();
      const model = await modelFile(folder);
      const corpus = folder.write("wiki.test.raw", readFileSync(testData("text/wiki.test.raw")).subarray(0, BYTES));
      const server = await startRedis(folder);
      const options = ["-m", model, "-c", "512"];
      const work = [
        "work",
        "--kind",
        "perplexity",
        ...options,
        "-t",
        "1",
        "--queue",
        server.url,
        "--drain-seconds",
        "3600",
      ];
      const workers = ["one", "two", "three"].map((name) => start([...work, "--name", name]));
      for (const { err } of workers) await expect.poll(err, { timeout: 100_000 }).toMatch(/(one|two|three) works: /);
      const chunks = ["--chunks", String(WINDOWS), "--chunk-windows", "2"];
      const args = ["perplexity", corpus, ...options, ...chunks, "--no-progress"];
      const { code, out } = await runHere([...args, "--queue", server.url]);
      const golden = await finishProgram(CLI, ["perplexity", ...options, "-f", corpus, ...chunks.slice(0, 2)]);
      expect(golden.out).toMatch(/^(\[\d+\]\d+\.\d{4},){40}\n$/);
      expect({ code, out }).toEqual({ code: 0, out: golden.out });
      for (const { child, ended, err } of workers) {
        child.kill("SIGTERM");
        expect(await ended).toBe(0);
        expect(err()).toMatch(/windows? \d+/); // each had some
      }
      await server.stop();
      folder.remove();
    });
  });
});
