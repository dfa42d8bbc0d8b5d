// Models from ggml files, and hashes of what they compute.

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { memorySource } from "@ll/bytes";
import { type GgmlFile, openGgml } from "@ll/ggml-format";
import { packRows, planQuantization, unpackRows } from "@ll/quant";
import { goldenModelBytes } from "../../../../tools/golden-model.ts";
import { testData } from "../../../../tools/test-data.ts";
import {
  type ConfigOverrides,
  configFromGgml,
  createScalarModel,
  loadWeights,
  type Model,
  type ModelConfig,
  type SourceTensor,
  type TensorSource,
  type Weights,
} from "../../src/index.ts";

/** An open file of the third-party test data, such as `tiny/ggjt/q4_0.bin`. */
export function openTestData(path: string): Promise<GgmlFile> {
  return openGgml(memorySource(new Uint8Array(readFileSync(testData(`models/${path}`)))));
}

export async function modelFromTestData(path: string, overrides: ConfigOverrides = {}): Promise<Model> {
  const file = await openTestData(path);
  return createScalarModel(await loadWeights(file, configFromGgml(file.hyperParams, overrides)));
}

/** The synthetic model of tools/golden-model.ts, quantised to a file type of @ll/quant (1 is f16, as it comes). */
export async function goldenModel(ftype: number): Promise<Model> {
  return createScalarModel(await goldenWeights(ftype));
}

export async function goldenWeights(ftype: number): Promise<Weights> {
  const { source, config } = await goldenSource(ftype);
  return loadWeights(source, config);
}

/** Its tensors, for an engine to load. */
export async function goldenSource(ftype: number): Promise<{ source: TensorSource; config: ModelConfig }> {
  const file = await openGgml(memorySource(goldenModelBytes()));
  const tensors = new Map<string, SourceTensor>();
  for (const { name, targetType } of planQuantization(file.tensors, ftype)) {
    const tensor = file.tensor(name)!;
    const bytes = new Uint8Array(tensor.byteLength);
    await tensor.read(0, bytes);
    const isSame = targetType === tensor.type;
    const packed = isSame ? bytes : packRows(targetType, unpackRows(tensor.type, bytes));
    const { read } = memorySource(packed);
    tensors.set(name, { name, type: targetType, shape: tensor.shape, byteLength: packed.byteLength, read });
  }
  const source = { names: () => tensors.keys(), tensor: (name: string) => tensors.get(name) };
  return { source, config: configFromGgml(file.hyperParams) };
}

export function sha256(...parts: (Uint8Array | Float32Array)[]): string {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(new Uint8Array(part.buffer, part.byteOffset, part.byteLength));
  return hash.digest("hex");
}
