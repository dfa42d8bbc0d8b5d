// Safetensors files, from tensors in memory or from a header given as text.

import { concat, u64 } from "./bytes.ts";
import type { TensorData } from "./torch-writer.ts";

export function safetensorsText(header: string | Uint8Array, data: Uint8Array = new Uint8Array(0)): Uint8Array {
  const bytes = typeof header === "string" ? new TextEncoder().encode(header) : header;
  return concat(u64(bytes.length), bytes, data);
}

export function safetensorsFile(tensors: ReadonlyMap<string, TensorData>): Uint8Array {
  let offset = 0;
  const entries = [...tensors].map(([name, { type, shape, bytes }]) => {
    const begin = offset;
    offset += bytes.length;
    const entry = { dtype: type.toUpperCase(), shape, data_offsets: [begin, offset] };
    return `${JSON.stringify(name)}:${JSON.stringify(entry)}`;
  });
  const data = concat(...[...tensors.values()].map((tensor) => tensor.bytes));
  return safetensorsText(`{"__metadata__":{"format":"pt"},${entries.join(",")}}`, data);
}
