// Model and tokenizer files of karpathy/llama2.c (run.c, export.py version 0).
//   model:     dim hidden_dim n_layers n_heads n_kv_heads vocab_size seq_len, 7 × i32, then f32 tensors in a fixed order;
//              a negative vocab_size says that the output matrix follows at the end, a positive one that it is the embeddings
//   tokenizer: max_token_length i32, then per token: score f32, length i32, bytes

import { llama, metaTensors } from "@ll/architectures";
import { assertSource, type BudgetOptions, type ByteSource, createReader, type SourceTensor } from "@ll/bytes";
import type { VocabEntry } from "./checkpoint.ts";
import type { DeclaredParams } from "./declared-params.ts";
import { CheckpointError } from "./errors.ts";
import { LAYERS } from "./limits.ts";
import { LAYER_TENSORS, layerName, NORM, OUTPUT, TOK_EMBEDDINGS } from "./llama-names.ts";
import { spanTensor } from "./source-tensor.ts";

export interface Llama2cCheckpoint {
  readonly header: DeclaredParams;
  /** Under Meta's names; the rotary tables that the file holds as well are left out. */
  readonly tensors: ReadonlyMap<string, SourceTensor>;
}

const HEADER_BYTES = 28;

/** Largest size in a header; keeps every product below 2^53. */
const MAX_SIZE = 2 ** 20;

/** The seven numbers, the sign of the vocabulary size taken apart. */
interface Header {
  readonly dim: number;
  readonly hiddenDim: number;
  readonly nLayers: number;
  readonly nHeads: number;
  readonly nKvHeads: number;
  readonly nVocab: number;
  readonly seqLen: number;
  readonly hasOutput: boolean;
}

/** The file as a llama2.c model, or undefined if its size is not exactly the one that its first seven integers give. */
export async function openLlama2c(
  source: ByteSource,
  options: BudgetOptions = {},
): Promise<Llama2cCheckpoint | undefined> {
  assertSource(source);
  const header = await readHeader(source, options);
  if (header === undefined || fileBytes(header) !== source.byteLength) return undefined;
  const tensors = new Map<string, SourceTensor>();
  let offset = HEADER_BYTES; // of the next tensor; in llama2.c each kind of tensor comes for all layers in a row
  const place = (name: string, shape: readonly number[]): void => {
    const byteLength = shape.reduce((product, size) => product * size, 4);
    tensors.set(name, spanTensor(name, "f32", shape, source, offset, byteLength));
    offset += byteLength;
  };
  const { dim, hiddenDim, nLayers, nHeads, nKvHeads, nVocab, seqLen } = header;
  const headDim = dim / nHeads;
  const sizes = { nVocab, nEmbd: dim, nLayers, nHeads, nKvHeads, headDim, nFf: hiddenDim };
  const shapes = new Map(metaTensors(llama, { ...sizes, rmsNormEps: 1, ropeFreqBase: 1, ropeFreqScale: 1 }));
  place(TOK_EMBEDDINGS, [nVocab, dim]);
  for (const [tensor] of LAYER_TENSORS) {
    for (let layer = 0; layer < nLayers; layer++) {
      const name = layerName(layer, tensor);
      place(name, shapes.get(name) as readonly number[]);
    }
  }
  place(NORM, [dim]);
  offset += seqLen * headDim * 4; // freq_cis_real and freq_cis_imag, (seqLen, headDim / 2) each
  if (header.hasOutput) place(OUTPUT, [nVocab, dim]);
  return {
    header: {
      origin: "header",
      file: source.name,
      nVocab,
      nEmbd: dim,
      nHeads,
      nKvHeads,
      nLayers,
      nFf: hiddenDim,
      contextTokens: seqLen,
      unknownFields: [],
    },
    tensors,
  };
}

/** Size of the file with this header: nothing is made of numbers that do not fit it. */
function fileBytes(header: Header): number {
  const { dim, hiddenDim, nLayers, nHeads, nKvHeads, nVocab, seqLen, hasOutput } = header;
  const headDim = dim / nHeads;
  const perLayer = 2 * dim + 2 * dim * dim + 2 * nKvHeads * headDim * dim + 3 * hiddenDim * dim;
  const rotary = seqLen * headDim; // two tables
  return HEADER_BYTES + 4 * ((hasOutput ? 2 : 1) * nVocab * dim + nLayers * perLayer + dim + rotary);
}

/** Undefined unless all seven integers make sense together. */
async function readHeader(source: ByteSource, options: BudgetOptions): Promise<Header | undefined> {
  if (source.byteLength < HEADER_BYTES) return undefined;
  const reader = createReader(source, { ...options, chunkBytes: HEADER_BYTES, ErrorClass: CheckpointError });
  const numbers: number[] = [];
  for (let i = 0; i < 7; i++) numbers.push(await reader.i32("header"));
  const [dim, hiddenDim, nLayers, nHeads, nKvHeads, vocab, seqLen] = numbers as [number, ...number[]] as [
    number,
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const nVocab = Math.abs(vocab);
  const areSizes = [dim, hiddenDim, nLayers, nHeads, nKvHeads, nVocab, seqLen].every((n) => n >= 1 && n <= MAX_SIZE);
  if (!areSizes || nLayers > LAYERS || dim % nHeads !== 0 || nHeads % nKvHeads !== 0) return undefined;
  return { dim, hiddenDim, nLayers, nHeads, nKvHeads, nVocab, seqLen, hasOutput: vocab < 0 };
}

/** Longest text of a token, the limit of ggjt vocabularies. */
const TOKEN_BYTES = 64 * 1024;

/** Tokens in a vocabulary. */
const TOKENS = 1_000_000;

const UNKNOWN_TEXT = new TextEncoder().encode(" ⁇ ");

/**
 * Reads a tokenizer file of llama2.c. The texts are given as ggml files store them: ids 0 to 2 are unknown (` ⁇ `), begin and
 * end (empty), `<0x41>` is the byte 0x41, all others are taken as they are, since spaces are spaces there already.
 * @throws CheckpointError `E_TRUNC`, `E_LENGTH` or `E_LIMIT`.
 */
export async function readLlama2cTokenizer(source: ByteSource, options: BudgetOptions = {}): Promise<VocabEntry[]> {
  const reader = createReader(source, { ...options, ErrorClass: CheckpointError });
  await reader.i32("max_token_length");
  const vocab: VocabEntry[] = [];
  while (reader.remaining > 0) {
    reader.enter("token", vocab.length);
    reader.assertCount(vocab.length + 1, 0, "count", TOKENS);
    reader.budget.takeItems(1, "count", reader.offset);
    const score = await reader.f32("score");
    const stored = await reader.bytes(await reader.u32("len"), "text", TOKEN_BYTES);
    vocab.push({ text: finalText(vocab.length, stored), score });
    reader.leave();
  }
  return vocab;
}

/** llama2.c writes special tokens as readable text, which must not be found in a prompt. */
function finalText(id: number, stored: Uint8Array): Uint8Array {
  if (id === 0) return UNKNOWN_TEXT;
  if (id <= 2) return new Uint8Array(0);
  const byte = stored.length === 6 ? /^<0x([0-9A-F]{2})>$/.exec(String.fromCharCode(...stored))?.[1] : undefined;
  return byte === undefined ? stored : Uint8Array.of(Number.parseInt(byte, 16));
}
