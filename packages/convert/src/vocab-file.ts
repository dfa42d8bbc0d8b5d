// A file that holds a vocabulary and no weights, as convert.py --vocab-only of llama.cpp build 803 writes it.

import type { ByteSink } from "@ll/bytes";
import { createGgmlWriter, type GgmlPlan, type VocabEntry } from "@ll/ggml-format";
import { plannedBytes } from "./checked-plan.ts";

export interface VocabFileInput {
  readonly vocab: readonly VocabEntry[];
  /** Version of the ggjt container. */
  readonly container: 1 | 3;
}

/** Exact size of the file in bytes. @throws ConvertError `E_LIMIT` for a vocabulary that nobody could read */
export function vocabFileBytes(input: VocabFileInput): number {
  return plannedBytes(planFile(input));
}

/** @throws ConvertError `E_LIMIT` as `vocabFileBytes`; what the sink throws */
export async function writeVocabFile(input: VocabFileInput, sink: ByteSink): Promise<void> {
  const plan = planFile(input);
  plannedBytes(plan);
  const writer = await createGgmlWriter(sink, plan);
  await writer.finish();
}

function planFile({ vocab, container }: VocabFileInput): GgmlPlan {
  return {
    version: container,
    // one head: readers divide by it
    hyperParams: { nVocab: vocab.length, nEmbd: 0, nMult: 0, nHead: 1, nLayer: 0, nRot: 0, ftype: 0 },
    vocab,
    tensors: [],
  };
}
