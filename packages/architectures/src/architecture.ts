// What a family of models is: the keys it reads, the names of its tensors, the operations of its forward pass.

import type { GraphBuilder } from "./graph-builder.ts";
import type { HfFamily } from "./hf.ts";
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

/**
 * The keys of a GGUF file that belong to its family: `block_count` is `llama.block_count`. A key with a `fallback` may be absent; any
 * other refuses the file then, as a value of another type does. A key that a family never asks for is refused if it might change what
 * the model computes, so a family asks for all keys that it knows, whatever the others say.
 */
export interface KeyReader {
  /** An integer. */
  count(key: string, fallback?: number): number;
  /** A number in binary32. */
  float(key: string, fallback?: number): number;
  flag(key: string, fallback?: boolean): boolean;
  text(key: string, fallback?: string): string;
  /** One of a few texts; any other is of a model that nobody here knows. */
  choice<T extends string>(key: string, choices: readonly T[], fallback: T): T;
  /** One number for each layer: an array, or one number for all. */
  perLayer(key: string, nLayers: number, fallback?: number): readonly number[];
  /** Whether it is an array in this file, where it may be one number. */
  isArray(key: string): boolean;
  /** Whether the file has it. */
  has(key: string): boolean;
  /** Entries of the vocabulary. */
  nVocab(): number;
  /** Refuses the file unless the value of `key`, which it may not have, is `expected`. */
  expect(key: string, expected: number | string | boolean): void;
  /** Refuses the file for the value of `key`. */
  refuse(key: string, expected: string): never;
}

/** A family of models. */
export interface Architecture<H extends Hyper = Hyper> {
  /** `general.architecture` of its files, and the prefix of its keys. */
  readonly name: string;
  /** Published models of the family, for people. */
  readonly models: string;
  /** In the order of the tensors in a file that build 803 of llama.cpp reads, as far as it knows them. */
  readonly names: readonly NameRow[];
  /** Keys that change nothing, whatever they say. */
  readonly harmlessKeys: readonly string[];
  /** How the files of Hugging Face become GGUF. Undefined: they do not. */
  readonly hf?: HfFamily | undefined;
  /** Tensors that files may have and nothing uses. */
  isUnused?(name: string, h: Partial<H>): boolean;
  /** Of models whose value matrices are so small beside the others that they get more bits when they are quantised. */
  hasSmallValues?(h: Pick<Hyper, "nLayers" | "nHeads" | "nKvHeads">): boolean;
  readHyper(keys: KeyReader): H;
  /** Records the forward pass; computes nothing. */
  build(g: GraphBuilder, h: H): void;
}
