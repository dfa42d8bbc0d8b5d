// What keys and values in q8_0 cost: perplexity of the tiny model over 20,000 tokens of Shakespeare.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { describeWithTestData, testData } from "../../../../tools/test-data.ts";
import { tinyModel } from "../../../../tools/tiny-model.ts";
import { runHere } from "../programs.ts";

const directory = mkdtempSync(join(tmpdir(), "ll-kv-"));
afterAll(() => rmSync(directory, { recursive: true }));

/** Of the text: a little more than 40 chunks of 512 tokens. */
const N_BYTES = 52_000;

describeWithTestData("perplexity", () => {
  test.each([[[]], [["--arithmetic", "lanes"]]])("q8_0 is within half a percent of f16 %j", async (more) => {
    const [model, text] = [join(directory, "f16.bin"), join(directory, "text.txt")];
    writeFileSync(model, await tinyModel("f16"));
    writeFileSync(text, readFileSync(testData("text/tinyshakespeare.txt")).subarray(0, N_BYTES));
    const perplexity = async (...cache: string[]): Promise<number> => {
      const argv = ["-m", model, "-f", text, "-c", "512", "-t", "2", "--json", ...more, ...cache];
      const { code, stdout } = await runHere("ll-perplexity", argv);
      expect(code).toBe(0);
      const report = JSON.parse(stdout);
      expect(report.windows.length * 512).toBeGreaterThan(20_000);
      return report.value;
    };
    const f16 = await perplexity();
    const q8 = await perplexity("--cache-type-k", "q8_0", "--cache-type-v", "q8_0");
    expect(q8).not.toBe(f16);
    expect(Math.abs(q8 / f16 - 1)).toBeLessThan(0.005);
  });
});
