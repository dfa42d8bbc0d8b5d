// The vocabulary: one record per id, ids by position.
//
//   | length: u32 | text: length bytes, no terminator | score: f32, absent in `ggml` files |

import type { BoundedReader } from "@ll/bytes";
import type { Container } from "./container.ts";
import { MAX_TOKEN_BYTES, MAX_VOCAB, MAX_VOCAB_BYTES } from "./limits.ts";

/** One vocabulary entry; its id is its position. */
export interface VocabEntry {
  /** Final text: spaces are spaces, a byte token is its one byte, control tokens are empty. Need not be valid UTF-8. */
  readonly text: Uint8Array;
  /** Log probability; 0 in files that hold none. */
  readonly score: number;
}

/** The section as it is in the file: small, where entries are an object each. They are made when they are asked for. */
export interface VocabSection {
  readonly bytes: Uint8Array;
  /** Entries that are there. One fewer than declared in GPT4All's files, see `isCutShort`. */
  readonly nEntries: number;
}

/**
 * Reads and checks the section that starts at the reader's offset. It is walked once, to check and measure it, and then
 * read once more as a whole, so that a hostile file costs no more memory than it has bytes.
 * @throws GgmlFormatError `E_RANGE`, `E_TRUNC`, `E_LENGTH` or `E_LIMIT`
 */
export async function readVocabSection(
  reader: BoundedReader,
  nVocab: number,
  nVocabOffset: number,
  container: Container,
): Promise<VocabSection> {
  if (nVocab < 1 || nVocab > MAX_VOCAB) {
    throw reader.error({
      code: "E_RANGE",
      offset: nVocabOffset,
      field: "n_vocab",
      expected: `1 to ${MAX_VOCAB}`,
      got: nVocab,
      message: `${nVocab} vocabulary entries`,
    });
  }
  const scoreBytes = container.hasScores ? 4 : 0;
  reader.assertCount(nVocab, 4 + scoreBytes, "vocab");

  const start = reader.offset;
  let nEntries = 0;
  for (; nEntries < nVocab; nEntries++) {
    if (nEntries === nVocab - 1 && (await isCutShort(reader, nEntries, container))) break;
    reader.enter("vocab", nEntries);
    await skipText(reader, start);
    if (container.hasScores) await readScore(reader);
    reader.leave();
  }

  reader.budget.takeItems(nEntries, "vocab", start);
  reader.budget.takeBytes(reader.offset - start, "vocab", start);
  const bytes = new Uint8Array(reader.offset - start);
  await reader.source.read(start, bytes);
  return { bytes, nEntries };
}

async function skipText(reader: BoundedReader, sectionStart: number): Promise<void> {
  const at = reader.offset;
  const length = await reader.u32("len");
  // a length that no file of this size can hold is a lie, not a cut
  const cap = Math.min(MAX_TOKEN_BYTES, reader.source.byteLength);
  if (length > cap) {
    throw reader.error({
      code: "E_LENGTH",
      offset: at,
      field: "len",
      expected: `at most ${cap}`,
      got: length,
      message: `vocabulary text of ${length} bytes`,
    });
  }
  reader.seek(reader.offset + length, "text");
  if (reader.offset - sectionStart > MAX_VOCAB_BYTES) {
    throw reader.error({
      code: "E_LIMIT",
      offset: at,
      field: "len",
      expected: `at most ${MAX_VOCAB_BYTES} bytes of vocabulary`,
      got: reader.offset - sectionStart,
      message: `vocabulary section of more than ${MAX_VOCAB_BYTES} bytes`,
    });
  }
}

async function readScore(reader: BoundedReader): Promise<void> {
  const at = reader.offset;
  const score = await reader.f32("score");
  if (!Number.isFinite(score)) {
    throw reader.error({
      code: "E_RANGE",
      offset: at,
      field: "score",
      expected: "a finite number",
      got: String(score),
      message: `vocabulary score ${score}`,
    });
  }
}

const FIRST_TENSOR = "tok_embeddings.weight";

/**
 * GPT4All wrote files that declare 32,001 entries and hold 32,000: the padding token is missing. As in convert.py of build 803,
 * they are known by the first tensor record standing where that entry should be.
 */
async function isCutShort(reader: BoundedReader, nEntries: number, container: Container): Promise<boolean> {
  // | n_dims | name length | type | columns | rows | name |
  if (nEntries !== 32_000 || container.version > 1 || reader.remaining < 20 + FIRST_TENSOR.length) return false;
  const name = new Uint8Array(FIRST_TENSOR.length);
  await reader.source.read(reader.offset + 20, name);
  return String.fromCharCode(...name) === FIRST_TENSOR;
}

/** The entries of a section that was read by `readVocabSection`; their texts are views of its bytes. */
export function unpackVocab(section: VocabSection, container: Container): VocabEntry[] {
  const { bytes } = section;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const entries: VocabEntry[] = [];
  let offset = 0;
  for (let id = 0; id < section.nEntries; id++) {
    const end = offset + 4 + view.getUint32(offset, true);
    const text = bytes.subarray(offset + 4, end);
    entries.push({ text, score: container.hasScores ? view.getFloat32(end, true) : 0 });
    offset = end + (container.hasScores ? 4 : 0);
  }
  return entries;
}

/** Bytes of the section for these entries, with scores. @throws RangeError for an entry that `openGgml` would refuse. */
export function vocabBytes(vocab: readonly VocabEntry[]): number {
  if (vocab.length < 1 || vocab.length > MAX_VOCAB) {
    throw new RangeError(`"vocab" expected 1 to ${MAX_VOCAB} entries, got ${vocab.length}`);
  }
  let bytes = 0;
  vocab.forEach(({ text, score }, id) => {
    if (text.byteLength > MAX_TOKEN_BYTES) {
      throw new RangeError(`"vocab[${id}].text" expected at most ${MAX_TOKEN_BYTES} bytes, got ${text.byteLength}`);
    }
    if (!Number.isFinite(Math.fround(score))) {
      throw new RangeError(`"vocab[${id}].score" expected a finite binary32 number, got ${score}`);
    }
    bytes += 8 + text.byteLength;
  });
  if (bytes > MAX_VOCAB_BYTES) throw new RangeError(`"vocab" expected at most ${MAX_VOCAB_BYTES} bytes, got ${bytes}`);
  return bytes;
}

/** Writes the section, with scores, at `offset` of `target`; returns where it ends. Scores keep their bits, also -0. */
export function setVocab(target: Uint8Array, offset: number, vocab: readonly VocabEntry[]): number {
  const view = new DataView(target.buffer, target.byteOffset, target.byteLength);
  let at = offset;
  for (const { text, score } of vocab) {
    view.setUint32(at, text.byteLength, true);
    target.set(text, at + 4);
    at += 4 + text.byteLength;
    view.setFloat32(at, score, true);
    at += 4;
  }
  return at;
}
