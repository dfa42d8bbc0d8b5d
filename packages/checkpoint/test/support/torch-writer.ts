// A .pth file as torch.save makes it, from tensors in memory.

import { dict, pickle, tensor } from "./pickle-writer.ts";
import { type ZipEntrySpec, zip } from "./zip-writer.ts";

export interface TensorData {
  readonly type: string;
  readonly shape: readonly number[];
  /** The storage; its elements in row-major order unless there are strides. */
  readonly bytes: Uint8Array;
  readonly strides?: readonly number[];
  readonly offset?: number;
}

const STORAGES = new Map([
  ["f32", { name: "FloatStorage", bytes: 4 }],
  ["f16", { name: "HalfStorage", bytes: 2 }],
  ["bf16", { name: "BFloat16Storage", bytes: 2 }],
  ["i32", { name: "IntStorage", bytes: 4 }],
  ["i64", { name: "LongStorage", bytes: 8 }],
]);

/** The pickle and the storages of a state dict. @param wrap what is saved instead of the dict itself */
function torchEntries(
  tensors: ReadonlyMap<string, TensorData>,
  root = "archive",
  wrap: (stateDict: Uint8Array) => Uint8Array = (stateDict) => stateDict,
): ZipEntrySpec[] {
  const storages: ZipEntrySpec[] = [];
  const items = [...tensors].map(([name, data], i): readonly [string, Uint8Array] => {
    const storage = STORAGES.get(data.type)!;
    storages.push({ name: `${root}/data/${i}`, data: data.bytes });
    const { shape, strides, offset } = data;
    const numel = data.bytes.length / storage.bytes;
    return [
      name,
      tensor({
        storage: storage.name,
        key: `${i}`,
        numel,
        shape,
        ...(strides && { strides }),
        ...(offset && { offset }),
      }),
    ];
  });
  const version = { name: `${root}/version`, data: new TextEncoder().encode("3\n") };
  return [{ name: `${root}/data.pkl`, data: pickle(wrap(dict(items))) }, ...storages, version];
}

export function torchFile(
  tensors: ReadonlyMap<string, TensorData>,
  root?: string,
  wrap?: (stateDict: Uint8Array) => Uint8Array,
): Uint8Array {
  return zip({ entries: torchEntries(tensors, root, wrap) });
}
