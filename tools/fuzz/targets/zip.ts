// .pth files: a zip archive with a pickle and storages. Checksums of 0 mean "none", so that damage reaches the pickle.

import { memorySource } from "@ll/bytes";
import { openTorchCheckpoint } from "@ll/checkpoint";
import { openZipArchive } from "@ll/checkpoint/node";
import { dict, pickle, tensor } from "../../../packages/checkpoint/test/support/pickle-writer.ts";
import { torchFile } from "../../../packages/checkpoint/test/support/torch-writer.ts";
import { zip, zip64End } from "../../../packages/checkpoint/test/support/zip-writer.ts";
import { readTensors } from "./read-tensors.ts";

const weight = { type: "f32", shape: [2, 3], bytes: new Uint8Array(24) };
const unchecked = (options: { descriptor?: boolean }): Parameters<typeof zip>[0]["entries"] => [
  {
    name: "m/data.pkl",
    data: pickle(dict([["a", tensor({ storage: "FloatStorage", key: "0", numel: 6, shape: [2, 3] })]])),
    crc: 0,
    ...options,
  },
  { name: "m/data/0", data: new Uint8Array(24), crc: 0, ...options },
  { name: "m/byteorder", data: new TextEncoder().encode("little"), crc: 0 },
];

export const seeds: readonly Uint8Array[] = [
  torchFile(new Map([["a.weight", weight]])),
  torchFile(new Map([["t", { ...weight, strides: [1, 2] }]])),
  zip({ entries: unchecked({}) }),
  zip({ entries: unchecked({ descriptor: true }) }),
  zip({ entries: unchecked({}), comment: new Uint8Array(5) }),
  zip({ entries: unchecked({}), beforeEnd: zip64End }),
];
export const dictionary: readonly string[] = [
  "PK\x01\x02",
  "PK\x03\x04",
  "PK\x05\x06",
  "PK\x06\x06",
  "PK\x06\x07",
  "\x01\x00\x08\x00",
  "data.pkl",
  "m/data/0",
  "byteorder",
];

export async function fuzz(data: Uint8Array): Promise<void> {
  const archive = await openZipArchive(memorySource(data));
  const { tensors } = await openTorchCheckpoint(archive);
  await readTensors(tensors.values());
  await archive.verify();
}
