import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, onTestFinished, test } from "vitest";
import { describeWithTestData, testData } from "../test-data.ts";

const SCRIPT = join(import.meta.dirname, "../family-logits.ts");

describeWithTestData("the logits of a GGUF file", () => {
  test("are the same bytes from both engines, and lead to the recorded ids", async () => {
    const folder = await mkdtemp(join(tmpdir(), "ll-logits-"));
    onTestFinished(() => rm(folder, { recursive: true }));
    const [model, tokens] = ["model.gguf", "tokens.json"].map((name) => testData(`models/families/qwen3/${name}`));
    const run = async (engine: string): Promise<{ ids: unknown; bytes: Uint8Array }> => {
      const out = join(folder, engine);
      const words = [model as string, tokens as string, out, "--engine", engine, "--context", "256", "--greedy", "32"];
      const node = ["--conditions=@ll/source", "--no-warnings", SCRIPT];
      const { stdout } = await promisify(execFile)(process.execPath, [...node, ...words]);
      return { ids: JSON.parse(stdout), bytes: await readFile(out) };
    };
    const [scalar, fast] = [await run("scalar"), await run("fast")];
    const { runs } = JSON.parse(await readFile(testData("models/families/qwen3/golden.json"), "utf8"));
    const recorded = runs.find((one: { model: string }) => one.model === "model.gguf");
    expect(scalar.ids).toEqual(recorded.greedy);
    expect(fast).toEqual(scalar);
    expect(scalar.bytes.byteLength % (4 * recorded.nVocab)).toBe(0);
  });
});
