// Which reader takes a file: told by its first four bytes.

import type { ByteSource } from "@ll/bytes";
import { GGJT_MAGIC, GGMF_MAGIC, GGML_MAGIC } from "@ll/ggml-format";
import { GGUF_MAGIC } from "@ll/gguf";

/** `ggml` stands for ggml, ggmf and ggjt files. */
export type ModelContainer = "ggml" | "gguf";

const CONTAINERS: ReadonlyMap<number, ModelContainer> = /* @__PURE__ */ new Map([
  [GGML_MAGIC, "ggml"],
  [GGMF_MAGIC, "ggml"],
  [GGJT_MAGIC, "ggml"],
  [GGUF_MAGIC, "gguf"],
]);

/** Context that the LLaMA models of 2023 were trained for, which ggml files have no field for. */
export const TRAINED_CONTEXT_TOKENS = 2048;

/** Undefined for any other file. @throws IoError */
export async function containerOf(source: ByteSource): Promise<ModelContainer | undefined> {
  if (source.byteLength < 4) return undefined;
  const bytes = new Uint8Array(4);
  await source.read(0, bytes);
  return CONTAINERS.get(new DataView(bytes.buffer).getUint32(0, true));
}
