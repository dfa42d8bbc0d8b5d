// safetensors files.

import { memorySource } from "@ll/bytes";
import { openSafetensors } from "@ll/checkpoint";
import { safetensorsFile, safetensorsText } from "../../../packages/checkpoint/test/support/safetensors-writer.ts";
import { readTensors } from "./read-tensors.ts";

export const seeds: readonly Uint8Array[] = [
  safetensorsFile(
    new Map([
      ["a.weight", { type: "f32", shape: [2, 3], bytes: new Uint8Array(24) }],
      ["\u00e4", { type: "bf16", shape: [], bytes: new Uint8Array(2) }],
    ]),
  ),
  safetensorsText("{}"),
  safetensorsText(
    ' {"a":{"dtype":"I64","shape":[2,0],"data_offsets":[0,0]},"__metadata__":{"x":"\\u00e4\\ud83d\\ude00"}} ',
  ),
];
export const dictionary: readonly string[] = [
  '"__metadata__":{}',
  '"dtype":"F16"',
  '"shape":[1]',
  '"data_offsets":[0,4]',
  "18446744073709551615",
  "9007199254740993",
  "1e999",
  "-0",
  "\\u0061",
  "\\ud800",
  "{",
  "}",
  "[",
  "]",
  ",",
  "null",
  '"__proto__":',
];

export async function fuzz(data: Uint8Array): Promise<void> {
  const { tensors } = await openSafetensors(memorySource(data));
  await readTensors(tensors.values());
}
