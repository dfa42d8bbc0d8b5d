// Recorded runs with the options that came after build 803, and with LoRA adapters.

import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { describeWithTestData, testData } from "../../../../tools/test-data.ts";
import { runHere, temporaryDirectory } from "../programs.ts";
import { argumentsIn, readGoldenCases } from "./golden-cases.ts";

describeWithTestData("stories260k", () => {
  const model = (name: string): string => testData(`models/stories260k/ggjt/${name}.bin`);

  describe("text identical to the last build that reads ggjt", () => {
    const cases = readGoldenCases(testData("golden/stories260k-after-803.json"));
    it.each(cases.map((golden) => [golden.name, golden] as const))("%s", async (_name, golden) => {
      const args = argumentsIn(await temporaryDirectory(), golden, model(golden.model));
      // the default of that build; here it stays that of build 803
      const eps = golden.args.includes("-eps") ? [] : ["-eps", "5e-6"];
      const result = await runHere(`ll-${golden.tool}`, [...args, ...eps]);
      expect(result.stdout).toBe(golden.stdout?.text);
      expect(result.code).toBe(golden.exit);
    });
  });

  it("has all recorded runs", () => {
    expect(readGoldenCases(testData("golden/stories260k-after-803.json"))).toHaveLength(36);
    expect(readGoldenCases(testData("golden/stories260k-lora.json"))).toHaveLength(6);
  });

  describe("adapters: text identical to build 803, and what it says of them", () => {
    interface LoraCase {
      readonly model: string;
      readonly args: readonly string[];
      readonly stdout: string;
      readonly stderrWarnings: readonly string[];
    }
    const { cases } = JSON.parse(readFileSync(testData("golden/stories260k-lora.json"), "utf8")) as {
      cases: LoraCase[];
    };
    const lines = (text: string): string[] =>
      text.split("\n").filter((line) => line.startsWith("llama_apply_lora_from_file_internal"));

    it.each(cases.map((golden) => [golden.model, golden.args.join(" "), golden] as const))(
      "%s %s",
      async (_model, _args, golden) => {
        const directory = testData("models/stories260k/ggjt/");
        const args = golden.args.map((arg) => (arg.endsWith(".bin") ? directory + arg : arg));
        const result = await runHere("ll-main", ["-m", model(golden.model), "-t", "1", ...args]);
        expect(result.stdout).toBe(golden.stdout);
        expect(result.code).toBe(0);
        expect(lines(result.stderr.replaceAll(directory, ""))).toEqual(golden.stderrWarnings);
        expect(result.stderr).toMatch(/^\.\. done \(\d+\.\d\d ms\)$/m); // a dot for every fourth of 10 pairs
      },
    );
  });
});
