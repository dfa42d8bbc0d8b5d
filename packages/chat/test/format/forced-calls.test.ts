// Calls that a grammar makes, in each notation that can be forced, cut at every character: names and arguments come as they grow, and are
// what they are whole.

import { describe, expect, test } from "vitest";
import { createOutputParser, type OutputFormat, type OutputPart, outputFormatOf } from "../../src/formats.ts";
import { FORCED_FORMATS } from "./outputs.ts";

const ARGUMENTS = ['{"city": "Ro\\"me}", "days": [1, {"a": 2}]}', "{ }"];

/** What the grammar of a format admits for two calls. */
function written({ name, calls }: OutputFormat): string {
  const { before = "", call, between, after = "" } = calls.forced;
  const behindName = { kimi: ":12", harmony: " <|constrain|>json" }[name] ?? "";
  const all = ARGUMENTS.map(
    (text, i) => call[0] + (i === 0 ? "weather" : "now") + behindName + call[1] + text + call[2],
  );
  return before + (between === undefined ? all.slice(0, 1) : all).join(between) + after;
}

function parse(format: OutputFormat, pieces: readonly string[]): OutputPart[] {
  let n = 0;
  const newId = (): string => String(++n);
  const tools = new Map(["weather", "now"].map((name) => [name, { type: "object" }]));
  const parser = createOutputParser({ format, tools, isForced: true, newId });
  return [...pieces.flatMap((piece) => parser.push(piece)), ...parser.end()];
}

describe.each(FORCED_FORMATS.map((format) => [format.name, format] as const))("%s", (_name, format) => {
  const text = written(format);
  const nCalls = format.calls.forced.between === undefined ? 1 : 2;

  test("letter by letter, and cut at every place", () => {
    const calls = (parts: readonly OutputPart[]): unknown[] =>
      parts.flatMap((part) => (part.type === "tool-call" ? [[part.call.name, part.call.argumentsText]] : []));
    const expected = [
      ["weather", ARGUMENTS[0]],
      ["now", ARGUMENTS[1]],
    ].slice(0, nCalls);
    for (let at = 0; at <= text.length; at++) {
      expect(calls(parse(format, [text.slice(0, at), text.slice(at)]))).toEqual(expected);
    }
    const parts = parse(format, [...text]);
    expect(calls(parts)).toEqual(expected);
    expect(parts.filter(({ type }) => type === "tool-call-start")).toHaveLength(nCalls);
    const deltas = parts.flatMap((part) => (part.type === "tool-call-delta" ? [part.delta] : []));
    expect(deltas.join("")).toBe(ARGUMENTS.slice(0, nCalls).join(""));
    expect(deltas.length).toBeGreaterThan(10);
    expect(parts.some(({ type }) => type === "text")).toBe(false);
  });

  test("one that is cut is none", () => {
    const end = text.indexOf(ARGUMENTS[0] as string) + 8;
    const parts = parse(format, [text.slice(0, end)]);
    expect(parts.map(({ type }) => type)).toEqual(["tool-call-start", "tool-call-delta"]);
  });
});

test("behind a thought", () => {
  const format = outputFormatOf("<tool_call> <think> </think>");
  const parts = parse(format, [...`<think>\nRome?\n</think>\n\n${written(format)}`]);
  expect(parts.flatMap((part) => (part.type === "reasoning" ? [part.text] : [])).join("")).toBe("Rome?");
  expect(parts.filter(({ type }) => type === "tool-call")).toHaveLength(2);
});
