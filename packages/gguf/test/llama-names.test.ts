import { memorySource } from "@ll/bytes";
import { describe, expect, test } from "vitest";
import { ggufName, llamaName, llamaTensors, openGguf } from "../src/index.ts";
import { ggufBytes, u8 } from "./support/gguf-bytes.ts";

const NAMES = [
  ["token_embd.weight", "tok_embeddings.weight"],
  ["output_norm.weight", "norm.weight"],
  ["output.weight", "output.weight"],
  ...[0, 7, 79].flatMap((n) => [
    [`blk.${n}.attn_norm.weight`, `layers.${n}.attention_norm.weight`],
    [`blk.${n}.attn_q.weight`, `layers.${n}.attention.wq.weight`],
    [`blk.${n}.attn_k.weight`, `layers.${n}.attention.wk.weight`],
    [`blk.${n}.attn_v.weight`, `layers.${n}.attention.wv.weight`],
    [`blk.${n}.attn_output.weight`, `layers.${n}.attention.wo.weight`],
    [`blk.${n}.ffn_norm.weight`, `layers.${n}.ffn_norm.weight`],
    [`blk.${n}.ffn_gate.weight`, `layers.${n}.feed_forward.w1.weight`],
    [`blk.${n}.ffn_down.weight`, `layers.${n}.feed_forward.w2.weight`],
    [`blk.${n}.ffn_up.weight`, `layers.${n}.feed_forward.w3.weight`],
  ]),
] as [string, string][];

describe("names", () => {
  test.each(NAMES)("%s is %s", (gguf, llama) => {
    expect(llamaName(gguf)).toBe(llama);
    expect(ggufName(llama)).toBe(gguf);
  });

  test.each([
    "rope_freqs.weight",
    "blk.0.attn_q.bias",
    "blk.00.attn_q.weight",
    "blk.0.attn_q.weight.x",
    "blk.x.attn_q.weight",
    "blk.*.attn_q.weight",
    "blk.0.ffn_gate_inp.weight",
    "output",
    "__proto__",
    "",
  ])("%s belongs to no LLaMA and stays", (name) => {
    expect(llamaName(name)).toBe(name);
    expect(ggufName(name)).toBe(name);
  });
});

describe("tensors of a model", () => {
  const open = (...names: string[]) =>
    openGguf(
      memorySource(ggufBytes({ tensors: names.map((name, i) => ({ name, type: 24, ne: [2], data: u8(i, i) })) })),
    );

  test("by Meta's names, with their bytes", async () => {
    const tensors = llamaTensors(await open("token_embd.weight", "output.weight", "blk.0.attn_k.weight"));
    expect([...tensors.names()]).toEqual(["tok_embeddings.weight", "output.weight", "layers.0.attention.wk.weight"]);
    expect(tensors.isTied).toBe(false);
    const tensor = tensors.tensor("layers.0.attention.wk.weight");
    expect(tensor).toMatchObject({ name: "layers.0.attention.wk.weight", type: "i8", shape: [2], byteLength: 2 });
    const bytes = new Uint8Array(1);
    await tensor?.read(1, bytes);
    expect(bytes).toEqual(u8(2));
  });

  test("the embeddings stand in for an output matrix that is not there", async () => {
    const tensors = llamaTensors(await open("token_embd.weight"));
    expect([...tensors.names()]).toEqual(["tok_embeddings.weight", "output.weight"]);
    expect(tensors.isTied).toBe(true);
    expect(tensors.tensor("output.weight")).toMatchObject({ name: "output.weight", shape: [2] });
    expect([...llamaTensors(await open("output_norm.weight")).names()]).toEqual(["norm.weight"]);
  });

  test("tables that every reader computes are left out, others that do not belong are not", async () => {
    const tensors = llamaTensors(await open("blk.3.attn_rot_embd", "rope_freqs.weight", "blk.0.attn_q.bias"));
    expect([...tensors.names()]).toEqual(["rope_freqs.weight", "blk.0.attn_q.bias"]);
  });
});
