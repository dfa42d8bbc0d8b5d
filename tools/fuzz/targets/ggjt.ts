// Model files of ggml, ggmf and ggjt.

import { memorySource } from "@ll/bytes";
import { checkLlamaTensors, openGgml } from "@ll/ggml-format";
import { MAGIC, smallModel, smallTensors } from "../../../packages/ggml-format/test/ggml-bytes.ts";
import { readTensors } from "./read-tensors.ts";

export const seeds: readonly Uint8Array[] = [
  smallModel(),
  smallModel({ tensors: [] }),
  smallModel({ tensors: smallTensors(1) }),
  smallModel({ magic: MAGIC.ggml }),
  smallModel({ magic: MAGIC.ggmf }),
];
export const dictionary: readonly string[] = [
  "tjgg",
  "fmgg",
  "lmgg",
  "weight",
  "layers.0.",
  "norm.weight",
  "__proto__",
];

export async function fuzz(data: Uint8Array): Promise<void> {
  const file = await openGgml(memorySource(data), { oldBlocks: (data.length & 1) === 0 });
  for (const { text } of file.vocab) text.at(0);
  await readTensors(file.tensors);
  checkLlamaTensors(file);
}
