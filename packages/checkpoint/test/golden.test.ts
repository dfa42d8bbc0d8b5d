// Real models against what convert.py of build 803 made of them: every byte of the converted files depends on what is read here.

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { memorySource } from "@ll/bytes";
import { describe, expect, it } from "vitest";
import { describeWithTestData, fixture, testData } from "../../../tools/test-data.ts";
import { asType, type CastType } from "../src/cast.ts";
import { readLlama2cTokenizer } from "../src/llama2c.ts";
import { openCheckpoint, openStoredTensors } from "../src/open-checkpoint.ts";
import { readAll } from "./support/files.ts";
import { ggjtFile, readGgjt } from "./support/ggjt-writer.ts";

interface ConvertCase {
  readonly input: string;
  readonly outtype: CastType;
  readonly sha256: { readonly "ggjt-v1": string; readonly "ggjt-v3": string };
}

async function expectConversion(directory: string, { outtype, sha256 }: ConvertCase): Promise<void> {
  const checkpoint = await openCheckpoint(directory);
  for (const version of [1, 3] as const) {
    const file = await ggjtFile(checkpoint, join(directory, "tokenizer.model"), outtype, version);
    expect(createHash("sha256").update(file).digest("hex")).toBe(sha256[`ggjt-v${version}`]);
  }
  await checkpoint.verify();
  await checkpoint.close();
}

function casesIn(path: string): ConvertCase[] {
  return (JSON.parse(readFileSync(path, "utf8")) as { cases: ConvertCase[] }).cases;
}

describe("the tiny model", () => {
  it.each(casesIn(fixture("tiny/golden/tiny-convert.json")))("converts $input to $outtype", async (convertCase) => {
    await expectConversion(fixture(convertCase.input.replace("models/", "")), convertCase);
  });

  it("has the same tensors in Meta's and Hugging Face's layout", async () => {
    const meta = await openCheckpoint(fixture("tiny/meta"));
    const hf = await openCheckpoint(fixture("tiny/hf"));
    expect(meta.params).toMatchObject({
      nVocab: 1024,
      nEmbd: 128,
      nMult: 32,
      nHeads: 4,
      nKvHeads: 4,
      nLayers: 6,
      nFf: 352,
    });
    expect(meta.params.origin).toBe("params.json");
    expect(hf.params).toMatchObject({ nMult: 176, contextTokens: 512, normEps: 1e-6, origin: "config.json" });
    expect([...hf.names()]).toEqual([...meta.names()]);
    for (const tensor of meta.tensors) {
      const twin = hf.tensor(tensor.name)!;
      expect(twin.shape).toEqual(tensor.shape);
      expect(await readAll(twin)).toEqual(await readAll(tensor));
    }
    expect(meta.weightType).toBe("f16");
    expect(meta.warnings).toEqual([]);
    expect(meta.tokenizerPaths).toEqual([fixture("tiny/meta/tokenizer.model")]);
    await meta.close();
    await hf.close();
  });

  it("shows what is stored, for a look inside", async () => {
    const stored = await openStoredTensors(fixture("tiny/meta"));
    expect(stored.format).toBe("torch");
    expect(stored.storedTensors.size).toBe(58);
    expect(stored.storedTensors.get("rope.freqs")).toMatchObject({ type: "f16", shape: [16] });
    await stored.close();
  });
});

describeWithTestData("a public model of 260 K parameters", () => {
  it.each(casesIn(testData("golden/stories260k-convert.json")))("converts $input to $outtype", async (convertCase) => {
    await expectConversion(testData(convertCase.input), convertCase);
  });

  it("opens llama2.c's own file, whose values are those of the recorded grouped-query model", async () => {
    const checkpoint = await openCheckpoint(testData("models/stories260k/stories260K.bin"));
    expect(checkpoint.format).toBe("llama2c");
    expect(checkpoint.params).toMatchObject({ nVocab: 512, nEmbd: 64, nHeads: 8, nKvHeads: 4, nLayers: 5, nFf: 172 });
    expect(checkpoint.warnings.map((warning) => warning.code)).toEqual(["tied-output"]);
    const recorded = readGgjt(testData("models/stories260k/ggjt/gqa-f16.bin"));
    expect([...checkpoint.names()].sort()).toEqual([...recorded.tensors.keys()].sort());
    for (const [name, { type, shape, bytes }] of recorded.tensors) {
      const tensor = checkpoint.tensor(name)!;
      expect(tensor.shape).toEqual(shape);
      expect(await readAll(asType(tensor, type === 0 ? "f32" : "f16"))).toEqual(bytes);
    }
    await checkpoint.close();
  });

  it("reads llama2.c's tokenizer as the vocabulary of the recorded model", async () => {
    const vocab = await readLlama2cTokenizer(memorySource(readFileSync(testData("models/stories260k/tok512.bin"))));
    const recorded = readGgjt(testData("models/stories260k/ggjt/f16.bin")).vocab;
    expect(vocab).toEqual(recorded);
  });
});
