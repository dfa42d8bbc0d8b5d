// The embedded model as a GGUF file, and variants of such files.

import { writeFile } from "node:fs/promises";
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

/** The tensors of a file in two, as gguf-split makes them. */
export async function splitInTwo(bytes: Uint8Array, stem: string): Promise<void> {
  const file = await openGguf(memorySource(bytes));
  const half = Math.ceil(file.tensors.length / 2);
  for (const [no, tensors] of [file.tensors.slice(0, half), file.tensors.slice(half)].entries()) {
    const metadata = new Map<string, WritableValue>([
      ["split.no", { type: "u16", value: no }],
      ["split.count", { type: "u16", value: 2 }],
      ["split.tensors.count", { type: "i32", value: file.tensors.length }],
    ]);
    for (const [key, value] of no === 0 ? file.metadata : []) {
      const items = value.type === "array" ? await value.read(value.itemType) : undefined;
      metadata.set(key, (items === undefined ? value : { ...value, type: "array", items }) as WritableValue);
    }
    const sink = memorySink();
    const writer = await createGgufWriter(sink, { metadata, tensors });
    for (const tensor of tensors) {
      const data = new Uint8Array(tensor.byteLength);
      await tensor.read(0, data);
      await writer.writeTensor(tensor.name, [data]);
    }
    await writer.finish();
    await writeFile(`${stem}-0000${no + 1}-of-00002.gguf`, sink.bytes());
  }
}

/** A tensor of sines. */
export interface SineTensor {
  readonly name: string;
  readonly shape: readonly number[];
}

/** Writes a file with f32 tensors; for `[number, count]` one of a set. */
export async function writeGguf(
  path: string,
  tensors: readonly SineTensor[],
  pairs: Readonly<Record<string, WritableValue>> = {},
  ofSet?: readonly [number: number, count: number, nTensors: number],
): Promise<string> {
  const metadata = new Map<string, WritableValue>(Object.entries(pairs));
  if (ofSet !== undefined) {
    for (const [index, key] of ["split.no", "split.count", "split.tensors.count"].entries()) {
      metadata.set(key, { type: "u16", value: ofSet[index] as number });
    }
  }
  const sink = memorySink();
  const plan = { metadata, tensors: tensors.map(({ name, shape }) => ({ name, shape, type: "f32" })) };
  const writer = await createGgufWriter(sink, plan);
  for (const { name, shape } of tensors) {
    const values = Float32Array.from({ length: shape.reduce((product, size) => product * size, 1) }, (_, i) =>
      Math.sin(i),
    );
    await writer.writeTensor(name, [new Uint8Array(values.buffer)]);
  }
  await writer.finish();
  await writeFile(path, sink.bytes());
  return path;
}

/** Metadata of a LLaMA of so many layers. */
export function llamaPairs(nLayers: number): Record<string, WritableValue> {
  return {
    "general.architecture": { type: "string", value: "llama" },
    "llama.block_count": { type: "u32", value: nLayers },
    "llama.attention.head_count": { type: "u32", value: 4 },
  };
}

/** A file of importance of the older format: for one tensor, column i as important as i + 1. */
export async function writeImportance(path: string, tensor: string, nColumns: number): Promise<string> {
  const i32 = (...values: number[]): Buffer => Buffer.from(Int32Array.from(values).buffer);
  const values = Float32Array.from({ length: nColumns }, (_, i) => (i + 1) ** 2);
  const parts = [i32(1, tensor.length), Buffer.from(tensor), i32(1, nColumns), Buffer.from(values.buffer)];
  await writeFile(path, Buffer.concat(parts));
  return path;
}
