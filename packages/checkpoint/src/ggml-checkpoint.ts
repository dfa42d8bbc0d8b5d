// A ggml file as input of a conversion. This package does not read such files: a structural view of one is taken, which the
// file of @ll/ggml-format is.

import type { SourceTensor, TensorSource } from "@ll/bytes";
import { assembleCheckpoint, type Checkpoint, type VocabEntry } from "./checkpoint.ts";
import { assertDivides } from "./config-fields.ts";
import { type DeclaredParams, present } from "./declared-params.ts";
import { CheckpointError } from "./errors.ts";
import { isOldBlockType } from "./old-blocks.ts";
import { ELEMENT_BYTES } from "./source-tensor.ts";

/** An opened ggml, ggmf or ggjt file. Quantised tensors must be of the old block types `q4_0_v1` and `q4_1_v1`. */
export interface GgmlModelFile extends TensorSource {
  readonly hyperParams: {
    readonly nVocab: number;
    readonly nEmbd: number;
    readonly nMult: number;
    readonly nHead: number;
    readonly nLayer: number;
  };
  readonly container: { readonly hasScores: boolean };
  readonly vocab: readonly VocabEntry[];
}

/** A ggml file and where it came from. */
export interface GgmlPart {
  readonly path: string;
  readonly file: GgmlModelFile;
}

/**
 * A checkpoint over opened ggml files, one or the parts `x.bin`, `x.bin.1`, … of an old model, with the parameters and the
 * vocabulary of the first.
 * @throws `E_DTYPE` for a block type of a later container version: such files are for the quantiser.
 */
export async function checkpointFromGgml(parts: readonly GgmlPart[]): Promise<Checkpoint> {
  const [first] = parts as [GgmlPart];
  return assembleCheckpoint({
    format: "ggml",
    parts: parts.map(({ path, file }) => ({ file: path, tensors: ggmlTensors(path, file) })),
    header: ggmlHeader(first.path, first.file),
    ...present("vocab", ggmlVocab(first.file)),
  });
}

export function ggmlHeader(path: string, file: GgmlModelFile): DeclaredParams {
  const { nVocab, nEmbd, nMult, nHead: nHeads, nLayer: nLayers } = file.hyperParams;
  assertDivides({ name: path }, "n_head", nHeads, "n_embd", nEmbd);
  return { origin: "header", file: path, nVocab, nEmbd, nMult, nHeads, nLayers, unknownFields: [] };
}

/** The vocabulary, unless it lacks scores: then only tokenizer.model has them. */
export function ggmlVocab(file: GgmlModelFile): readonly VocabEntry[] | undefined {
  return file.container.hasScores ? file.vocab : undefined;
}

/** The tensors of a ggml file. */
export function ggmlTensors(path: string, file: GgmlModelFile): ReadonlyMap<string, SourceTensor> {
  const tensors = new Map<string, SourceTensor>();
  for (const name of file.names()) {
    const tensor = file.tensor(name) as SourceTensor;
    if (!ELEMENT_BYTES.has(tensor.type) && !isOldBlockType(tensor.type)) {
      throw new CheckpointError({
        code: "E_DTYPE",
        file: path,
        offset: 0,
        field: name,
        expected: "f32, f16, q4_0_v1 or q4_1_v1",
        got: tensor.type,
        message: `tensor "${name}" is quantised as ${tensor.type}; use the quantiser on this file`,
      });
    }
    tensors.set(name, tensor);
  }
  return tensors;
}
