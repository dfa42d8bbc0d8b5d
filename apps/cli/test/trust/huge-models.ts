// Files of LLaMA 7B in f16, 13 GB of holes that take a few hundred KB on disk.

import { open } from "node:fs/promises";
import { join } from "node:path";
import type { ByteSink } from "@ll/bytes";
import { createGgufWriter } from "@ll/gguf";
import { configFromGgml, expectedTensors } from "@ll/llama";
import { writeSparseLlama } from "../models.ts";

export const HUGE_KINDS = ["ggjt", "gguf", "safetensors"] as const;
export type HugeKind = (typeof HUGE_KINDS)[number];

const N_VOCAB = 32_000;
const N_LAYERS = 32;
const HYPER_PARAMS = { nVocab: N_VOCAB, nEmbd: 4096, nMult: 256, nHead: 32, nLayer: N_LAYERS, nRot: 128, ftype: 1 };
const SHAPES = [...expectedTensors(configFromGgml(HYPER_PARAMS))];

/** The piece that stands for zeros: it is skipped, not written. */
const ZEROS = new Uint8Array(2 ** 24);

export function writeHuge(kind: HugeKind, directory: string): Promise<string> {
  const path = join(directory, `model.${kind}`);
  if (kind === "ggjt") return writeSparseLlama(path, N_LAYERS);
  return kind === "gguf" ? writeGguf(path) : writeSafetensors(path);
}

async function writeGguf(path: string): Promise<string> {
  const file = await open(path, "w");
  let end = 0;
  const sink: ByteSink = {
    get bytesWritten() {
      return end;
    },
    async write(bytes) {
      if (bytes.buffer !== ZEROS.buffer) await file.write(bytes, 0, bytes.length, end);
      end += bytes.length;
    },
  };
  const tokens = Array.from({ length: N_VOCAB }, (_, id) => new TextEncoder().encode(`token ${id}`));
  const tensors = SHAPES.map(([name, shape]) => ({ name, type: shape.length === 1 ? "f32" : "f16", shape }));
  const metadata = new Map([["tokenizer.ggml.tokens", { type: "array", itemType: "string", items: tokens }]] as const);
  const writer = await createGgufWriter(sink, { metadata, tensors });
  for (const { name, type, shape } of tensors) await writer.writeTensor(name, zeros(bytesOf(type, shape)));
  await writer.finish();
  await file.truncate(end);
  await file.close();
  return path;
}

function* zeros(length: number): Generator<Uint8Array> {
  for (let left = length; left > 0; left -= ZEROS.length) yield ZEROS.subarray(0, Math.min(left, ZEROS.length));
}

async function writeSafetensors(path: string): Promise<string> {
  let end = 0;
  const entries = SHAPES.map(([name, shape]) => {
    const begin = end;
    end += bytesOf("f16", shape);
    return [name, { dtype: "F16", shape, data_offsets: [begin, end] }] as const;
  });
  const json = Buffer.from(JSON.stringify(Object.fromEntries(entries)));
  const head = Buffer.alloc(8);
  head.writeBigUInt64LE(BigInt(json.length));
  const file = await open(path, "w");
  await file.write(Buffer.concat([head, json]));
  await file.truncate(8 + json.length + end);
  await file.close();
  return path;
}

function bytesOf(type: string, shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, type === "f32" ? 4 : 2);
}
