import { describe, expect, test } from "vitest";
import { LLAMA_NAMES, metaName, roleOfMetaName } from "../src/index.ts";

test.each([
  ["token_embd.weight", "tok_embeddings.weight"],
  ["output_norm.weight", "norm.weight"],
  ["output.weight", "output.weight"],
  ["blk.0.attn_q.weight", "layers.0.attention.wq.weight"],
  ["blk.31.ffn_down.weight", "layers.31.feed_forward.w2.weight"],
  ["blk.7.ffn_norm.weight", "layers.7.ffn_norm.weight"],
])("%s is %s in Meta's files", (role, meta) => {
  expect(metaName(LLAMA_NAMES, role)).toBe(meta);
  expect(roleOfMetaName(LLAMA_NAMES, meta)).toBe(role);
});

describe("there is no other name for", () => {
  test.each([
    "rope_freqs.weight",
    "token_embd",
    "token_embd.bias",
    "blk.01.attn_q.weight",
    "blk.-1.attn_q.weight",
    "blk.1.token_embd.weight",
    "attn_q.weight",
    "blk.1.attn_q.bias",
    "blk.1.constructor.weight",
    "",
  ])("%j", (role) => {
    expect(metaName(LLAMA_NAMES, role)).toBeUndefined();
  });

  test.each(["layers.01.attention.wq.weight", "layers.0.norm.weight", "attention.wq.weight", "freqs"])("%j", (name) => {
    expect(roleOfMetaName(LLAMA_NAMES, name)).toBeUndefined();
  });
});
