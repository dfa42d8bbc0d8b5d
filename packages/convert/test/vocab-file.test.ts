import { memorySink, memorySource } from "@ll/bytes";
import { openGgml } from "@ll/ggml-format";
import { expect, test } from "vitest";
import { vocabFileBytes, writeVocabFile } from "../src/vocab-file.ts";
import { vocabulary } from "./models.ts";

test.each([1, 3] as const)("holds the vocabulary, one head and nothing else: ggjt v%d", async (container) => {
  const input = { vocab: vocabulary(12), container };
  const sink = memorySink();
  await writeVocabFile(input, sink);
  expect(sink.bytesWritten).toBe(vocabFileBytes(input));
  const file = await openGgml(memorySource(sink.bytes()));
  expect(file.container.version).toBe(container);
  expect(file.hyperParams).toEqual({ nVocab: 12, nEmbd: 0, nMult: 0, nHead: 1, nLayer: 0, nRot: 0, ftype: 0 });
  expect(file.vocab).toEqual(vocabulary(12));
  expect(file.tensors).toEqual([]);
});

test("an empty vocabulary is refused", async () => {
  const sink = memorySink();
  await expect(writeVocabFile({ vocab: [], container: 3 }, sink)).rejects.toMatchObject({ code: "E_LIMIT" });
  expect(sink.bytesWritten).toBe(0);
});
