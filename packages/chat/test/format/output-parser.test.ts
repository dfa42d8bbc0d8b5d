import { fc, test as propertyTest } from "@fast-check/vitest";
import { describe, expect, test } from "vitest";
import { createOutputParser, endsInThought, type OutputPart, outputFormatOf } from "../../src/formats.ts";
import { type Expected, OUTPUTS, type Output } from "./outputs.ts";

const TOOLS = new Map<string, unknown>([
  ["get_weather", { type: "object", properties: { city: { type: "string" }, days: { type: "integer" } } }],
  ["now", { type: "object", properties: {} }],
]);

function parse({ template, prompt = "" }: Output, pieces: readonly string[]): Expected {
  const format = outputFormatOf(template);
  const startsInThought = endsInThought(format, prompt);
  const parser = createOutputParser({ format, tools: TOOLS, startsInThought, newId: (n) => "x".repeat(n) });
  const parts: OutputPart[] = [...pieces.flatMap((piece) => parser.push(piece)), ...parser.end()];
  const joined = (type: "reasoning" | "text") =>
    parts.flatMap((part) => (part.type === type ? [part.text] : [])).join("");
  for (const part of parts) if ("text" in part) expect(part.text).not.toBe("");
  return {
    reasoning: joined("reasoning"),
    text: joined("text"),
    calls: parts.flatMap((part) => (part.type === "tool-call" ? [[part.call.name, part.call.arguments] as const] : [])),
  };
}

describe.each(OUTPUTS.map((output) => [output.title, output] as const))("%s", (_title, output) => {
  const { reasoning = "", text = "", calls = [] } = output;
  const expected = { reasoning, text, calls };

  test("as a whole", () => {
    expect(parse(output, [output.output])).toEqual(expected);
  });

  test("cut at every character, and into characters", () => {
    for (let at = 0; at <= output.output.length; at++) {
      expect(parse(output, [output.output.slice(0, at), output.output.slice(at)]), `cut at ${at}`).toEqual(expected);
    }
    expect(parse(output, [...output.output])).toEqual(expected);
  });

  test("every beginning gives the same whole and in characters", () => {
    for (let at = 0; at < output.output.length; at++) {
      const beginning = output.output.slice(0, at);
      expect(parse(output, [...beginning]), beginning).toEqual(parse(output, [beginning]));
    }
  });
});

/** Marks of all formats, and what stands between them. */
const SCRAPS = [
  ...new Set(OUTPUTS.flatMap(({ output }) => output.match(/<[^<>]*>|\[[A-Z_]+\]|\w+|\s+|[^\w\s]/g) ?? [])),
];

propertyTest.prop(
  [fc.constantFrom(...OUTPUTS), fc.array(fc.constantFrom(...SCRAPS), { maxLength: 25 }), fc.array(fc.nat({ max: 12 }))],
  { numRuns: 2000 },
)("scraps of all formats: the cut changes nothing, and what is no call is text", (output, scraps, sizes) => {
  const whole = scraps.join("");
  const pieces: string[] = [];
  let at = 0;
  for (const size of sizes) {
    pieces.push(whole.slice(at, at + size));
    at += size;
  }
  pieces.push(whole.slice(at));
  const parsed = parse(output, [whole]);
  expect(parse(output, pieces)).toEqual(parsed);
  // nothing that is not a mark is lost
  const format = outputFormatOf(output.template);
  if ((parsed.calls ?? []).length > 0 || format.channels === true) return;
  const marks = [format.thought?.open, format.thought?.close, ...(format.calls.around ?? []), ...(format.hidden ?? [])];
  const bare = (text: string) =>
    marks
      .reduce<string>((rest, mark) => (mark === undefined ? rest : rest.replaceAll(mark, "")), text)
      .replace(/\s+/g, "");
  expect(bare(`${parsed.reasoning}${parsed.text}`)).toBe(bare(whole));
});

test("without tools, nothing is taken for a call", () => {
  const parser = createOutputParser({ format: outputFormatOf("<tool_call>") });
  const text = '<tool_call>{"name": "now", "arguments": {}}</tool_call>';
  expect([...parser.push(text), ...parser.end()]).toEqual([{ type: "text", text }]);
});

test("ids: as they were written, or of the length that the family wants", () => {
  const ids = (template: string, output: string) => {
    const parser = createOutputParser({ format: outputFormatOf(template), tools: TOOLS });
    return [...parser.push(output), ...parser.end()].flatMap((part) =>
      part.type === "tool-call" ? [part.call.id] : [],
    );
  };
  expect(ids("[TOOL_CALLS]", '[TOOL_CALLS][{"name": "now", "id": "abc123def"}]')).toEqual(["abc123def"]);
  expect(ids("[TOOL_CALLS]", '[TOOL_CALLS][{"name": "now"}]')[0]).toMatch(/^[A-Za-z0-9]{9}$/);
  expect(ids("<tool_call>", '<tool_call>{"name": "now"}</tool_call>')[0]).toMatch(/^call_[A-Za-z0-9]{24}$/);
});

test("constraints begin behind the thought", () => {
  const parser = createOutputParser({ format: outputFormatOf("<think><tool_call>") });
  const states = ["", "<thi", "nk>", "a</think", ">", "\n", "{"].map((piece) => {
    parser.push(piece);
    return [parser.isThinking, parser.mayThink];
  });
  expect(states).toEqual([
    [false, true],
    [true, true],
    [true, false],
    [true, false],
    [false, false],
    [false, false],
    [false, false],
  ]);
});
