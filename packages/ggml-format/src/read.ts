// Opening a ggml, ggmf or ggjt file: header and vocabulary are read, tensors are only located.

import { fileTypeLabel } from "@ll/architectures";
import {
  type BoundedReader,
  type BudgetOptions,
  type ByteSource,
  createReader,
  type FileTensor,
  type FormatError,
  isFormatError,
} from "@ll/bytes";
import { type Container, readContainer } from "./container.ts";
import { GgmlFormatError } from "./errors.ts";
import { assertFtypeReadable, ftypeTensorType } from "./ftype.ts";
import { type HyperParams, hyperParamOffset, readHyperParams } from "./hyper-params.ts";
import { HEADER_CHUNK_BYTES, RECORD_CHUNK_BYTES } from "./limits.ts";
import { readTensorDirectory, type TensorDirectory } from "./tensor-directory.ts";
import { readVocabSection, unpackVocab, type VocabEntry, type VocabSection } from "./vocab-section.ts";

export interface OpenGgmlOptions extends BudgetOptions {
  /** Open the 4-bit tensors of ggml, ggmf and ggjt v1 files as q4_0_v1 and q4_1_v1 instead of refusing them. */
  readonly oldBlocks?: boolean;
  /** Refuse what otherwise gives a warning. */
  readonly strict?: boolean;
  /** Open a file whose vocabulary can be read and whose tensors cannot, to look at it: `damage` says what is wrong. */
  readonly damaged?: boolean;
  /** Bytes fetched from the source at a time. Any size from 1 gives the same result. */
  readonly chunkBytes?: number;
}

/** An open file. It reads from its source for as long as tensors are read; the source is closed by whoever opened it. */
export interface GgmlFile {
  /** Name of the byte source, for messages. */
  readonly name: string;
  readonly byteLength: number;
  readonly container: Container;
  readonly hyperParams: HyperParams;
  /** Index = id. Made when it is first asked for. */
  readonly vocab: readonly VocabEntry[];
  /** In file order; empty in a vocabulary-only file. */
  readonly tensors: readonly FileTensor[];
  names(): Iterable<string>;
  tensor(name: string): FileTensor | undefined;
  /** What is odd but harmless, for people. */
  readonly warnings: readonly string[];
  /** Why the tensors cannot be read, of a file that was opened as `damaged`. */
  readonly damage?: FormatError | undefined;
  /** @throws IoError `E_CHANGED` if the source is not what it was when it was opened */
  assertUnchanged(): Promise<void>;
}

/**
 * Opens a model file, or one that holds a vocabulary only. Memory: at most twice the header bytes that are present, plus 1 MiB.
 * Whether it holds a whole LLaMA model is for `checkLlamaTensors` to say.
 * @throws GgmlFormatError if it is not a readable file; IoError if the source fails
 */
export async function openGgml(source: ByteSource, options: OpenGgmlOptions = {}): Promise<GgmlFile> {
  const oldBlocks = options.oldBlocks ?? false;
  const reader = createReader(source, {
    chunkBytes: options.chunkBytes ?? HEADER_CHUNK_BYTES,
    ErrorClass: GgmlFormatError,
    ...(options.budget !== undefined && { budget: options.budget }),
  });
  const container = await readContainer(reader);
  const hyperParams = await readHyperParams(reader);
  assertFtypeReadable(reader, container, hyperParams.ftype, oldBlocks);
  const vocabSection = await readVocabSection(
    reader,
    hyperParams.nVocab,
    hyperParamOffset(container, "nVocab"),
    container,
  );
  // records are small and far apart: a reader of its own, with small chunks
  const recordReader = createReader(source, {
    start: reader.offset,
    chunkBytes: options.chunkBytes ?? RECORD_CHUNK_BYTES,
    ErrorClass: GgmlFormatError,
    budget: reader.budget,
  });
  let damage: FormatError | undefined;
  const directory = await readTensorDirectory(recordReader, container, oldBlocks).catch((error: unknown) => {
    if (options.damaged !== true || !isFormatError(error)) throw error;
    damage = error;
    return { tensors: new Map<string, FileTensor>(), padding: undefined };
  });
  const warnings = findOddities(reader, container, hyperParams, vocabSection, directory, options.strict ?? false);

  let vocab: VocabEntry[] | undefined;
  return {
    name: source.name,
    byteLength: source.byteLength,
    container,
    hyperParams,
    get vocab() {
      vocab ??= unpackVocab(vocabSection, container);
      return vocab;
    },
    tensors: [...directory.tensors.values()],
    names: () => directory.tensors.keys(),
    tensor: (name) => directory.tensors.get(name),
    warnings,
    damage,
    assertUnchanged: async () => source.assertUnchanged?.(),
  };
}

function findOddities(
  reader: BoundedReader,
  container: Container,
  hyperParams: HyperParams,
  vocab: VocabSection,
  { tensors, padding }: TensorDirectory,
  strict: boolean,
): string[] {
  const warnings: string[] = [];
  const warn = (fields: Parameters<BoundedReader["error"]>[0]): void => {
    const error = reader.error(fields);
    if (strict) throw error;
    warnings.push(error.summary);
  };
  if (vocab.nEntries < hyperParams.nVocab) {
    warn({
      code: "E_RANGE",
      offset: hyperParamOffset(container, "nVocab"),
      field: "n_vocab",
      expected: vocab.nEntries,
      got: hyperParams.nVocab,
      message: `the vocabulary holds ${vocab.nEntries} of ${hyperParams.nVocab} entries: the padding token is missing`,
    });
  }
  const expectedType = ftypeTensorType(hyperParams.ftype) as string; // a readable file type has one
  const matrices = [...tensors.values()].filter((tensor) => tensor.shape.length === 2);
  const isExpected = (tensor: FileTensor): boolean => tensor.type.replace(/_v1$/, "") === expectedType;
  if (matrices.length > 0 && !matrices.some(isExpected)) {
    const label = fileTypeLabel(hyperParams.ftype);
    warn({
      code: "E_FTYPE",
      offset: hyperParamOffset(container, "ftype"),
      field: "ftype",
      expected: `a tensor of type ${expectedType}`,
      got: hyperParams.ftype,
      message: `the file type is ${hyperParams.ftype} (${label}), but no tensor with two dimensions is ${expectedType}`,
    });
  }
  if (padding !== undefined) {
    const others = padding.nOthers === 0 ? "" : ` and of ${padding.nOthers} more tensors`;
    warn({
      code: "E_PAD",
      offset: padding.offset,
      field: "padding",
      expected: "zeros",
      got: "other bytes",
      message: `the padding before the data of tensor '${padding.name}'${others} is not zero`,
    });
  }
  return warnings;
}
