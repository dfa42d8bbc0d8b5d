// Some seconds of fuzzing for every parser. Longer: pnpm fuzz -- --seconds 600.

import { expect, test } from "vitest";
import { replay, runFuzz } from "../fuzz/supervisor.ts";
import { TARGETS } from "../fuzz/target.ts";

const SECONDS = Number(process.env["LL_FUZZ_SECONDS"] ?? 5);

/** Targets that use what was parsed are counted in inputs: how many they get done depends on the machine. */
const USES = 2000;
const USE_SECONDS = 1200; // much longer than they take: the count ends them

test.for([...TARGETS.keys()])(
  "%s: nothing but results and typed errors",
  { timeout: 1000 * (Math.max(SECONDS, USE_SECONDS) + 60) },
  async (target) => {
    const isUse = target.startsWith("use-");
    const report = await runFuzz(
      isUse ? { target, seconds: Math.max(SECONDS, USE_SECONDS), maxInputs: USES } : { target, seconds: SECONDS },
    );
    const finds = report.finds.map(({ what, input }) => `${what}\n${Buffer.from(input).toString("base64")}`);
    expect(finds).toEqual([]);
    // the seeds and at least something made of them were run, and led to something new
    expect(report.inputs).toBeGreaterThanOrEqual(isUse ? USES : 100);
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

test("coverage leads to what chance alone does not find", async () => {
  // five bytes in a row: one in 2^40 random inputs
  const report = await runFuzz({ target: "self-test", seconds: 30, maxInputs: 2_000_000 });
  expect(report.finds.map(({ what }) => what.split("\n", 1)[0])).toContain("untyped Error: deep");
});
