// Today's families with their own vocabularies: a prompt becomes ids, and ids become text.

import { existsSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { describeWithTestData, testData } from "../../../../tools/test-data.ts";
import { runHere } from "../programs.ts";

const RUN = ["-n", "8", "--temp", "0", "-s", "1", "-t", "1"];

describeWithTestData("ll-main", () => {
  describe.each(["llama3", "qwen3"])("%s", (name) => {
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
});
