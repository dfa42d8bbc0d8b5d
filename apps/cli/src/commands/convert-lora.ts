// ll-convert --lora: an adapter as PEFT saves it to a ggla file for ll-main --lora.

import { stat } from "node:fs/promises";
import { join } from "node:path";
import { allocate, printable, type SourceTensor } from "@ll/bytes";
import { createOutFile, openFileSource } from "@ll/bytes/node";
import { asType } from "@ll/checkpoint";
import { openCheckpoint } from "@ll/checkpoint/node";
import { createLoraWriter, type LoraPlan, loraFileBytes, openGgml } from "@ll/ggml-format";
import { containerOf } from "@ll/model";
import { Refusal } from "../errors.ts";
import { pathLine } from "../terminal.ts";
import type { ConvertArguments } from "./convert-arguments.ts";
import { type NotingIo, writeReport } from "./file-report.ts";
import { openPeftAdapter, type PeftPair } from "./peft-adapter.ts";

const PATH_CHARS = 4200;

/** Converts the adapter in `adapter` for the model of the request; standard output gets the path of the file. */
export async function convertLora(request: ConvertArguments, adapter: string, io: NotingIo): Promise<void> {
  const peft = await openPeftAdapter(adapter);
  try {
    const model = await openBaseModel(request.model);
    for (const pair of peft.pairs) assertFits(pair, model);
    const plan: LoraPlan = { r: peft.r, alpha: peft.alpha, tensors: peft.pairs.flatMap(plannedPair) };
    const path = request.outFile ?? join(adapter, "ggml-adapter-model.bin");
    const out = await createOutFile(path, {
      inputs: [...peft.files, ...model.files],
      expectedBytes: loraFileBytes(plan),
      noClobber: request.noClobber,
    });
    try {
      const writer = await createLoraWriter(out, plan);
      for (const { target, a, b } of peft.pairs) {
        await writer.writeTensor(`${target}.loraA`, [bytesOf(transposed(await floatsOf(a), a.shape))]);
        const nHeads = model.permutedHeads(target);
        const rows = await floatsOf(b);
        const rank = b.shape[1] as number;
        await writer.writeTensor(`${target}.loraB`, [
          bytesOf(nHeads === undefined ? rows : permuted(rows, rank, nHeads)),
        ]);
      }
      await writer.finish();
      await peft.stored.verify();
      await out.commit();
    } finally {
      await out.abort(); // harmless after the commit
    }
    io.err.write(`Converted ${peft.files.map((file) => printable(file, PATH_CHARS)).join(" and ")}\n`);
    const { model: input, json } = request;
    if (json) writeReport(io, { input, adapter, ...adapterReport(path, plan) });
    else io.out.write(pathLine(io.out, path));
  } finally {
    await peft.stored.close();
  }
}

/** As `fileReport`, of what no model file is. */
function adapterReport(file: string, plan: LoraPlan): Record<string, unknown> {
  const { r, alpha, tensors } = plan;
  return { file, bytes: loraFileBytes(plan), format: "ggla", r, alpha, tensors };
}

/** What has to be known of the model that an adapter is for. */
interface BaseModel {
  readonly files: readonly string[];
  shape(name: string): readonly number[] | undefined;
  /** Heads whose rows stand in another order in ggml files than in Hugging Face's; undefined for all other matrices. */
  permutedHeads(name: string): number | undefined;
}

/** Opens a ggml file or anything that ll-convert takes, and closes it again. */
async function openBaseModel(path: string): Promise<BaseModel> {
  const ggml = (await stat(path).catch(() => undefined))?.isFile() ? await openGgmlModel(path) : undefined;
  if (ggml !== undefined) return ggml;
  const checkpoint = await openCheckpoint(path);
  await checkpoint.close();
  const { files, params, tensors } = checkpoint;
  return baseModel(files, tensors, params.nHeads, params.nKvHeads);
}

/** Undefined for another kind of file. */
async function openGgmlModel(path: string): Promise<BaseModel | undefined> {
  const source = await openFileSource(path);
  try {
    if ((await containerOf(source)) !== "ggml") return undefined;
    const { hyperParams, tensors, tensor } = await openGgml(source);
    const { nHead, nEmbd } = hyperParams;
    const nKvRows = tensor("layers.0.attention.wk.weight")?.shape[0] ?? nEmbd;
    return baseModel([path], tensors, nHead, (nKvRows * nHead) / nEmbd);
  } finally {
    await source.close();
  }
}

function baseModel(
  files: readonly string[],
  tensors: readonly { readonly name: string; readonly shape: readonly number[] }[],
  nHeads: number,
  nKvHeads: number,
): BaseModel {
  const shapes = new Map(tensors.map(({ name, shape }) => [name, shape]));
  return {
    files,
    shape: (name) => shapes.get(name),
    permutedHeads(name) {
      if (name.endsWith(".attention.wq.weight")) return nHeads;
      return name.endsWith(".attention.wk.weight") ? nKvHeads : undefined;
    },
  };
}

function assertFits({ target, a, b }: PeftPair, model: BaseModel): void {
  const shape = model.shape(target);
  if (shape === undefined) throw new Refusal(`the model has no tensor ${target}: is this adapter for this model?`);
  const [rows, columns] = [shape.length === 1 ? 1 : shape[0], shape.at(-1)];
  if (b.shape[0] === rows && a.shape[1] === columns) return;
  throw new Refusal(
    `${target} is ${rows} x ${columns} in the model, ${b.shape[0]} x ${a.shape[1]} in the adapter: is this adapter for this model?`,
  );
}

/** A and B one after the other: build 803 forgets a tensor whose partner does not follow. */
function plannedPair({ target, a, b }: PeftPair): LoraPlan["tensors"] {
  return [
    { name: `${target}.loraA`, type: "f32", shape: [...a.shape].reverse() },
    { name: `${target}.loraB`, type: "f32", shape: b.shape },
  ];
}

async function floatsOf(tensor: SourceTensor): Promise<Float32Array> {
  const values = asType(tensor, "f32");
  const bytes = allocate(tensor.name, () => new Uint8Array(values.byteLength));
  await values.read(0, bytes);
  return new Float32Array(bytes.buffer);
}

function bytesOf(values: Float32Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}

/** (rows, columns) → (columns, rows) */
function transposed(values: Float32Array, shape: readonly number[]): Float32Array {
  const [rows, columns] = shape as [number, number];
  const out = allocate("an adapter's matrix", () => new Float32Array(values.length)); // (columns, rows)
  for (let i = 0; i < out.length; i++) out[i] = values[(i % rows) * columns + Math.floor(i / rows)] as number;
  return out;
}

/**
 * Rows of a query or key matrix in the order of ggml files. Hugging Face's models rotate channel i of a head with channel
 * i + half, the original ones and ggml's rotate neighbours. convert.py reorders the weights for that, and so must be the adapter,
 * which convert-lora-to-ggml.py of build 803 forgets.
 */
function permuted(
  values: Float32Array, // (rows, rank)
  rank: number,
  nHeads: number,
): Float32Array {
  const rows = values.length / rank;
  const half = rows / nHeads / 2;
  const out = allocate("an adapter's matrix", () => new Float32Array(values.length)); // (rows, rank)
  for (let row = 0; row < rows; row++) {
    const head = Math.floor(row / (2 * half));
    const i = row % (2 * half);
    const from = head * 2 * half + (i % 2) * half + Math.floor(i / 2);
    out.set(values.subarray(from * rank, (from + 1) * rank), row * rank);
  }
  return out;
}
