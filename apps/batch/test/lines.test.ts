// From the bytes of a file to chunks of lines.

import { memorySource } from "@ll/bytes";
import { describe, expect, test } from "vitest";
import { cutLines } from "../src/lines/cut.ts";
import { type Entry, entryOf, MOST_LINE_BYTES, type PlacedEntry, type Request } from "../src/lines/entry.ts";
import { type Line, readLines } from "../src/lines/read-lines.ts";
import { createSeenIds } from "../src/lines/seen-ids.ts";

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);

async function linesOf(text: string | Uint8Array, mostBytes = 100) {
  const lines: { number: number; text: string | undefined; end: number }[] = [];
  for await (const { number, bytes, endOffset } of readLines(
    memorySource(typeof text === "string" ? encode(text) : text),
    mostBytes,
  )) {
    lines.push({ number, text: bytes && new TextDecoder().decode(bytes), end: endOffset });
  }
  return lines;
}

describe("lines", () => {
  test("with and without an end, and with that of Windows", async () => {
    expect(await linesOf("a\r\n\nbc\n")).toEqual([
      { number: 1, text: "a", end: 3 },
      { number: 2, text: "", end: 4 },
      { number: 3, text: "bc", end: 7 },
    ]);
    expect(await linesOf("a\nlast")).toMatchObject([{ text: "a" }, { text: "last", end: 6 }]);
    expect(await linesOf("")).toEqual([]);
  });

  test("over pieces of the file, and longer than a line may be", async () => {
    const long = "x".repeat(2_500_000);
    const lines = await linesOf(`a\n${long}\nb\n${long}`, 3_000_000);
    expect(lines.map(({ text }) => text?.length)).toEqual([1, 2_500_000, 1, 2_500_000]);
    expect(await linesOf(`a\n${long}\nb\n${long}`, 1000)).toMatchObject([
      { text: "a" },
      { text: undefined },
      { number: 3, text: "b" },
      { number: 4, text: undefined },
    ]);
  });
});

const options = () => ({ model: "tiny", seen: createSeenIds() });

function entry(text: string | Uint8Array | undefined, given = options()): Entry | undefined {
  const line: Line = { number: 7, bytes: typeof text === "string" ? encode(text) : text, endOffset: 0 };
  return entryOf(line, given);
}

const good = { custom_id: "a", method: "POST", url: "/v1/completions", body: { prompt: "x" } };

describe("entries", () => {
  test("a line without seed and model gets both, the seed by its id", () => {
    const made = entry(JSON.stringify(good));
    expect(made).toMatchObject({ line: 7, custom_id: "a", body: { prompt: "x", model: "tiny" } });
    const again = entry(JSON.stringify({ ...good, body: { prompt: "y", seed: null } }));
    const seed = (one: Entry | undefined) => (one as Request).body["seed"];
    expect(seed(again)).toBe(seed(made));
    expect(seed(entry(JSON.stringify({ ...good, custom_id: "b" })))).not.toBe(seed(made));
    expect(entry(JSON.stringify({ ...good, body: { seed: 5, model: "m" } }))).toMatchObject({
      body: { seed: 5, model: "m" },
    });
    expect(entry(JSON.stringify({ ...good, url: "/v1/embeddings" }))).not.toHaveProperty("body.seed");
  });

  test("white space is no line", () => {
    expect(entry(" \t\r")).toBeUndefined();
  });

  test.each<[string, string | Uint8Array | undefined, string, RegExp]>([
    ["too long", undefined, "line_too_large", new RegExp(`^Line 7 has more than ${MOST_LINE_BYTES} bytes`)],
    ["no UTF-8", new Uint8Array([123, 255, 125]), "invalid_json", /^Line 7 is not UTF-8/],
    ["deep", "[".repeat(100_000), "invalid_json", /^Line 7 nests deeper than 64/],
    ["no JSON", "{", "invalid_json", /^Line 7 is no JSON/],
    ["no object", "[]", "invalid_json", /^Line 7 is no JSON object/],
    ["no id", JSON.stringify({ ...good, custom_id: 5 }), "invalid_custom_id", /custom_id/],
    ["a lone surrogate", `{"custom_id":"\\ud800"}`, "invalid_custom_id", /custom_id/],
    ["a method", JSON.stringify({ ...good, method: "GET" }), "invalid_method", /POST/],
    ["a path", JSON.stringify({ ...good, url: "/v1/files" }), "invalid_url", /embeddings/],
    ["no body", JSON.stringify({ ...good, body: [] }), "invalid_body", /body/],
    ["a stream", JSON.stringify({ ...good, body: { stream: true } }), "unsupported_parameter", /stream/],
  ])("%s is told", (_name, text, code, message) => {
    expect(entry(text)).toMatchObject({ line: 7, error: { code, message: expect.stringMatching(message) } });
  });

  test("an id that comes again is told, with the id", () => {
    const given = options();
    entry(JSON.stringify(good), given);
    expect(entry(JSON.stringify(good), given)).toMatchObject({
      custom_id: "a",
      error: { code: "duplicate_custom_id" },
    });
  });
});

test("ids are remembered, up to a number", () => {
  const seen = createSeenIds(1 << 13);
  const hash = (i: number): Uint8Array => {
    const view = new DataView(new ArrayBuffer(8));
    view.setBigUint64(0, BigInt(i) * 0x9e3779b97f4a7c15n, true);
    return new Uint8Array(view.buffer);
  };
  const most = 0.75 * (1 << 13);
  for (let i = 0; i < most; i++) expect(seen.add(hash(i))).toBe(false);
  expect(seen.isFull).toBe(true);
  for (let i = 0; i < most; i++) expect(seen.add(hash(i))).toBe(true);
  expect(seen.add(hash(most))).toBe(false);
  expect(seen.add(hash(most))).toBe(false); // not noted any more
});

async function chunksOf(n: number, chunkLines: number, done: readonly string[] = [], pad = 0) {
  async function* entries(): AsyncGenerator<PlacedEntry> {
    for (let line = 1; line <= n; line++) {
      const body = { prompt: "x".repeat(pad) };
      yield { entry: { line, custom_id: `${line}`, url: "/v1/completions", body }, endOffset: line * 10 };
    }
  }
  const chunks = [];
  for await (const chunk of cutLines(entries(), { done, fingerprint: "f", chunkLines: () => chunkLines })) {
    chunks.push(chunk);
  }
  return chunks;
}

describe("chunks", () => {
  test("have so many lines, or so many bytes", async () => {
    const chunks = await chunksOf(10, 4);
    expect(chunks.map(({ label, units, bytes }) => [label, units, bytes])).toEqual([
      ["lines 1 to 4", 4, 40],
      ["lines 5 to 8", 4, 40],
      ["lines 9 to 10", 2, 20],
    ]);
    expect((await chunksOf(6, 100, [], 600_000)).map(({ units }) => units)).toEqual([2, 2, 2]);
  });

  test("go round those that are there, however these were cut", async () => {
    const before = await chunksOf(10, 3);
    const done = [before[1]!.name, before[3]!.name]; // lines 4 to 6, line 10
    const chunks = await chunksOf(10, 5, done);
    expect(chunks.map(({ label, isDone }) => [label, isDone])).toEqual([
      ["lines 1 to 3", false],
      ["lines 4 to 6", true],
      ["lines 7 to 9", false],
      ["line 10", true],
    ]);
    expect(chunks[0]!.id).toBe(before[0]!.id);
  });

  test("of other lines are refused", async () => {
    const [first] = await chunksOf(10, 3);
    const other = first!.name.replace(/.$/, (digit) => (digit === "0" ? "1" : "0"));
    await expect(chunksOf(10, 3, [other])).rejects.toThrow(/lines 1 to 3: what is kept of an earlier run/);
  });

  test("can be cut in two, down to a line", async () => {
    const [chunk] = await chunksOf(3, 3);
    const [head, tail] = chunk!.split!();
    expect([head!.label, tail!.label]).toEqual(["line 1", "lines 2 to 3"]);
    expect(head!.split).toBeUndefined();
    expect([...JSON.parse(head!.payload), ...JSON.parse(tail!.payload)]).toEqual(JSON.parse(chunk!.payload));
    expect(chunk!.name < tail!.name).toBe(true);
  });
});
