// The header of a model on a web server: few requests, few bytes.

import { type ByteSource, httpSource, memorySink, memorySource } from "@ll/bytes";
import { afterEach, describe, expect, test } from "vitest";
import { type RangeServer, serveRanges } from "../../bytes/test/range-server.ts";
import { createGgufWriter, type GgufArray, openGguf } from "../src/index.ts";

let server: RangeServer | undefined;
afterEach(() => server?.close());

const N_PIECES = 32_000;

/** A model of 291 tensors like LLaMA's 7B, with a vocabulary of 32,000 pieces; 1 KiB of data for each tensor. */
async function model(): Promise<Uint8Array> {
  const tokens = Array.from({ length: N_PIECES }, (_, id) => `\u2581piece${id}`);
  const tensors = Array.from({ length: 291 }, (_, i) => ({
    name: `blk.${i}.attn_q.weight`,
    type: "f32",
    shape: [16, 16],
  }));
  const sink = memorySink();
  const writer = await createGgufWriter(sink, {
    metadata: new Map([
      ["general.architecture", { type: "string", value: "llama" }],
      ["tokenizer.ggml.tokens", { type: "array", itemType: "string", items: tokens }],
      ["tokenizer.ggml.scores", { type: "array", itemType: "f32", items: tokens.map((_, id) => -id) }],
      ["tokenizer.ggml.token_type", { type: "array", itemType: "i32", items: tokens.map(() => 1) }],
      ["tokenizer.ggml.bos_token_id", { type: "u32", value: 1 }],
    ]),
    tensors,
  });
  for (const { name } of tensors) await writer.writeTensor(name, [new Uint8Array(1024).fill(7)]);
  await writer.finish();
  return sink.bytes();
}

async function readVocabulary(source: ByteSource): Promise<[string, number, number]> {
  const { metadata } = await openGguf(source);
  const tokens = await (metadata.get("tokenizer.ggml.tokens") as GgufArray).read("string");
  const scores = await (metadata.get("tokenizer.ggml.scores") as GgufArray).read("f32");
  const types = await (metadata.get("tokenizer.ggml.token_type") as GgufArray).read("i32");
  return [new TextDecoder().decode(tokens[31_999]), scores[31_999]!, types[31_999]!];
}

describe("a vocabulary of 32,000 pieces over HTTP", () => {
  test("takes three requests to open, six with the pieces, and less than 3 MB", async () => {
    const bytes = await model();
    expect(bytes.length).toBeGreaterThan(1_000_000);
    server = await serveRanges(bytes);
    const source = await httpSource(server.url);
    const file = await openGguf(source);
    expect([file.tensors.length, server.ranges.length]).toEqual([291, 3]);
    expect(await readVocabulary(source)).toEqual(["\u2581piece31999", -31_999, 1]);
  });

  test("in all: at most six requests and 3 MB", async () => {
    server = await serveRanges(await model());
    expect(await readVocabulary(await httpSource(server.url))).toEqual(["\u2581piece31999", -31_999, 1]);
    expect(server.ranges.length).toBeLessThanOrEqual(6);
    expect(server.bytesSent()).toBeLessThan(3_000_000);
    const target = new Uint8Array(100);
    await (await openGguf(memorySource(await model()))).tensor("blk.3.attn_q.weight")?.read(0, target);
    expect(target.every((byte) => byte === 7)).toBe(true);
  });

  test("a file that changes under way is E_CHANGED", async () => {
    server = await serveRanges(await model(), (nth) => (nth > 0 ? { headers: { etag: '"two"' } } : undefined));
    const source = await httpSource(server.url);
    await expect(openGguf(source)).rejects.toMatchObject({ name: "IoError", code: "E_CHANGED" });
  });
});
