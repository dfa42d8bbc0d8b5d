import { readFileSync } from "node:fs";
import { fc, test as propertyTest } from "@fast-check/vitest";
import { openFileSource } from "@ll/bytes/node";
import { openGgml } from "@ll/ggml-format";
import { configFromGgml, createGenerator, createScalarModel, loadWeights } from "@ll/llama";
import { createTokenizer } from "@ll/tokenizer";
import { describe, expect, test } from "vitest";
import { describeWithTestData, testData } from "../../../tools/test-data.ts";
import { applyGuidance, createSampler, expf, logf, type SamplerStage, samplingChain } from "../src/index.ts";

const f32 = Math.fround;

/** The logarithm of the softmax, one array after the other. */
function plainLogSoftmax(logits: readonly number[]): number[] {
  const largest = Math.max(...logits);
  const exponentials = logits.map((x) => expf(f32(x - largest)));
  const sum = exponentials.reduce((total, e) => f32(total + e), 0);
  return exponentials.map((e) => logf(f32(e / sum)));
}

const row = (values: readonly number[]) => Float32Array.from(values);
const logits = fc.float({ min: -50, max: 50, noNaN: true });

describe("applyGuidance", () => {
  propertyTest.prop([
    fc.array(fc.tuple(logits, logits), { minLength: 1, maxLength: 100 }),
    fc.constantFrom(1.0001, 1.3, 2, 10),
    fc.constantFrom("apart", "base", "guidance"),
  ])("equals its plain twin, wherever it writes", (pairs, scale, where) => {
    const base = row(pairs.map(([b]) => b));
    const guidance = row(pairs.map(([, g]) => g));
    const b = plainLogSoftmax([...base]);
    const g = plainLogSoftmax([...guidance]);
    const expected = row(b.map((value, i) => f32(f32(f32(scale) * f32(value - g[i]!)) + g[i]!)));
    const out = { apart: new Float32Array(base.length), base, guidance }[where];
    applyGuidance(base, guidance, scale, out);
    expect(out).toEqual(expected);
  });

  propertyTest.prop([
    fc.array(fc.tuple(logits, logits), { minLength: 1, maxLength: 100 }),
    fc.constantFrom(1, 0.5, 0, -2),
  ])("a scale of 1 or less changes nothing", (pairs, scale) => {
    const base = row(pairs.map(([b]) => b));
    const out = new Float32Array(base.length);
    applyGuidance(base, row(pairs.map(([, g]) => g)), scale, out);
    expect(out).toEqual(base);
  });

  test("moves away from what the other prompt makes likely", () => {
    const out = new Float32Array(3);
    applyGuidance(row([1, 1, 1]), row([3, 1, 1]), 2, out);
    expect(out[0]).toBeLessThan(out[1]!);
    expect(out[1]).toBe(out[2]);
  });

  test("leaves the guidance logits alone", () => {
    const guidance = row([3, 1]);
    applyGuidance(row([1, 2]), guidance, 2, new Float32Array(2));
    expect(guidance).toEqual(row([3, 1]));
  });

  test("a forbidden id stays forbidden; underflow on both sides is NaN, as in llama.cpp", () => {
    const out = new Float32Array(3);
    applyGuidance(row([0, Number.NEGATIVE_INFINITY, -200]), row([0, 0, -200]), 1.5, out);
    expect(out[1]).toBe(Number.NEGATIVE_INFINITY);
    expect(out[2]).toBeNaN();
  });

  test("checks its arguments", () => {
    const two = row([0, 0]);
    expect(() => applyGuidance(two, row([0]), 2, two)).toThrow('"guidanceLogits" and "out" expected 2 values');
    expect(() => applyGuidance(two, two, 2, row([0]))).toThrow("got 2 and 1");
    expect(() => applyGuidance(two, two, Number.NaN, two)).toThrow('"scale" expected');
  });
});

interface GoldenCase {
  readonly name: string;
  readonly model: string;
  readonly args: readonly string[];
  readonly stdout: { readonly text: string };
}

describeWithTestData("texts that llama.cpp's last ggjt revision recorded with guidance", () => {
  const golden = JSON.parse(readFileSync(testData("golden/stories260k-after-803.json"), "utf8")) as {
    cases: GoldenCase[];
  };
  const guided = golden.cases.filter(({ args }) => args.includes("--cfg-scale"));

  test("there are four", () => {
    expect(guided).toHaveLength(4);
  });

  test.each(guided.map((one) => [one.name, one] as const))("%s", async (_name, { model: type, args, stdout }) => {
    const option = (name: string) => (args.includes(name) ? args[args.indexOf(name) + 1]! : undefined);
    const source = await openFileSource(testData(`models/stories260k/ggjt/${type}.bin`));
    const file = await openGgml(source);
    const rmsNormEps = f32(Number(option("-eps")));
    const model = createScalarModel(await loadWeights(file, configFromGgml(file.hyperParams, { rmsNormEps })));
    await source.close();
    const { encode, tokenBytes, nVocab, special } = createTokenizer(file.vocab);
    const { eos } = special;

    let guidanceLogits: Float32Array = new Float32Array(nVocab);
    const guidance: SamplerStage = {
      kind: "custom",
      name: "guidance",
      apply: ({ logits }) => applyGuidance(logits, guidanceLogits, Number(option("--cfg-scale")), logits),
    };
    const temperature = option("--temp") === undefined ? undefined : Number(option("--temp"));
    const sampler = createSampler({
      stages: samplingChain({ guidance, temperature }),
      seed: Number(option("-s")),
      nVocab,
    });
    const generator = createGenerator(await model.createContext({ contextTokens: 512 }), { sampler });
    const other = await model.createContext({ contextTokens: 512 });

    // the other context reads the negative prompt while this one reads the prompt, then both read every token
    const prompt = ` ${option("-p")}`;
    generator.accept(encode(prompt, { bos: true }));
    let otherPending = encode(` ${option("--cfg-negative-prompt")}`, { bos: true });
    let otherPast = 0;
    const text: Uint8Array[] = [new TextEncoder().encode(prompt)];
    for (let i = 0; i < Number(option("-n")); i++) {
      guidanceLogits = await other.evaluate(otherPending, otherPast);
      otherPast += otherPending.length;
      await generator.evaluatePending();
      const id = generator.sample();
      text.push(tokenBytes(id));
      if (id === eos) break;
      otherPending = Int32Array.of(id);
    }
    expect(Buffer.concat(text).toString()).toBe(stdout.text);
  });
});
