// The pieces of a model as they are kept: a million of them take a few arrays, and become objects only for who asks for those.

import type { Budget } from "@ll/bytes";
import type {
  NormalizerOptions,
  PieceType,
  SentencePiece,
  SentencePieceModel,
  TrainerFacts,
} from "./sentencepiece-model.ts";
import { type Texts, TextsWriter, textOf } from "./texts.ts";

/** Numbers of the types, in the schema of SentencePiece as in `tokenizer.ggml.token_type`. There is no 0. */
export const TYPE = { normal: 1, unknown: 2, control: 3, "user-defined": 4, unused: 5, byte: 6 } as const;

const TYPE_NAMES: readonly (PieceType | undefined)[] = /* @__PURE__ */ [
  undefined,
  ...(Object.keys(TYPE) as PieceType[]),
];

/** Place = id. */
export interface Pieces {
  /** In the spelling of the file, UTF-8. */
  readonly texts: Texts;
  readonly scores: Float32Array; // (nPieces)
  readonly types: Uint8Array; // (nPieces): values of `TYPE`
}

/** @throws TokenizerModelError `E_LIMIT` */
export class PiecesWriter {
  readonly #texts: TextsWriter;
  readonly #scores: Float32Array; // (nPieces)
  readonly #types: Uint8Array; // (nPieces)
  #nPieces = 0;

  /** @param maxBytes of all texts together; fewer may come */
  constructor(nPieces: number, maxBytes: number, budget?: Budget) {
    this.#texts = new TextsWriter(nPieces, maxBytes, budget);
    budget?.takeBytes(5 * nPieces, "pieces");
    this.#scores = new Float32Array(nPieces);
    this.#types = new Uint8Array(nPieces);
  }

  add(text: Uint8Array, score: number, type: number): void {
    this.#texts.bytes(text);
    this.#texts.endText();
    this.#scores[this.#nPieces] = score;
    this.#types[this.#nPieces++] = type;
  }

  finish(): Pieces {
    return { texts: this.#texts.finish(), scores: this.#scores, types: this.#types };
  }
}

export function isPieceType(type: number): boolean {
  return TYPE_NAMES[type] !== undefined;
}

/** What the models that this package has read are made of. Copies and models of others have no entry. */
const SOURCES: WeakMap<SentencePieceModel, Pieces> = /* @__PURE__ */ new WeakMap();

/** The model of these pieces. Its list of objects is made when it is first looked at. */
export function createModel(
  pieces: Pieces,
  normalizer: NormalizerOptions,
  trainer: TrainerFacts | undefined,
): SentencePieceModel {
  let list: SentencePiece[] | undefined;
  const model: SentencePieceModel = {
    get pieces() {
      list ??= listOf(pieces);
      return list;
    },
    normalizer,
    trainer,
  };
  SOURCES.set(model, pieces);
  return model;
}

/** @throws TokenizerModelError `E_LIMIT` for a model that this package has not made */
export function piecesOf(model: SentencePieceModel): Pieces {
  const known = SOURCES.get(model);
  if (known !== undefined) return known;
  const encoder = new TextEncoder();
  const texts = model.pieces.map(({ text }) => encoder.encode(text));
  const writer = new PiecesWriter(
    texts.length,
    texts.reduce((sum, { length }) => sum + length, 0),
  );
  for (const [id, { score, type }] of model.pieces.entries()) writer.add(texts[id] as Uint8Array, score, TYPE[type]);
  return writer.finish();
}

/** The text of a piece as a string. */
export function spelling({ texts }: Pieces, id: number): string {
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(textOf(texts, id));
}

function listOf({ texts, scores, types }: Pieces): SentencePiece[] {
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  return Array.from(scores, (score, id) => ({
    text: decoder.decode(textOf(texts, id)),
    score,
    type: TYPE_NAMES[types[id] as number] as PieceType,
  }));
}

/** Gives `<0x0A>` and its like, among normal texts, the type of bytes. */
export function markBytes({ bytes, starts }: Texts, types: Uint8Array): void {
  for (let id = 0; id < types.length; id++) {
    const start = starts[id] as number;
    if (types[id] !== TYPE.normal || (starts[id + 1] as number) - start !== 6 || bytes[start] !== 0x3c) continue;
    if (/^<0x[0-9A-F]{2}>$/.test(String.fromCharCode(...bytes.subarray(start, start + 6)))) types[id] = TYPE.byte;
  }
}
