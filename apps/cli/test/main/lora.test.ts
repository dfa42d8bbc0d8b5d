// Adapters that cannot be applied: build 803's lines, an exit code, and no text.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { memorySink } from "@ll/bytes";
import { createLoraWriter } from "@ll/ggml-format";
import { createGgufWriter } from "@ll/gguf";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { tinyModel } from "../../../../tools/tiny-model.ts";
import { runHere } from "../programs.ts";

const directory = mkdtempSync(join(tmpdir(), "ll-lora-"));
const at = (name: string): string => join(directory, name);
const PREFIX = "llama_apply_lora_from_file_internal: ";
const WV = "layers.0.attention.wv.weight"; // (128, 128)

beforeAll(async () => {
  writeFileSync(at("f16.bin"), await tinyModel("f16"));
  writeFileSync(at("q4_0.bin"), await tinyModel("q4_0"));
  writeFileSync(at("zero.bin"), await adapter(WV, [128, 1], [128, 1]));
  writeFileSync(at("unknown.bin"), await adapter("layers.9.wv.weight", [128, 1], [128, 1]));
  writeFileSync(at("shape.bin"), await adapter(WV, [96, 1], [128, 1]));
  const whole = await adapter(WV, [128, 1], [128, 1]);
  writeFileSync(at("cut.bin"), whole.subarray(0, -5));
  writeFileSync(at("zero.gguf"), await ggufAdapter("llama", 0));
  writeFileSync(at("one.gguf"), await ggufAdapter("llama", 1));
  writeFileSync(at("qwen3.gguf"), await ggufAdapter("qwen3", 1));
});
afterAll(() => rmSync(directory, { recursive: true }));

/** An adapter of zeros. */
async function adapter(target: string, a: number[], b: number[]): Promise<Uint8Array> {
  const sink = memorySink();
  const tensors = [
    { name: `${target}.loraA`, type: "f32", shape: a },
    { name: `${target}.loraB`, type: "f32", shape: b },
  ];
  const writer = await createLoraWriter(sink, { r: 1, alpha: 1, tensors });
  for (const { name, shape } of tensors) await writer.writeTensor(name, [new Uint8Array(4 * (shape[0] as number))]);
  await writer.finish();
  return sink.bytes();
}

/** An adapter whose factors are all `value`. */
async function ggufAdapter(architecture: string, value: number): Promise<Uint8Array> {
  const sink = memorySink();
  const keys = { "general.type": "adapter", "general.architecture": architecture, "adapter.type": "lora" };
  const tensors = [
    { name: "blk.0.attn_v.weight.lora_a", type: "f32", shape: [1, 128] },
    { name: "blk.0.attn_v.weight.lora_b", type: "f32", shape: [128, 1] },
  ];
  const metadata = new Map(Object.entries(keys).map(([key, text]) => [key, { type: "string", value: text } as const]));
  const writer = await createGgufWriter(sink, { metadata, tensors });
  const bytes = new Uint8Array(new Float32Array(128).fill(value).buffer);
  for (const { name } of tensors) await writer.writeTensor(name, [bytes]);
  await writer.finish();
  return sink.bytes();
}

const main = (model: string, ...args: string[]) =>
  runHere("ll-main", ["-m", at(model), "-t", "1", "-s", "1", "-n", "12", "-p", "Once", ...args]);

describe("--lora", () => {
  test.each(["f16.bin", "q4_0.bin"])("an adapter of zeros changes no text of %s", async (model) => {
    const plain = await main(model);
    for (const base of [[], ["--lora-base", at("f16.bin")]]) {
      const adapted = await main(model, "--lora", at("zero.bin"), ...base);
      // the f16 base of this file is where its blocks came from
      expect(adapted.stdout).toBe(plain.stdout);
      expect(adapted.code).toBe(0);
      const isWarned = adapted.stderr.includes(`${PREFIX}warning: using a lora adapter with a quantized model`);
      expect(isWarned).toBe(model === "q4_0.bin" && base.length === 0);
    }
  });

  test("an adapter of a GGUF file is applied too", async () => {
    const plain = await main("f16.bin");
    expect((await main("f16.bin", "--lora", at("zero.gguf"))).stdout).toBe(plain.stdout);
    const { code, stdout, stderr } = await main("f16.bin", "--lora", at("one.gguf"), "--lora-base", at("f16.bin"));
    expect(code).toBe(0);
    expect(stdout).not.toBe(plain.stdout);
    expect(stderr).toContain(`${PREFIX}alpha = 0.00\n`);
  });

  test("the last one wins; a base without an adapter is nothing", async () => {
    const { code, stderr } = await main("f16.bin", "--lora", at("absent"), "--lora", at("zero.bin"));
    expect(code).toBe(0);
    expect(stderr).toContain(`${PREFIX}r = 1, alpha = 1, scaling = 1.00\n`);
    expect((await main("f16.bin", "--lora-base", at("absent"))).stderr).not.toContain(PREFIX);
  });

  test.each<[string, string[], number, string]>([
    ["that is not there", ["absent"], 4, "failed to open"],
    ["that is a model", ["f16.bin"], 3, "bad file magic"],
    ["that is cut off", ["cut.bin"], 3, "file ends too early"],
    ["for another family", ["qwen3.gguf"], 3, "general.architecture is qwen3, expected llama"],
    [
      "for a tensor that the model has not",
      ["unknown.bin"],
      3,
      "unknown tensor 'layers.9.wv.weight.loraA' in lora adapter",
    ],
    ["for another shape", ["shape.bin"], 3, "incompatible tensor dimensions (128 and 96) of"],
    ["on a base that is not there", ["zero.bin", "absent"], 4, "failed to open"],
    [
      "on a quantised base",
      ["zero.bin", "q4_0.bin"],
      3,
      `tensor '${WV}' of the base model is q4_0, expected f32 or f16`,
    ],
  ])("an adapter %s is refused", async (_what, [lora = "", base], exit, message) => {
    const withBase = base === undefined ? [] : ["--lora-base", at(base)];
    const { code, stdout, stderr } = await main("q4_0.bin", "--lora", at(lora), ...withBase);
    expect({ code, stdout }).toEqual({ code: exit, stdout: "" });
    const lines = stderr.split("\n").slice(-4, -1);
    expect(lines[0]?.startsWith(PREFIX)).toBe(true);
    expect(lines[0]).toContain(message);
    expect(lines.slice(1)).toEqual([
      "llama_init_from_gpt_params: error: failed to apply lora adapter",
      "main: error: unable to load model",
    ]);
  });
});
