// A model file that changes between its header and its weights: never a mixture, never a wait for a pipe.

import { execFileSync } from "node:child_process";
import { copyFileSync, mkdtempSync, readFileSync, renameSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { memorySink, memorySource } from "@ll/bytes";
import { openFileSource } from "@ll/bytes/node";
import { contentsOfGgml, convertCheckpoint } from "@ll/convert";
import { openGgml } from "@ll/ggml-format";
import { metadataGetter, openGguf } from "@ll/gguf";
import { expect, onTestFinished, test } from "vitest";
import { tinyModel } from "../../../../tools/tiny-model.ts";
import { configFromGgml, configFromGguf, loadWeights, type ModelConfig, type TensorSource } from "../../src/index.ts";
import { loadForTest } from "./support/engines.ts";

type Opened = { readonly path: string; readonly tensors: TensorSource; readonly config: ModelConfig };

/** An open file with the embedded model. */
async function opened(container: "ggjt" | "gguf"): Promise<Opened> {
  const folder = mkdtempSync(join(tmpdir(), "ll-changed-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const path = join(folder, "model");
  const ggjt = await tinyModel("f16");
  const sink = memorySink();
  if (container === "gguf") {
    const contents = contentsOfGgml(await openGgml(memorySource(ggjt)));
    await convertCheckpoint({ ...contents, outType: "f16", container: "gguf" }, sink);
  }
  writeFileSync(path, container === "gguf" ? sink.bytes() : ggjt);
  const source = await openFileSource(path);
  onTestFinished(() => source.close());
  if (container === "gguf") {
    const file = await openGguf(source);
    return { path, tensors: file, config: configFromGguf(metadataGetter(file.metadata)) };
  }
  const file = await openGgml(source);
  return { path, tensors: file, config: configFromGgml(file.hyperParams) };
}

/** The same header with other weights. */
function otherWeights(path: string): string {
  const bytes = readFileSync(path);
  for (let i = bytes.length >> 1; i < bytes.length; i += 6) bytes[i] = bytes[i]! ^ 0x80;
  writeFileSync(`${path}.other`, bytes);
  return `${path}.other`;
}

const CHANGES: readonly (readonly [how: string, change: (path: string) => void])[] = [
  ["replaced", (path) => renameSync(otherWeights(path), path)],
  ["overwritten", (path) => copyFileSync(otherWeights(path), path)],
  ["truncated", (path) => truncateSync(path, readFileSync(path).length >> 1)],
  ["removed", (path) => rmSync(path)],
  [
    "exchanged by a FIFO",
    (path) => {
      rmSync(path);
      execFileSync("mkfifo", [path]);
    },
  ],
];

for (const container of ["ggjt", "gguf"] as const) {
  test.each(CHANGES)(`a ${container} file that is %s after it was opened is E_CHANGED`, async (_how, change) => {
    for (const threads of [1, 2]) {
      const { path, tensors, config } = await opened(container);
      change(path);
      await expect(loadForTest(tensors, config, { threads })).rejects.toMatchObject({ code: "E_CHANGED", file: path });
    }
    const { path, tensors, config } = await opened(container);
    change(path);
    await expect(loadWeights(tensors, config)).rejects.toMatchObject({ code: "E_CHANGED", file: path });
  });
}

test("a file that changes while it is loaded is E_CHANGED", async () => {
  for (const threads of [1, 2]) {
    const { path, tensors, config } = await opened("ggjt");
    const onEvent = (): void => {
      rmSync(path, { force: true });
    };
    await expect(loadForTest(tensors, config, { threads, onEvent })).rejects.toMatchObject({ code: "E_CHANGED" });
  }
});
