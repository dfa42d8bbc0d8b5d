// Everything that a file holds, as a flat list of texts.

import { GgufArray, type GgufFile, type ItemArrays } from "../../src/index.ts";

type Items = ItemArrays[keyof ItemArrays];

/** One text per pair and per tensor, and one for the version. Numbers keep their bits. */
export async function records(file: GgufFile): Promise<string[]> {
  const list = [`version ${file.version}`];
  for (const [key, value] of file.metadata) {
    if (value instanceof GgufArray) list.push(`${key} ${value.itemType} ${shown(await value.read(value.itemType))}`);
    else if (value.type === "string") list.push(`${key} string ${value.bytes.join()}`);
    else list.push(`${key} ${value.type} ${number(value.value)}`);
  }
  for (const tensor of file.tensors) {
    const data = new Uint8Array(tensor.byteLength);
    await tensor.read(0, data);
    list.push(`${tensor.name} ${tensor.type} ${tensor.shape.join("×")} ${data.join()}`);
  }
  return list;
}

function shown(items: Items): string {
  const list = Array.from(items as ArrayLike<unknown>, (item) => {
    if (item instanceof Uint8Array) return item.join();
    if (typeof item !== "object") return number(item as number);
    const { itemType, items: inner } = item as { itemType: string; items: Items };
    return `${itemType} ${shown(inner)}`;
  });
  return `[${list.join("; ")}]`;
}

function number(value: number | bigint | boolean): string {
  return Object.is(value, -0) ? "-0" : String(value);
}
