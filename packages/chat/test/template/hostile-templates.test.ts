// A template comes with a downloaded file: whatever it says, it ends soon, in little memory, with an error that says why.

import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { isTemplateError } from "../../src/jinja.ts";
import { compileTemplate } from "../../src/template/jinja/render.ts";
import { HOSTILE } from "../support/hostile-templates.ts";

const VARIABLES = { messages: [{ role: "user", content: "Hi" }] };

function outcome(source: string, now: () => number): unknown {
  try {
    return compileTemplate(source, { now })(VARIABLES);
  } catch (error) {
    return error;
  }
}

describe("ends with a typed error", () => {
  test.each(HOSTILE.map((one) => [one.name, one] as const))("%s", (_name, { source, code, limit, isSlow }) => {
    let looks = 0;
    const error = outcome(source, () => (isSlow === true ? 20 * looks++ : 0));
    expect(isTemplateError(error), String(error)).toBe(true);
    expect(error).toMatchObject({ code, ...(limit !== undefined && { limit }) });
    const { message } = error as Error;
    expect(message.length).toBeLessThan(512);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
    expect(message).not.toMatch(/[\x00-\x1f\x7f-\x9f]/);
  });
});

test("all of them, one after the other, in a heap of 64 MiB, and within the time that each is given", () => {
  const script = fileURLToPath(new URL("../support/hostile-templates-child.ts", import.meta.url));
  const options = ["--max-old-space-size=64", "--max-semi-space-size=1", "--conditions=@ll/source", "--no-warnings"];
  const { stdout, stderr, status } = spawnSync(process.execPath, [...options, script], { encoding: "utf8" });
  expect(status, stderr).toBe(0);
  const { outcomes, cpuMs } = JSON.parse(stdout) as { outcomes: Record<string, string>; cpuMs: number };
  expect(Object.keys(outcomes)).toEqual(HOSTILE.map(({ name }) => name));
  expect(Object.values(outcomes).every((code) => code.startsWith("E_TEMPLATE_"))).toBe(true);
  expect(cpuMs).toBeLessThan(2000 * HOSTILE.length);
});

test("a long conversation is none of it", () => {
  const source =
    "{% for m in messages %}{{ m.role ~ ': ' ~ m.content | trim }}{% if loop.last %}!{% endif %}\n{% endfor %}";
  const messages = Array.from({ length: 4096 }, (_, i) => ({ role: "user", content: `${i} ${"word ".repeat(50)}` }));
  expect(compileTemplate(source)({ messages })).toMatch(/^user: 0 word .*!$/s);
  const long = [{ role: "user", content: "word ".repeat(400_000) }];
  expect(compileTemplate(source)({ messages: long })).toHaveLength(2_000_006);
});
