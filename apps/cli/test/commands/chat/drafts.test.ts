// Drafts in ll-chat: they are taken, and the conversation is the one without.

import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { tinyModel } from "../../../../../tools/tiny-model.ts";
import { ended, start, temporaryDirectory } from "../../programs.ts";

const CLEAN = { HOME: "/nonexistent", XDG_CONFIG_HOME: "", LL_MODEL: "", LL_THREADS: "", LL_CTX_SIZE: "" };
const SHORT = ["--template", "alpaca", "--system", "", "-s", "3", "-n", "24", "-c", "256", "-t", "1", "--json"];

interface Answer {
  readonly answer: string;
  readonly answerTokens: number;
  readonly acceptedTokens?: number;
}

async function talk(argv: readonly string[]): Promise<Answer[]> {
  const child = start(["ll-chat", ...argv, ...SHORT], { env: CLEAN });
  child.stdin?.write("A dog. A dog. A dog.\nA dog. A dog. A dog.\n");
  const { code, stdout, stderr } = await ended(child);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  return stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
}

test("the answers are those without, and some guesses are right", async () => {
  const folder = await temporaryDirectory();
  const [model, small] = [join(folder, "q8_0.bin"), join(folder, "q4_0.bin")];
  await writeFile(model, await tinyModel("q8_0"));
  await writeFile(small, await tinyModel("q4_0"));
  const plain = await talk([model]);
  expect(plain).toHaveLength(2);
  for (const drafts of [
    ["--lookup", "6"],
    ["--draft-model", small, "--draft", "4"],
  ]) {
    const drafted = await talk([model, ...drafts]);
    expect(drafted.map(({ answer }) => answer)).toEqual(plain.map(({ answer }) => answer));
    expect(drafted.map(({ answerTokens }) => answerTokens)).toEqual(plain.map(({ answerTokens }) => answerTokens));
    const accepted = drafted.reduce((sum, { acceptedTokens = 0 }) => sum + acceptedTokens, 0);
    if (drafts[0] === "--draft-model") expect(accepted).toBeGreaterThan(8);
  }
});
