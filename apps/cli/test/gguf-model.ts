// The embedded model as a GGUF file, and variants of such files.

import { memorySink, memorySource } from "@ll/bytes";
import { contentsOfGgml, convertCheckpoint } from "@ll/convert";
import { openGgml } from "@ll/ggml-format";
import { createGgufWriter, openGguf, type WritableValue } from "@ll/gguf";
import { tinyModel } from "../../../tools/tiny-model.ts";

/** Its bytes, with f16 matrices. */
export async function tinyGguf(): Promise<Uint8Array> {
  const contents = contentsOfGgml(await openGgml(memorySource(await tinyModel("f16"))));
  const sink = memorySink();
  await convertCheckpoint({ ...contents, outType: "f16", container: "gguf" }, sink);
  return sink.bytes();
}

/** A GGUF file with other values under some keys; undefined takes a key away. */
export async function withKeys(
  bytes: Uint8Array,
  changes: Readonly<Record<string, WritableValue | undefined>>,
): Promise<Uint8Array> {
  const file = await openGguf(memorySource(bytes));
  const metadata = new Map<string, WritableValue>();
  for (const [key, value] of file.metadata) {
    const items = value.type === "array" ? await value.read(value.itemType) : undefined;
    metadata.set(key, (items === undefined ? value : { ...value, type: "array", items }) as WritableValue);
  }
  for (const [key, value] of Object.entries(changes)) {
    if (value === undefined) metadata.delete(key);
    else metadata.set(key, value);
  }
  const sink = memorySink();
  const writer = await createGgufWriter(sink, { metadata, tensors: file.tensors });
  for (const tensor of file.tensors) {
    const data = new Uint8Array(tensor.byteLength);
    await tensor.read(0, data);
    await writer.writeTensor(tensor.name, [data]);
  }
  await writer.finish();
  return sink.bytes();
}
