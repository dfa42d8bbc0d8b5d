// The embedded model as a GGUF file.

import { memorySink, memorySource } from "@ll/bytes";
import { contentsOfGgml, convertCheckpoint } from "@ll/convert";
import { openGgml } from "@ll/ggml-format";
import { tinyModel } from "../../../tools/tiny-model.ts";

/** Its bytes, with f16 matrices. */
export async function tinyGguf(): Promise<Uint8Array> {
  const contents = contentsOfGgml(await openGgml(memorySource(await tinyModel("f16"))));
  const sink = memorySink();
  await convertCheckpoint({ ...contents, outType: "f16", container: "gguf" }, sink);
  return sink.bytes();
}
