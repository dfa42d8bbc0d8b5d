// A file that holds a vocabulary and no weights; in a ggjt container as convert.py --vocab-only of llama.cpp build 803 writes it.

import type { ByteSink } from "@ll/bytes";
import type { VocabEntry } from "@ll/ggml-format";
import type { Container } from "./convert-checkpoint.ts";
import { type FilePlan, ggjtFile, ggufFile } from "./file-plan.ts";
import { vocabMetadata } from "./gguf-metadata.ts";
import type { ModelContents } from "./model-contents.ts";
import { piecesOf } from "./vocab-pieces.ts";

export interface VocabFileInput extends Pick<ModelContents, "pieces" | "addSpacePrefix"> {
  readonly vocab: readonly VocabEntry[];
  readonly container: Container;
}

/** Exact size of the file in bytes. @throws ConvertError `E_LIMIT` for a vocabulary that nobody could read, `E_VOCAB` */
export function vocabFileBytes(input: VocabFileInput): number {
  return planFile(input).byteLength;
}

/** @throws ConvertError as `vocabFileBytes`; what the sink throws */
export async function writeVocabFile(input: VocabFileInput, sink: ByteSink): Promise<void> {
  const writer = await planFile(input).begin(sink);
  await writer.finish();
}

function planFile({ vocab, pieces, addSpacePrefix, container }: VocabFileInput): FilePlan {
  if (container === "gguf") {
    const metadata = new Map(vocabMetadata(pieces ?? piecesOf(vocab), addSpacePrefix));
    return ggufFile({
      metadata: new Map([["general.architecture", { type: "string", value: "llama" }], ...metadata]),
      tensors: [],
    });
  }
  return ggjtFile({
    version: container,
    // one head: readers divide by it
    hyperParams: { nVocab: vocab.length, nEmbd: 0, nMult: 0, nHead: 1, nLayer: 0, nRot: 0, ftype: 0 },
    vocab,
    tensors: [],
  });
}
