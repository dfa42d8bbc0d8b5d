// What a model file says of itself, whatever its format, without reading a weight.

import type { ByteSource } from "@ll/bytes";
import { ftypeLabel, type GgmlFile, HYPER_PARAM_NAMES, openGgml } from "@ll/ggml-format";

export interface TensorFacts {
  readonly name: string;
  readonly type: string;
  /** Slowest dimension first. */
  readonly shape: readonly number[];
  readonly byteLength: number;
  /** First byte of the data, from the start of the file. */
  readonly dataOffset: number;
}

/** What the size of a KV cache depends on. */
export interface CacheShape {
  readonly nLayers: number;
  /** Channels of one position's key, and of its value. */
  readonly kvDim: number;
}

export interface ModelFacts {
  readonly name: string;
  readonly byteLength: number;
  /** Container with its version. */
  readonly format: string;
  /** Hyper-parameters, or metadata, by the names of the format. */
  readonly fields: readonly (readonly [name: string, value: string | number])[];
  /** In file order; empty in a vocabulary-only file. */
  readonly tensors: readonly TensorFacts[];
  /** Undefined without the tensors that tell it. */
  readonly cacheShape: CacheShape | undefined;
  readonly warnings: readonly string[];
}

/** @throws FormatError of the format's reader; IoError */
export async function readModelFacts(source: ByteSource): Promise<ModelFacts> {
  return ggmlFacts(await openGgml(source, { oldBlocks: true }));
}

function ggmlFacts(file: GgmlFile): ModelFacts {
  const { hyperParams, tensors } = file;
  const fields = HYPER_PARAM_NAMES.map(([wire, name]): readonly [string, string | number] => {
    const value = hyperParams[name];
    return [wire, name === "ftype" ? `${value} (${ftypeLabel(value)})` : value];
  });
  // with grouped queries the key matrix has fewer rows; the file has no field for it
  const kvDim = file.tensor("layers.0.attention.wk.weight")?.shape[0];
  return {
    name: file.name,
    byteLength: file.byteLength,
    format: file.container.name,
    fields,
    tensors,
    cacheShape: kvDim === undefined ? undefined : { nLayers: hyperParams.nLayer, kvDim },
    warnings: file.warnings,
  };
}
