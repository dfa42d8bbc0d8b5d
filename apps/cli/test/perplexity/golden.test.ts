import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { describeWithTestData, testData } from "../../../../tools/test-data.ts";
import { runHere } from "../programs.ts";

interface RecordedRun {
  readonly model: string;
  readonly args: readonly string[];
  readonly file?: string;
  readonly stdout: string;
}

describeWithTestData("identical to build 803", () => {
  const recorded = JSON.parse(readFileSync(testData("golden/stories260k-perplexity-embedding.json"), "utf8"));
  const runs = (tool: string): [string, string, string, RecordedRun][] =>
    recorded[tool].map((run: RecordedRun) => [tool, run.model, run.args.join(" "), run]);

  it("has all recorded runs", () => {
    expect([runs("perplexity").length, runs("embedding").length]).toEqual([12, 2]);
  });

  it.each([...runs("perplexity"), ...runs("embedding")])("ll-%s %s %s", async (tool, model, _args, run) => {
    const path = testData(`models/stories260k/ggjt/${model}.bin`);
    const file = run.file === undefined ? [] : ["-f", testData(run.file)];
    const result = await runHere(`ll-${tool}`, ["-m", path, "-t", "1", ...run.args, ...file]);
    expect(result.stdout).toBe(run.stdout);
    expect(result.code).toBe(0);
  });
});
