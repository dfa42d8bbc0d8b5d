// Files of importance, made by hand.

import { memorySink } from "@ll/bytes";
import { createGgufWriter, type WritableValue } from "@ll/gguf";
import { f32Bytes } from "../models.ts";

/** @param entries sums of squares and counts, by name */
export async function ggufImportance(
  entries: Record<string, readonly [sums: number[] | undefined, counts: number[] | undefined]>,
  pairs: Record<string, WritableValue | undefined> = {},
): Promise<Uint8Array> {
  const metadata = new Map<string, WritableValue>([
    ["general.type", { type: "string", value: "imatrix" }],
    ["imatrix.datasets", { type: "array", itemType: "string", items: ["text"] }],
    ["imatrix.chunk_count", { type: "u32", value: 7 }],
    ["imatrix.chunk_size", { type: "u32", value: 512 }],
  ]);
  for (const [key, value] of Object.entries(pairs)) {
    if (value === undefined) metadata.delete(key);
    else metadata.set(key, value);
  }
  const tensors = Object.entries(entries).flatMap(([name, [sums, counts]]) =>
    [
      { name: `${name}.in_sum2`, values: sums },
      { name: `${name}.counts`, values: counts },
    ].flatMap(({ name, values }) =>
      values === undefined ? [] : [{ name, values, type: "f32", shape: [values.length] }],
    ),
  );
  const sink = memorySink();
  const writer = await createGgufWriter(sink, { metadata, tensors });
  for (const { name, values } of tensors) await writer.writeTensor(name, [f32Bytes(values)]);
  await writer.finish();
  return sink.bytes();
}

/** @param nEntries as the file declares it */
export function oldImportance(
  entries: readonly { readonly name: string; readonly nCalls: number; readonly values: number[] }[],
  end?: { readonly nChunks: number; readonly dataset: string },
  nEntries: number = entries.length,
): Uint8Array {
  const i32 = (value: number): Uint8Array => new Uint8Array(Int32Array.of(value).buffer);
  const text = (value: string): Uint8Array[] => [i32(value.length), new TextEncoder().encode(value)];
  const parts = [
    i32(nEntries),
    ...entries.flatMap(({ name, nCalls, values }) => [
      ...text(name),
      i32(nCalls),
      i32(values.length),
      f32Bytes(values),
    ]),
    ...(end === undefined ? [] : [i32(end.nChunks), ...text(end.dataset)]),
  ];
  return new Uint8Array(Buffer.concat(parts));
}
