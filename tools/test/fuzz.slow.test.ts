// Some thousand inputs for every parser. More: pnpm fuzz -- --inputs 100000 --seconds 3600.

import { expect, test } from "vitest";
import { replay, runFuzz } from "../fuzz/supervisor.ts";
import { TARGETS } from "../fuzz/target.ts";

const INPUTS = 2000;
/** Much longer than they take: the count ends them, on a busy machine as well. */
const SECONDS = 1200;

test.for([...TARGETS.keys()])(
  "%s: nothing but results and typed errors",
  { timeout: 1000 * (SECONDS + 60) },
  async (target) => {
    const report = await runFuzz({ target, seconds: SECONDS, maxInputs: INPUTS });
    const finds = report.finds.map(({ what, input }) => `${what}\n${Buffer.from(input).toString("base64")}`);
    expect(finds).toEqual([]);
    // the seeds and at least something made of them were run, and led to something new
    expect(report.inputs).toBeGreaterThanOrEqual(INPUTS);
    expect(report.edges).toBeGreaterThan(10);
  },
);

test("a crash, a hang, a large array and a changed prototype are found", async () => {
  const whats = async (text: string) => {
    const report = await replay("self-test", new TextEncoder().encode(text));
    return report.finds.map(({ what }) => what.split("\n", 1)[0]);
  };
  expect(await whats("fine")).toEqual([]);
  expect(await whats("refused")).toEqual([]);
  expect(await whats("crash")).toEqual(["untyped TypeError: crash"]);
  expect(await whats("hang")).toEqual(["hang: no end after 1000 ms"]);
  // by the supervisor, or when it ended between two of its looks
  expect(await whats("slow")).toEqual([expect.stringMatching(/^hang: (no end|it ended) after/)]);
  // a full heap ends the worker, unless collecting garbage takes too long before
  expect(await whats("memory")).toEqual([expect.stringMatching(/^(the worker died|hang): /)]);
  expect(await whats("length")).toEqual(["asked for 2097152 bytes at once"]);
  expect(await whats("prototype")).toEqual(['Object.prototype has got "polluted"']);
});

test("coverage leads to what chance alone does not find", { timeout: 1000 * (SECONDS + 60) }, async () => {
  // five bytes in a row: one in 2^40 random inputs
  const report = await runFuzz({ target: "self-test", seconds: SECONDS, maxInputs: 2_000_000 });
  expect(report.finds.map(({ what }) => what.split("\n", 1)[0])).toContain("untyped Error: deep");
});
