import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { tinyModel } from "../../../tools/tiny-model.ts";
import type { Io } from "../src/command.ts";
import { createProgress, duration, type Progress } from "../src/progress.ts";
import { term } from "../src/terminal.ts";
import { captured, runOn, slowClock, temporaryDirectory } from "./programs.ts";

/** A progress line of 100 units on a clock that the test sets. */
function fixtureProgress(isTty: boolean, env: Io["env"] = {}, enabled = true) {
  const stream = captured(isTty);
  const clock = { ms: 0 };
  const io: Io = { out: term(captured()), err: term(stream), env, now: () => clock.ms };
  const progress: Progress = createProgress(io, { total: 100, enabled });
  return { clock, progress, text: stream.text, stream };
}

describe("on a terminal", () => {
  test("shows nothing during the first second", () => {
    const { clock, progress, text } = fixtureProgress(true);
    for (clock.ms = 0; clock.ms < 1000; clock.ms += 10) progress.update(50, "x");
    progress.finish();
    expect(text()).toBe("");
  });

  test("redraws one line at most ten times a second and takes it away at the end", () => {
    const { clock, progress, text } = fixtureProgress(true);
    for (clock.ms = 1000; clock.ms < 2000; clock.ms += 10) progress.update(50, "[1/2] x");
    progress.finish();
    expect(text().match(/\[1\/2\] x {2}ETA 0:0[12]/g)).toHaveLength(10);
    expect(text().endsWith("\r\x1b[K")).toBe(true);
    expect(text()).not.toContain("\n");
  });

  test("stays within the columns there are", () => {
    const { clock, progress, text } = fixtureProgress(true);
    clock.ms = 1000;
    progress.update(50, "x".repeat(200));
    expect(text()).toMatch(/^x{69} {2}ETA 0:01$/); // 79 of the 80 columns
  });

  test("a line printed meanwhile stands above it", () => {
    const { clock, progress, text } = fixtureProgress(true);
    clock.ms = 2000;
    progress.update(50, "x");
    progress.line("said");
    expect(text()).toBe("x  ETA 0:02\r\x1b[Ksaid\n");
  });
});

describe("elsewhere", () => {
  test("one line per 10 %, and only after the first second", () => {
    const { clock, progress, text } = fixtureProgress(false);
    for (let done = 0; done <= 100; done++) {
      clock.ms = done * 50;
      progress.update(done, "x");
    }
    // 5 s in all: 10 % falls into the first second, 100 % says nothing new
    expect(text().split("\n")).toEqual([
      ...[20, 30, 40, 50, 60, 70, 80, 90].map((percent) => `${percent} %  x  ETA ${duration((100 - percent) * 50)}`),
      "",
    ]);
  });

  test.each([{ CI: "true" }, { TERM: "dumb" }])("a terminal with %o counts as none", (env) => {
    const { clock, progress, text } = fixtureProgress(true, env);
    clock.ms = 5000;
    progress.update(50, "x");
    expect(text()).toBe("50 %  x  ETA 0:05\n");
  });

  test("nothing when switched off", () => {
    const { clock, progress, text } = fixtureProgress(false, {}, false);
    clock.ms = 5000;
    progress.update(50, "x");
    expect(text()).toBe("");
  });
});

test("durations", () => {
  expect(duration(400)).toBe("0:00");
  expect(duration(72_000)).toBe("1:12");
  expect(duration(3_725_000)).toBe("1:02:05");
  expect(duration(Number.NaN)).toBe("-:--");
});

describe("loading a model", () => {
  const LOADING = /loading the model: \d+ %/;
  const PROGRAMS: readonly [string, ...string[]][] = [
    ["ll-main", "-n", "1", "-p", "Once"],
    ["ll-perplexity", "-c", "8", "-b", "8", "-f", "TEXT"],
    ["ll-embedding", "-p", "Once"],
  ];

  /** What is said on standard error, with a clock on which all work takes seconds or none. */
  async function said(
    [bin, ...args]: readonly [string, ...string[]],
    isTty: boolean,
    isSlow: boolean,
  ): Promise<string> {
    const folder = await temporaryDirectory();
    const model = join(folder, "model.bin");
    writeFileSync(model, await tinyModel("q4_0"));
    writeFileSync(join(folder, "TEXT"), "Once upon a time there was a model. ".repeat(8));
    const err = captured(isTty);
    const argv = ["-m", model, "-t", "1", "-s", "1", ...args.map((arg) => (arg === "TEXT" ? join(folder, arg) : arg))];
    const now = isSlow ? slowClock() : () => 0;
    expect(await runOn(bin, argv, { out: captured(), err, env: {}, now }), err.text()).toBe(0);
    return err.text();
  }

  test.each(PROGRAMS)("%s shows on a terminal how far it has come, if it takes long", async (...program) => {
    expect(await said(program, true, true)).toMatch(LOADING);
    expect(await said(program, true, false)).not.toMatch(LOADING);
  });

  test.each(PROGRAMS)("%s shows it nowhere else, and not with --quiet", async (...program) => {
    expect(await said(program, false, true)).not.toMatch(LOADING);
    expect(await said([...program, "--quiet"], true, true)).not.toMatch(LOADING);
  });
});
