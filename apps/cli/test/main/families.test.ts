// Today's families with their own vocabularies: a prompt becomes ids, and ids become text.

import { existsSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { describeWithTestData, testData } from "../../../../tools/test-data.ts";
import { runHere } from "../programs.ts";

const RUN = ["-n", "8", "--temp", "0", "-s", "1", "-t", "1"];

describeWithTestData("ll-main", () => {
  describe.each(["llama3", "qwen3", "lfm2", "qwen35", "gemma4"])("%s", (name) => {
    const model = testData(`models/families/${name}/model.gguf`);

    test("continues a prompt", async () => {
      expect(existsSync(model)).toBe(true);
      const { code, stdout, stderr } = await runHere("ll-main", ["-m", model, "-p", "Hello there, \u00e9!", ...RUN]);
      expect([code, stderr]).toEqual([0, expect.any(String)]);
      expect(stdout).toContain("Hello there, \u00e9!");
      expect(stdout.length).toBeGreaterThan("Hello there, \u00e9!".length);
    });

    test("has the ids that ll-tokenize prints", async () => {
      const { stderr } = await runHere("ll-main", ["-m", model, "-p", "Hello there", "--verbose-prompt", ...RUN]);
      const ids = Array.from(stderr.matchAll(/^ *(\d+) -> '/gm), ([, number]) => number);
      const { stdout } = await runHere("ll-tokenize", [model, "--as-prompt", "Hello there"]);
      expect(ids.join(" ")).toBe(stdout.trim());
    });

    test("ll-perplexity, ll-embedding and ll-chat take it too", async () => {
      const text = "The quick brown fox jumps over the lazy dog. ".repeat(8);
      const perplexity = await runHere("ll-perplexity", ["-m", model, "-p", text, "-c", "32", "-t", "1"]);
      expect([perplexity.code, perplexity.stdout]).toEqual([0, expect.stringMatching(/^\[1\]\d/)]);
      expect((await runHere("ll-embedding", ["-m", model, "-p", "Hi", "-t", "1"])).code).toBe(0);
      const chat = await runHere("ll-chat", [model, "Hello", ...RUN, "-c", "400"]);
      expect([chat.code, chat.stderr]).toEqual([0, expect.any(String)]);
    });
  });

  // their state cannot be cut back to an earlier position
  describe.each(["lfm2", "qwen35"])("%s", (name) => {
    const model = testData(`models/families/${name}/model.gguf`);

    test("goes on through context swaps, also with guidance", async () => {
      const long = [
        "-m",
        model,
        "-p",
        "Hello",
        "-n",
        "40",
        "-c",
        "24",
        "--keep",
        "3",
        "--temp",
        "0",
        "-s",
        "1",
        "-t",
        "1",
      ];
      for (const more of [[], ["--cfg-scale", "2", "--cfg-negative-prompt", "No"]]) {
        const { code, stderr } = await runHere("ll-main", [...long, ...more]);
        expect([code, stderr]).toEqual([0, expect.stringMatching(/ 40 runs/)]);
      }
    });

    test("refuses --prompt-cache before anything is evaluated", async () => {
      const cache = `${model}.session`;
      const { code, stderr } = await runHere("ll-main", ["-m", model, "-p", "Hello", ...RUN, "--prompt-cache", cache]);
      expect([code, stderr]).toEqual([1, expect.stringContaining("this model has recurrent state besides")]);
      expect(stderr).toContain("leave out --prompt-cache");
      expect(existsSync(cache)).toBe(false);
    });
  });
});
