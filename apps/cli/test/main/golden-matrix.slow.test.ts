// Every recorded text with all kernels, with 1, 2 and 3 threads by turns: that logits are equal with each number of them, whatever the
// batch, is shown by the tests of @ll/llama. A model is loaded once for each combination.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { KERNEL_NAMES, type KernelName } from "@ll/quant";
import { afterAll, describe, expect, it } from "vitest";
import { describeWithTestData, fixture, testData } from "../../../../tools/test-data.ts";
import { type TinyType, tinyModel } from "../../../../tools/tiny-model.ts";
import type { Io } from "../../src/command.ts";
import { runMain } from "../../src/commands/main/run.ts";
import { type LoadedModel, loadModel } from "../../src/inference/model-loading.ts";
import { readParams } from "../../src/inference/read-params.ts";
import { term } from "../../src/terminal.ts";
import { captured } from "../programs.ts";
import { argumentsIn, type GoldenCase, hashesOfWritten, readGoldenCases } from "./golden-cases.ts";

const directory = mkdtempSync(join(tmpdir(), "ll-matrix-"));
afterAll(() => rmSync(directory, { recursive: true }));

/** All, with both ways of adding products where there are both, and which third of the cases. The readable engine knows no threads. */
const COMBINATIONS = KERNEL_NAMES.filter((name) => name !== "relaxed" && name !== "wide").flatMap((name, i) =>
  (name === "scalar" ? [1] : [1, 2, 3]).map((threads) => [name, threads, (i + threads) % 3] as const),
);

describeMatrix("tiny", fixture("tiny/golden/tiny-main.json"), async (type) => {
  const path = join(directory, `${type}.bin`);
  writeFileSync(path, await tinyModel(type as TinyType));
  return path;
});

describeWithTestData("third-party model", () => {
  describeMatrix("stories260k", testData("golden/stories260k-main.json"), async (type) =>
    testData(`models/stories260k/ggjt/${type}.bin`),
  );
});

function describeMatrix(name: string, goldenPath: string, modelPath: (type: string) => Promise<string>): void {
  const cases = readGoldenCases(goldenPath).filter((golden) => golden.stdout !== undefined);
  describe.each(COMBINATIONS)(`${name}, %s kernels, %i threads`, (kernelName, threads, third) => {
    const own = cases.filter((_, i) => kernelName === "scalar" || i % 3 === third);
    const models = new Map<string, Promise<LoadedModel>>();
    const load = (type: string): typeof loadModel => {
      return async (params, io) => {
        let loaded = models.get(type);
        if (loaded === undefined) {
          loaded = loadModel(params, io);
          models.set(type, loaded);
        }
        const { model, ...rest } = await loaded;
        return { ...rest, model: { ...model, dispose: async () => undefined } };
      };
    };
    afterAll(async () => {
      for (const loaded of models.values()) await (await loaded).model.dispose();
    });

    it("gives recorded texts and session files", async () => {
      for (const golden of own) {
        const path = await modelPath(golden.model);
        const result = await runCase(golden, path, kernelName, threads, load(golden.model));
        expect(result, golden.name).toEqual(expectedOf(golden));
      }
      const loaded = await Promise.all(models.values());
      expect(new Set(loaded.map(({ kernels }) => kernels))).toEqual(new Set([kernelName.replace(/-.*/, "")]));
      expect(new Set(loaded.map((model) => model.threads))).toEqual(new Set([threads]));
    });
  });
}

interface CaseResult {
  readonly text: string | undefined;
  readonly written: Record<string, string>;
}

function expectedOf(golden: GoldenCase): CaseResult {
  const written = Object.entries(golden.written ?? {}).map(([name, { sha256 }]) => [name, sha256]);
  return { text: golden.stdout?.text, written: Object.fromEntries(written) };
}

async function runCase(
  golden: GoldenCase,
  path: string,
  kernelName: KernelName,
  threads: number,
  load: typeof loadModel,
): Promise<CaseResult> {
  const folder = mkdtempSync(join(directory, "case-"));
  const out = captured();
  const io: Io = { out: term(out), err: term(captured()), env: { LL_KERNEL: kernelName } };
  const argv = [...argumentsIn(folder, golden, path), "-t", String(threads)];
  const params = await readParams({ examples: ["", ""], usage: "", description: "" }, "ll-main", argv, io);
  if (params === undefined) throw new Error(`no run: ${argv.join(" ")}`);
  await runMain(params, io, load);
  return { text: out.text(), written: hashesOfWritten(folder, golden) };
}
