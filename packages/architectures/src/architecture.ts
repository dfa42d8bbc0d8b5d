// What a family of models is: the keys it reads, the names of its tensors, the operations of its forward pass.

import type { GraphBuilder } from "./graph-builder.ts";
import type { NameRow } from "./names.ts";

/** Sizes that every family has. A family's own numbers stand beside them in an object of its own type. */
export interface Hyper {
  /** Entries of the vocabulary; rows of the embedding and the output matrix. */
  readonly nVocab: number;
  /** Channels of the residual stream. */
  readonly nEmbd: number;
  readonly nLayers: number;
  /** Query heads. */
  readonly nHeads: number;
  /** Key and value heads; divides nHeads. Consecutive query heads share one. */
  readonly nKvHeads: number;
  /** Channels of one head; even. nHeads · headDim may be another number than nEmbd. */
  readonly headDim: number;
  /** Channels inside the feed-forward block. */
  readonly nFf: number;
  /** Added to the mean square in every RMS norm. */
  readonly rmsNormEps: number;
}

/** A family of models. */
export interface Architecture<H extends Hyper = Hyper> {
  /** `general.architecture` of its files. */
  readonly name: string;
  /** In the order of the tensors in a file that build 803 of llama.cpp reads, as far as it knows them. */
  readonly names: readonly NameRow[];
  /** Records the forward pass; computes nothing. */
  build(g: GraphBuilder, h: H): void;
}
