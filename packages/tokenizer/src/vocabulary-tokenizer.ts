// The tokenizer of a vocabulary of today: special tokens are cut out, what is between them is cut into pieces, and pieces are merged.

import { type Budget, isBytes, kindOf } from "@ll/bytes";
import { encodeSteps } from "./bpe.ts";
import { writeBytes } from "./byte-level/alphabet.ts";
import { createMergeTable } from "./byte-level/merge-table.ts";
import { PairMerger } from "./byte-level/pair-merger.ts";
import { type CutRule, compileRules, Splitter } from "./byte-level/splitter.ts";
import { repairSteps } from "./byte-level/utf8-repair.ts";
import { assertIds, byteOf, cleaned, joined, withSpaces } from "./decoded-bytes.ts";
import { TextTooLongError, TokenizerModelError } from "./errors.ts";
import { IdList } from "./id-list.ts";
import { MAX_TEXT_BYTES } from "./limits.ts";
import { escapeSteps, SPACE } from "./normalize.ts";
import { createPieceTable } from "./piece-table.ts";
import { TYPE } from "./pieces.ts";
import { completeIds, type SpecialFacts } from "./special-ids.ts";
import { hasAt, SpecialMatcher, without } from "./special-matcher.ts";
import { createStreamDecoder } from "./stream-decoder.ts";
import { NONE, TextIndex } from "./text-index.ts";
import { type Texts, textOf } from "./texts.ts";
import type { DecodeOptions, EncodeOptions, Tokenizer, TokenizerOptions } from "./tokenizer.ts";
import { composeSteps } from "./unicode/compose.ts";
import { GGUF_FIELDS, type Vocabulary } from "./vocabulary.ts";

/** Bytes, and other pieces of work, between two pauses. They take some 20 ms. */
const SLICE_STEPS = 256 * 1024;

/** Bytes of one token that is cut out of texts: at each place of a text, so many may have to be compared. */
const MAX_CUT_BYTES = 512;

/** Types of tokens that are no ordinary ones, as bits. */
const SPECIAL_TYPES: number = (1 << TYPE["user-defined"]) | (1 << TYPE.control) | (1 << TYPE.unknown);

const NOTHING: Uint8Array = /* @__PURE__ */ new Uint8Array(0);

/** Appends the ids of a stretch of text without special tokens; pauses now and then. */
type Stretch = (text: Uint8Array, isSound: boolean, hasSpace: boolean, ids: IdList) => Generator<void, void, void>;

/** What is known of the tokens of a vocabulary, apart from how they are found. */
export interface TokenFacts extends SpecialFacts {
  /** After what `ids` of the options asks for. */
  readonly types: Uint8Array; // (nTokens)
  idOf(text: string): number | undefined;
}

/**
 * @param options `nVocab`: ids of the model, if they are more than tokens; `ids`: whose, where the publisher's and llama.cpp's differ
 * @throws TokenizerModelError `E_DUP`, `E_LIMIT`, `E_FIELD`, `E_MISMATCH`
 */
export function createVocabularyTokenizer(vocabulary: Vocabulary, options: TokenizerOptions = {}): Tokenizer {
  return openVocabulary(vocabulary, options).tokenizer;
}

/** As `createVocabularyTokenizer`, with what only tests look at. */
export function openVocabulary(
  vocabulary: Vocabulary,
  { budget, nVocab: wanted, ids: whose = "publisher" }: TokenizerOptions = {},
): { tokenizer: Tokenizer; facts: TokenFacts } {
  const { kind, tokens, file } = vocabulary;
  const nTokens = vocabulary.types.length;
  const nVocab = wanted ?? nTokens;
  if (!Number.isInteger(nVocab)) throw new RangeError(`"nVocab" expected an integer, got ${nVocab}`);
  if (nVocab < nTokens) {
    const message = `the vocabulary has ${nTokens} tokens, and the model only ${nVocab}`;
    throw new TokenizerModelError({
      code: "E_MISMATCH",
      file,
      field: "tokens",
      expected: nVocab,
      got: nTokens,
      message,
    });
  }
  const spelled = kind === "bytes" ? bytesOf(tokens, vocabulary.types, budget) : { texts: tokens, isKey: undefined };
  const index = new TextIndex(spelled.texts, budget);
  for (let id = 0; id < nTokens; id++) {
    if (spelled.isKey?.[id] === 0 || tokens.starts[id] === tokens.starts[id + 1]) continue;
    const earlier = index.add(id);
    if (earlier !== NONE) failDuplicate(vocabulary, earlier, id);
  }
  /** Calls `take` with each token whose type is among these bits. */
  const eachOf = (byId: Uint8Array, bits: number, take: (id: number) => void): void => {
    for (let id = 0; id < nTokens; id++) {
      if (((bits >> (byId[id] as number)) & 1) === 0) continue;
      const length = (tokens.starts[id + 1] as number) - (tokens.starts[id] as number);
      if (length > MAX_CUT_BYTES) failLong(vocabulary, id, length);
      if (length > 0) take(id);
    }
  };
  const matcherOf = (byId: Uint8Array, bits: number): SpecialMatcher => {
    let nIds = 0;
    eachOf(byId, bits, () => nIds++);
    const forSorting = 6 * nIds;
    budget?.takeBytes(4 * nIds + forSorting, "tokens");
    const ids = new Int32Array(nIds);
    let i = 0;
    eachOf(byId, bits, (id) => {
      ids[i++] = id;
    });
    const matcher = new SpecialMatcher(tokens, ids, vocabulary.cuts);
    budget?.releaseBytes(forSorting);
    return matcher;
  };
  const special = matcherOf(vocabulary.types, SPECIAL_TYPES);
  const twice = special.duplicate();
  if (twice !== undefined) failDuplicate(vocabulary, ...twice);
  const encoder = new TextEncoder();
  const idOf = (text: string): number | undefined => {
    const known = special.idOf(encoder.encode(text));
    if (known !== NONE) return known;
    const bytes = encoder.encode(kind === "bytes" ? text : text.replaceAll(" ", "\u2581"));
    const id = index.findText(bytes, 0, bytes.length);
    return id === NONE ? undefined : id;
  };
  budget?.takeBytes(3 * nTokens, "tokens"); // an array of types, and two that say something of each
  const types = vocabulary.types.slice();
  const { ids: known, ends: found } = completeIds(whose, vocabulary.ids, types, idOf);
  const ends = new Set([...found, ...(vocabulary.ends ?? [])]);

  // what is cut out goes by the types as they are now, what text must never become by those of the file
  const userDefined = matcherOf(types, 1 << TYPE["user-defined"]);
  const everySpecial = whose === "publisher" ? special : matcherOf(types, SPECIAL_TYPES);
  const isForbidden = vocabulary.types.map((type) => (type === TYPE.control || type === TYPE.unknown ? 1 : 0));
  const stretch = kind === "scores" ? scoredStretch() : mergedStretch();

  const bos = held(known.bos);
  const eos = held(known.eos);
  const addBos = vocabulary.addBos && bos !== undefined;
  const addEos = vocabulary.addEos === true && eos !== undefined;

  function held(id: number | undefined): number | undefined {
    return id !== undefined && id >= 0 && id < nVocab ? id : undefined;
  }

  function scoredStretch(): Stretch {
    const scores = vocabulary.scores as Float32Array;
    const unknown = known.unknown ?? 0;
    const table = createPieceTable(
      {
        texts: tokens,
        scores,
        types: isForbidden.map((isOut) => (isOut === 1 ? TYPE.control : TYPE.normal)),
        byteIds: byteIdsOf(unknown),
        unkId: unknown,
      },
      budget,
    );
    return function* (text, _isSound, hasSpace, ids) {
      yield* encodeSteps(table, yield* escapeSteps(text, hasSpace && vocabulary.addSpacePrefix), ids);
    };
  }

  function mergedStretch(): Stretch {
    const pre = vocabulary.pre;
    if (pre === undefined || vocabulary.merges === undefined) throw new TypeError("a vocabulary without rules");
    const rules: readonly CutRule[] = (whose === "llama.cpp" ? pre.llamaCppRules : undefined) ?? pre.rules;
    const cuts = compileRules(rules);
    const table = createMergeTable(
      {
        nTokens,
        index,
        spelling: kind === "bytes" ? "bytes" : "characters",
        byteIds: kind === "bytes" ? alphabetIds() : byteIdsOf(known.unknown ?? NONE),
        ignoreMerges: vocabulary.ignoreMerges,
        isForbidden,
        isKey: spelled.isKey,
        merges: vocabulary.merges,
        file,
        field: (vocabulary.fields ?? GGUF_FIELDS).merges,
      },
      budget,
    );
    const isComposed = vocabulary.compose && whose === "publisher";
    return function* (raw, isSound, hasSpace, ids) {
      let text = isSound ? raw : yield* repairSteps(raw, whose === "publisher" ? "whatwg" : "lenient");
      if (isComposed) text = yield* composeSteps(text);
      if (vocabulary.escapesSpaces) text = yield* escapeSteps(text, hasSpace && vocabulary.addSpacePrefix);
      const splitter = new Splitter(cuts);
      const merger = new PairMerger(table);
      splitter.begin(text);
      let steps = SLICE_STEPS;
      for (;;) {
        const step = splitter.next();
        if (step === "end") return;
        if (step === "pause") {
          yield;
          steps = SLICE_STEPS;
          continue;
        }
        const { start, end } = splitter;
        const isLineBreaks = kind === "characters" && text[start] === 0x0a;
        const whole = isLineBreaks ? index.findText(text, start, end) : NONE;
        if (whole !== NONE && isForbidden[whole] === 0) ids.push(whole);
        else if (!merger.take(text, start, end, ids)) yield* merger.steps(text, start, end, ids);
        steps -= end - start;
        if (steps <= 0) {
          yield;
          steps = SLICE_STEPS;
        }
      }
    };
  }

  /** Of the tokens that stand for one byte each. llama.cpp finds only those that are spelled like their byte. */
  function alphabetIds(): Int32Array {
    const byte = new Uint8Array(1);
    return Int32Array.from({ length: 256 }, (_, value) => {
      byte[0] = value;
      const id = index.findText(byte, 0, 1);
      const isFound = id !== NONE && isForbidden[id] === 0 && (whose === "publisher" || (value > 0x20 && value < 0x7f));
      return isFound ? id : NONE;
    });
  }

  /** Of `<0x0A>` and its like, or of a token that is the byte itself. */
  function byteIdsOf(unknown: number): Int32Array {
    const encoder = new TextEncoder();
    return Int32Array.from({ length: 256 }, (_, value) => {
      const name = encoder.encode(`<0x${value.toString(16).toUpperCase().padStart(2, "0")}>`);
      const id = index.findText(name, 0, name.length);
      if (id !== NONE) return id;
      const own = index.findText(Uint8Array.of(value), 0, 1);
      return own === NONE || isForbidden[own] === 1 ? unknown : own;
    });
  }

  /** The bytes of an id; a view. */
  function viewOf(id: number, showsSpecial: boolean): Uint8Array {
    if (!Number.isInteger(id) || id < 0 || id >= nVocab) {
      throw new RangeError(`"id" expected 0 <= integer < ${nVocab}, got ${id}`);
    }
    const type = types[id];
    if (type === undefined || type === TYPE.unused) return NOTHING;
    if (type === TYPE.control || type === TYPE.unknown) return showsSpecial ? textOf(tokens, id) : NOTHING;
    if (type === TYPE["user-defined"]) return textOf(tokens, id);
    if (kind === "bytes") return type === TYPE.byte ? byteOf(textOf(tokens, id)) : textOf(spelled.texts, id);
    return type === TYPE.byte ? byteOf(textOf(tokens, id)) : withSpaces(textOf(tokens, id));
  }

  function* steps(from: string | Uint8Array, options: EncodeOptions, ids: IdList): Generator<void, void, void> {
    const { prompt = false, special: parses = false } = options;
    const mark = parses && options.mark !== undefined ? new TextEncoder().encode(options.mark) : NOTHING;
    const text = typeof from === "string" ? new TextEncoder().encode(from) : from;
    if (!isBytes(text)) throw new TypeError(`"text" expected a string or Uint8Array, got ${kindOf(text)}`);
    if (text.length > MAX_TEXT_BYTES) throw new TextTooLongError(MAX_TEXT_BYTES, text.length);
    const isSound = typeof from === "string";
    const hasSpace = options.space ?? (prompt || options.mode === "sentencepiece");
    if (bos !== undefined && (options.bos === true || (prompt && addBos))) ids.push(bos);
    const matcher = parses ? everySpecial : userDefined;
    let taken = 0;
    let sought = 0;
    for (;;) {
      const to = Math.min(text.length, sought + SLICE_STEPS);
      const isFound = findSpecial(matcher, text, taken, sought, to);
      if (isFound === undefined && to < text.length) {
        sought = to;
        yield;
        continue;
      }
      if (isFound !== undefined && mark.length > 0 && hasAt(text, matcher.textEnd, mark)) {
        sought = matcher.textEnd;
        continue;
      }
      const { id, start, end } = isFound ?? { id: NONE, start: text.length, end: text.length };
      const between = without(text.subarray(taken, start), mark);
      if (between.length > 0) yield* stretch(between, isSound, hasSpace, ids);
      if (id === NONE) break;
      ids.push(id);
      if (ids.length >= MANY_IDS) yield;
      taken = end;
      sought = end;
    }
    if (options.eos === true && addEos) ids.push(eos);
  }

  const encode = (text: string | Uint8Array, options: EncodeOptions = {}): Int32Array => {
    const ids = new IdList();
    for (const _ of steps(text, options, ids)); // no pause is taken
    return ids.take();
  };

  let forbiddenTexts: readonly string[] | undefined; // made when they are first asked for
  const texts = (): readonly string[] => {
    forbiddenTexts ??= Array.from(types, (type, id) =>
      type === TYPE.control || type === TYPE.unknown ? new TextDecoder().decode(textOf(tokens, id)) : "",
    )
      .filter((text) => text !== "")
      .sort((a, b) => b.length - a.length);
    return forbiddenTexts;
  };
  const tokenizer: Tokenizer = {
    nVocab,
    special: { bos, eos, ends, newline: encode("\n").at(0), idOf, texts },
    addBos,
    addEos,
    warnings: vocabulary.warnings,
    addSpacePrefix: vocabulary.addSpacePrefix,
    encode,
    *encodeSlices(text, options = {}) {
      const ids = new IdList();
      for (const _ of steps(text, options, ids)) yield ids.take();
      yield ids.take();
    },
    decode(ids, { special: shows = false, clean = false }: DecodeOptions = {}) {
      assertIds(ids);
      const bytes = joined(Array.from(ids, (id) => viewOf(id, shows)));
      const from = clean && vocabulary.addSpacePrefix && bytes[0] === SPACE ? 1 : 0;
      const shown = clean && vocabulary.cleanSpaces ? cleaned(bytes.subarray(from)) : bytes.subarray(from);
      return new TextDecoder("utf-8", { ignoreBOM: true }).decode(shown);
    },
    tokenBytes: (id, { special: shows = false }: DecodeOptions = {}) => viewOf(id, shows).slice(),
    createDecoder: ({ special: shows = false }: DecodeOptions = {}) => createStreamDecoder((id) => viewOf(id, shows)),
  };
  return { tokenizer, facts: { ids: known, ends, types, idOf } };
}

/** Ids of special tokens in a row between two pauses. */
const MANY_IDS = 64 * 1024;

function findSpecial(
  matcher: SpecialMatcher,
  text: Uint8Array,
  least: number,
  from: number,
  to: number,
): { id: number; start: number; end: number } | undefined {
  if (!matcher.find(text, least, from, to)) return undefined;
  return { id: matcher.id, start: matcher.start, end: matcher.end };
}

/** The bytes that tokens of the alphabet stand for, and which of them are spelled in it altogether. */
function bytesOf(tokens: Texts, types: Uint8Array, budget: Budget | undefined): { texts: Texts; isKey: Uint8Array } {
  const nTokens = types.length;
  budget?.takeBytes(tokens.bytes.length + 5 * nTokens + 4, "tokens");
  const bytes = new Uint8Array(tokens.bytes.length);
  const starts = new Uint32Array(nTokens + 1);
  const isKey = new Uint8Array(nTokens).fill(1);
  let length = 0;
  for (let id = 0; id < nTokens; id++) {
    const end = writeBytes(tokens.bytes, tokens.starts[id] as number, tokens.starts[id + 1] as number, bytes, length);
    if (end < 0) isKey[id] = 0;
    length = end < 0 ? ~end : end;
    starts[id + 1] = length;
  }
  return { texts: { bytes: bytes.subarray(0, length), starts }, isKey };
}

function failDuplicate({ file, fields = GGUF_FIELDS }: Vocabulary, earlier: number, id: number): never {
  const message = `tokens ${earlier} and ${id} have the same text`;
  const field = `${fields.tokens}[${id}]`;
  throw new TokenizerModelError({
    code: "E_DUP",
    file,
    field,
    expected: "a new text",
    got: `that of id ${earlier}`,
    message,
  });
}

function failLong({ file, fields = GGUF_FIELDS }: Vocabulary, id: number, got: number): never {
  const message = `a special token of ${got} bytes, at most ${MAX_CUT_BYTES} can be used`;
  const field = `${fields.tokens}[${id}]`;
  throw new TokenizerModelError({
    code: "E_LIMIT",
    file,
    field,
    expected: `at most ${MAX_CUT_BYTES} bytes`,
    got,
    message,
  });
}
