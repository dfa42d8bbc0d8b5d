import { memorySource } from "@ll/bytes";
import { openGguf } from "@ll/gguf";
import { describe, expect, test } from "vitest";
import { ggufBytes, u8 } from "../../gguf/test/support/gguf-bytes.ts";
import { ggufName, metaNamed } from "../src/gguf-tensors.ts";

const open = (...names: string[]) =>
  openGguf(memorySource(ggufBytes({ tensors: names.map((name, i) => ({ name, type: 24, ne: [2], data: u8(i, i) })) })));

describe("tensors of a model", () => {
  test("by Meta's names, with their bytes", async () => {
    const tensors = metaNamed(await open("token_embd.weight", "output.weight", "blk.0.attn_k.weight"));
    const names = tensors.map(({ name }) => name);
    expect(names).toEqual(["tok_embeddings.weight", "output.weight", "layers.0.attention.wk.weight"]);
    expect(tensors[2]).toMatchObject({ type: "i8", shape: [2], byteLength: 2 });
    const bytes = new Uint8Array(1);
    await tensors[2]?.read(1, bytes);
    expect(bytes).toEqual(u8(2));
    expect(names.map(ggufName)).toEqual(["token_embd.weight", "output.weight", "blk.0.attn_k.weight"]);
  });

  test("the embeddings stand in for an output matrix that is not there", async () => {
    const names = async (...stored: string[]) => metaNamed(await open(...stored)).map(({ name }) => name);
    expect(await names("token_embd.weight")).toEqual(["tok_embeddings.weight", "output.weight"]);
    expect(await names("output_norm.weight")).toEqual(["norm.weight"]);
  });

  test("tables that every reader computes are left out, others that do not belong are not", async () => {
    const tensors = metaNamed(await open("blk.3.attn_rot_embd", "rope_freqs.weight", "blk.0.attn_q.bias"));
    expect(tensors.map(({ name }) => name)).toEqual(["rope_freqs.weight", "blk.0.attn_q.bias"]);
    expect(ggufName("rope_freqs.weight")).toBe("rope_freqs.weight");
  });
});
