// What a model file of any kind is to whoever runs it or looks at it, and which types its weights are of.

import type { FormatError, SourceTensor, TensorSource } from "@ll/bytes";
import type { GgmlFile } from "@ll/ggml-format";
import type { GgufSet } from "@ll/gguf";
import type { ConfigOverrides, ModelConfig } from "@ll/llama";
import type { Tokenizer, TokenizerOptions } from "@ll/tokenizer";
import type { ModelContainer } from "./container.ts";

/** A tensor and where it begins in its file. */
export interface FileTensor extends SourceTensor {
  readonly dataOffset: number;
}

/** What a file says of its vocabulary, without reading it. */
export interface VocabularyFacts {
  /** As GGUF files call it: "llama" for SentencePiece, "gpt2" for byte-level BPE, "gemma4"; undefined if the file does not say. */
  readonly kind: string | undefined;
  /** The pre-tokenizer that a GGUF file names, such as "qwen2". */
  readonly pre: string | undefined;
  /** Pieces with a text. */
  readonly nPieces: number;
}

/** Jinja sources; the file is hostile, and so are they. */
export interface ChatTemplates {
  /** The one to use; undefined if the file has none. */
  readonly main: string | undefined;
  /** The others by their names, such as `tool_use`. */
  readonly named: ReadonlyMap<string, string>;
}

/** How the makers of a model sample, as far as the file says: `general.sampling.*`. */
export interface SamplingFacts {
  readonly temperature?: number;
  readonly topK?: number;
  readonly topP?: number;
  readonly minP?: number;
  readonly repeatPenalty?: number;
  readonly repeatLastN?: number;
}

/** How an embedding of a text comes of the vectors of its tokens: their mean, that of the first, or that of the last. */
export type Pooling = "mean" | "cls" | "last";

/** An open file: its header is read, weights and vocabulary are only located. */
export interface ModelFile {
  /** Of the first byte source, for messages. */
  readonly name: string;
  /** Of all files of a set. */
  readonly byteLength: number;
  readonly container: ModelContainer;
  /** With its version: `ggjt v3 (latest)`, `GGUF v3`. */
  readonly containerName: string;
  /** The reader's own view: the one of `container`. */
  readonly ggml: GgmlFile | undefined;
  readonly gguf: GgufSet | undefined;
  /** Family of the model, such as "llama"; "unknown" if the file does not say. */
  readonly architecture: string;
  /** Query heads; 0 if the file does not say or has another number for each layer. */
  readonly nHeads: number;
  /** Key heads by the shape of the first key matrix of a ggml file, which has no field for them. */
  readonly nStoredKvHeads: number | undefined;
  /** In file order; empty for a file that has a vocabulary only. */
  readonly tensors: readonly FileTensor[];
  /** The same for engines. */
  readonly source: TensorSource;
  readonly vocabulary: VocabularyFacts;
  readonly templates: ChatTemplates;
  /** Positions that the model was trained for; 2048 where no file says. */
  readonly trainedContextTokens: number;
  /** What the file says, undefined for nothing. */
  readonly pooling: Pooling | undefined;
  readonly sampling: SamplingFacts;
  /** What is odd about the container and harmless. Config and tokenizer have warnings of their own. */
  readonly warnings: readonly string[];
  /** Why the tensors cannot be read, of a file that was opened as `damaged`. */
  readonly damage: FormatError | undefined;
  /**
   * The numbers of the model, and the arithmetic that it is computed in unless told otherwise (`config.arithmetic`).
   * @param overrides go before what the file says; key heads of a ggml file are those of its key matrix unless they are given
   * @throws ModelError `E_UNSUPPORTED` for a family that is not known or a variant of one, `E_HPARAM` for numbers that make no model
   */
  config(overrides?: ConfigOverrides): ModelConfig & { readonly warnings?: readonly string[] };
  /**
   * Reads the vocabulary.
   * @param options `nVocab: config.nVocab` for a model that has more ids than its vocabulary has pieces
   * @throws TokenizerModelError for a kind or a pre-tokenizer that is not known; FormatError; IoError
   */
  tokenizer(options?: TokenizerOptions): Promise<Tokenizer>;
  /** Why the model does not run here, as one sentence; undefined if it does. Reads nothing more of the file. */
  whyNotRun(): string | undefined;
  /** @throws IoError `E_CHANGED` if a file is not what it was when it was opened */
  assertUnchanged(): Promise<void>;
}

/** Tensors of one type together. */
export interface TypeShare {
  readonly type: string;
  readonly tensors: number;
  readonly weights: number;
  readonly bytes: number;
}

/** The types of a model's tensors, the one with most bytes first. */
export function typeMix(
  tensors: Iterable<{ readonly type: string; readonly shape: readonly number[]; readonly byteLength: number }>,
): TypeShare[] {
  const shares = new Map<string, TypeShare>();
  for (const { type, shape, byteLength } of tensors) {
    const before = shares.get(type) ?? { type, tensors: 0, weights: 0, bytes: 0 };
    shares.set(type, {
      type,
      tensors: before.tensors + 1,
      weights: before.weights + shape.reduce((product, size) => product * size, 1),
      bytes: before.bytes + byteLength,
    });
  }
  return [...shares.values()].sort((a, b) => b.bytes - a.bytes);
}
