// Metadata of a GGUF file, to be written to another.

import {
  GgufArray,
  type GgufMetadata,
  GgufText,
  type NestedArray,
  type WritableArray,
  type WritableValue,
} from "@ll/gguf";

/** Reads all arrays. Texts end at a NUL byte, as llama.cpp copies them. @throws GgufFormatError, IoError */
export async function writableMetadata(metadata: GgufMetadata): Promise<Map<string, WritableValue>> {
  const written = new Map<string, WritableValue>();
  for (const [key, value] of metadata) {
    if (value instanceof GgufArray) {
      const { itemType } = value;
      written.set(key, writableArray({ itemType, items: await value.read(itemType) } as NestedArray));
    } else if (value instanceof GgufText) written.set(key, { type: "string", value: beforeNul(value.bytes) });
    else written.set(key, value);
  }
  return written;
}

function writableArray({ itemType, items }: NestedArray): WritableArray {
  if (itemType === "string") return { type: "array", itemType, items: items.map(beforeNul) };
  if (itemType === "array") return { type: "array", itemType, items: items.map(writableArray) };
  return { type: "array", itemType, items } as WritableArray;
}

function beforeNul(text: Uint8Array): Uint8Array {
  const end = text.indexOf(0);
  return end < 0 ? text : text.subarray(0, end);
}
