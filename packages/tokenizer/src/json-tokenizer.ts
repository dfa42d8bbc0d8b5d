// tokenizer.json of Hugging Face, and tekken.json of Mistral.

import { type Budget, type BudgetOptions, headerBudget } from "@ll/bytes";
import { type AddedTokens, addedTokenBytes, looksSpecial, readAddedTokens } from "./added-tokens.ts";
import { MAX_MERGES } from "./byte-level/merge-table.ts";
import { knownRules, type PreTokenizer, preTokenizer } from "./byte-level/pretokenizers.ts";
import { isFields } from "./config-file.ts";
import { TokenizerModelError } from "./errors.ts";
import { JsonScanner, type Span } from "./json-scanner.ts";
import { MAX_PIECES, MAX_VOCABULARY_BYTES } from "./limits.ts";
import { markBytes, TYPE } from "./pieces.ts";
import type { SpecialIds } from "./special-ids.ts";
import { SpecialMatcher } from "./special-matcher.ts";
import { readTekken } from "./tekken.ts";
import { type Texts, textOf } from "./texts.ts";
import type { Tokenizer, TokenizerOptions } from "./tokenizer.ts";
import type { Vocabulary } from "./vocabulary.ts";
import { createVocabularyTokenizer } from "./vocabulary-tokenizer.ts";

/**
 * The tokenizer of a tokenizer.json (byte-level BPE, or BPE with bytes as `<0x0A>`) or of a tekken.json.
 * @param options `budget`: charged for reading the file and for the tokenizer, twice the bytes of the file and 1 MiB if absent
 * @param file shown in errors
 * @throws TokenizerModelError `E_JSON`, `E_UTF8` for a file that is no JSON; `E_UNSUPPORTED` for a kind, a pre-tokenizer or a normalizer that is
 * not known, by its name; `E_FIELD`, `E_LIMIT`, `E_DUP`, `E_RANGE` for a vocabulary that cannot be right
 */
export function createJsonTokenizer(bytes: Uint8Array, options: TokenizerOptions = {}, file?: string): Tokenizer {
  const budget = options.budget ?? headerBudget(bytes.length, file, TokenizerModelError);
  return createVocabularyTokenizer(readJsonVocabulary(bytes, { budget }, file), { ...options, budget });
}

export function readJsonVocabulary(bytes: Uint8Array, options: BudgetOptions = {}, file?: string): Vocabulary {
  const budget = options.budget ?? headerBudget(bytes.length, file, TokenizerModelError);
  const scanner = new JsonScanner(bytes, file, budget);
  const parts = scanner.members();
  scanner.end();
  if (parts.has("config") && parts.has("vocab")) return readTekken(scanner, parts, budget, file);
  return new TokenizerJson(scanner, parts, budget, file).read();
}

/** Bytes that a value of JavaScript may take for each of its JSON: `[` in a list becomes a list with room for more. */
const VALUE_BYTES = 40;

/** Bytes of a part that becomes a value; published files have at most 2 KiB. */
const MAX_PART_BYTES = 24 * 1024;

/** Ids below the last one for which a file has no token; those of models have some hundreds. */
const MAX_GAPS = 65_536;

class TokenizerJson {
  readonly #scanner: JsonScanner;
  readonly #parts: ReadonlyMap<string, Span>;
  readonly #model: ReadonlyMap<string, Span>;
  readonly #budget: Budget;
  readonly #file: string | undefined;

  constructor(scanner: JsonScanner, parts: ReadonlyMap<string, Span>, budget: Budget, file: string | undefined) {
    this.#scanner = scanner;
    this.#parts = parts;
    this.#budget = budget;
    this.#file = file;
    const model = parts.get("model");
    if (model === undefined) throw scanner.error("E_FIELD", "model", "an object", "nothing");
    scanner.at = model.start;
    this.#model = scanner.members();
  }

  read(): Vocabulary {
    const type = this.#scalar("type") ?? "BPE";
    if (type !== "BPE") throw this.#unsupported("model.type", "BPE", String(type));
    for (const field of ["dropout", "continuing_subword_prefix", "end_of_word_suffix"]) {
      const value = this.#scalar(field) ?? "";
      if (value !== "" && value !== 0) throw this.#unsupported(`model.${field}`, "nothing", String(value));
    }
    const added = readAddedTokens(this.#scanner, this.#parts.get("added_tokens"), this.#budget);
    const { tokens, types } = this.#tokens(added);
    const merges = this.#merges();
    const steps = this.#normalizer(this.#value("normalizer"));
    const rules = this.#preTokenizer(this.#value("pre_tokenizer"));
    const isBytes = rules !== undefined;
    const isFallback = this.#scalar("byte_fallback") === true;
    if (!isBytes && !isFallback) throw this.#unsupported("pre_tokenizer", "ByteLevel, or byte_fallback", "neither");
    if (isFallback && !isBytes) markBytes(tokens, types);
    const nAdded = added.ids.length;
    const forFinding = 10 * nAdded;
    this.#budget.takeBytes(forFinding, "added_tokens");
    const ids = this.#ids(finderOf(added));
    const cuts = this.#cuts(added, types.length);
    this.#budget.releaseBytes(forFinding + addedTokenBytes(nAdded, added.texts.bytes.length));
    const pre: PreTokenizer | undefined = isBytes ? this.#known(rules) : { rules: ["[\\s\\S]+"], cleanSpaces: false };
    return {
      file: this.#file,
      fields: { tokens: "model.vocab", merges: "model.merges" },
      kind: isBytes ? "bytes" : "characters",
      tokens,
      types,
      scores: undefined,
      merges,
      pre,
      ignoreMerges: this.#scalar("ignore_merges") === true,
      ids: ids.ids,
      addBos: ids.addBos,
      addEos: ids.addEos,
      addSpacePrefix: steps.prefix,
      cleanSpaces: false,
      escapesSpaces: steps.escapes,
      compose: steps.compose,
      ...(cuts === undefined ? {} : { cuts }),
      warnings: [],
    };
  }

  /** By id, of tokens that are not plainly cut out; undefined if all are. */
  #cuts(added: AddedTokens, nTokens: number): Uint8Array | undefined {
    if (added.cuts.every((cut) => cut === 0)) return undefined;
    this.#budget.takeBytes(nTokens, "added_tokens");
    const cuts = new Uint8Array(nTokens);
    for (let i = 0; i < added.ids.length; i++) cuts[added.ids[i] as number] = added.cuts[i] as number;
    return cuts;
  }

  #value(key: string, from: ReadonlyMap<string, Span> = this.#parts): unknown {
    const span = from.get(key);
    if (span === undefined) return undefined;
    const bytes = VALUE_BYTES * Math.min(span.end - span.start, MAX_PART_BYTES);
    this.#budget.takeBytes(bytes, key, span.start);
    const value = this.#scanner.value(span, key, MAX_PART_BYTES);
    this.#budget.releaseBytes(bytes);
    return value;
  }

  /** A field of the model that is not an object; null counts as absent. */
  #scalar(key: string): unknown {
    return this.#value(key, this.#model) ?? undefined;
  }

  /** The texts by id: those of the model, then the added ones in their places. */
  #tokens(added: AddedTokens): { tokens: Texts; types: Uint8Array } {
    const scanner = this.#scanner;
    const span = this.#model.get("vocab");
    if (span === undefined) throw scanner.error("E_FIELD", "model.vocab", "an object", "nothing");
    let room = added.texts.bytes.length;
    let last = added.ids.reduce((most, id) => Math.max(most, id), -1);
    let nEntries = added.ids.length;
    scanner.at = span.start;
    this.#eachToken(
      () => {
        room += scanner.skipText();
      },
      (id) => {
        last = Math.max(last, id);
        nEntries++;
      },
    );
    const nTokens = last + 1;
    if (nTokens === 0) throw scanner.error("E_EMPTY", "model.vocab", "at least one token", 0);
    if (nTokens > nEntries + MAX_GAPS) {
      throw scanner.error("E_RANGE", "model.vocab", `at most ${MAX_GAPS} ids without a token`, nTokens - nEntries);
    }
    this.#budget.takeItems(nEntries, "model.vocab", span.start);
    this.#budget.takeBytes(room + 13 * nTokens, "model.vocab", span.start);
    const bytes = new Uint8Array(room);
    const firsts = new Uint32Array(nTokens);
    const ends = new Uint32Array(nTokens);
    const types = new Uint8Array(nTokens).fill(TYPE.unused);
    let length = 0;
    let start = 0;
    scanner.at = span.start;
    this.#eachToken(
      () => {
        start = length;
        length = scanner.writeText(bytes, length);
      },
      (id) => {
        if (types[id] === TYPE.normal) throw scanner.error("E_DUP", "model.vocab", "a new id", id);
        types[id] = TYPE.normal;
        firsts[id] = start;
        ends[id] = length;
      },
    );
    bytes.set(added.texts.bytes, length);
    for (let i = 0; i < added.ids.length; i++) {
      const id = added.ids[i] as number;
      firsts[id] = length + (added.texts.starts[i] as number);
      ends[id] = length + (added.texts.starts[i + 1] as number);
      const isControl = added.isSpecial[i] === 1 || looksSpecial(textOf(added.texts, i));
      types[id] = isControl ? TYPE.control : TYPE["user-defined"];
    }
    const starts = new Uint32Array(nTokens + 1);
    for (let id = 0; id < nTokens; id++)
      starts[id + 1] = (starts[id] as number) + (ends[id] as number) - (firsts[id] as number);
    const total = starts[nTokens] as number;
    if (total > MAX_VOCABULARY_BYTES)
      throw scanner.error("E_LIMIT", "model.vocab", `at most ${MAX_VOCABULARY_BYTES} bytes`, total);
    this.#budget.takeBytes(total, "model.vocab", span.start);
    const ordered = new Uint8Array(total);
    for (let id = 0; id < nTokens; id++) ordered.set(bytes.subarray(firsts[id], ends[id]), starts[id]);
    this.#budget.releaseBytes(room + 8 * nTokens);
    return { tokens: { bytes: ordered, starts }, types };
  }

  #eachToken(takeText: () => void, takeId: (id: number) => void): void {
    const scanner = this.#scanner;
    scanner.expect("{");
    if (scanner.accept("}")) return;
    do {
      takeText();
      scanner.expect(":");
      const id = scanner.integer("model.vocab");
      if (id >= MAX_PIECES) throw scanner.error("E_RANGE", "model.vocab", `ids below ${MAX_PIECES}`, id);
      takeId(id);
    } while (scanner.accept(","));
    scanner.expect("}");
  }

  /** `left right`; a space inside a half, which only pairs may have, becomes Ġ. */
  #merges(): Texts {
    const scanner = this.#scanner;
    const span = this.#model.get("merges");
    if (span === undefined) throw scanner.error("E_FIELD", "model.merges", "an array", "nothing");
    let nMerges = 0;
    let room = 0;
    scanner.at = span.start;
    scanner.array(() => {
      nMerges++;
      if (scanner.accept("[")) {
        room += this.#halfRoom() + 1;
        scanner.expect(",");
        room += this.#halfRoom();
        scanner.expect("]");
      } else room += scanner.skipText();
    });
    if (nMerges > MAX_MERGES) throw scanner.error("E_LIMIT", "model.merges", `at most ${MAX_MERGES}`, nMerges);
    this.#budget.takeSteps(nMerges, "model.merges", span.start);
    this.#budget.takeBytes(room + 4 * (nMerges + 1), "model.merges", span.start);
    const bytes = new Uint8Array(room);
    const starts = new Uint32Array(nMerges + 1);
    let length = 0;
    scanner.at = span.start;
    scanner.array((i) => {
      if (scanner.accept("[")) {
        length = this.#half(bytes, length);
        scanner.expect(",");
        bytes[length++] = 0x20;
        length = this.#half(bytes, length);
        scanner.expect("]");
      } else length = scanner.writeText(bytes, length);
      starts[i + 1] = length;
    });
    return { bytes: bytes.subarray(0, length), starts };
  }

  /** Bytes that `#half` writes at most. */
  #halfRoom(): number {
    const scanner = this.#scanner;
    const length = scanner.skipText();
    let room = length;
    for (let i = scanner.at - length - 1; i < scanner.at - 1; i++) if (scanner.bytes[i] === 0x20) room++;
    return room;
  }

  #half(bytes: Uint8Array, from: number): number {
    let end = this.#scanner.writeText(bytes, from);
    for (let i = from; i < end; i++) {
      if (bytes[i] !== 0x20) continue;
      bytes.copyWithin(i + 2, i + 1, end);
      bytes[i] = 0xc4;
      bytes[i + 1] = 0xa0;
      end++;
    }
    return end;
  }

  #normalizer(value: unknown): { compose: boolean; escapes: boolean; prefix: boolean } {
    const steps = { compose: false, escapes: false, prefix: false };
    const take = (step: unknown): void => {
      if (step === null || step === undefined) return;
      const { type, normalizers, prepend, pattern, content } = isFields(step) ? step : {};
      if (type === "Sequence" && Array.isArray(normalizers)) for (const part of normalizers) take(part);
      else if (type === "NFC") steps.compose = true;
      else if (type === "Prepend" && prepend === "\u2581") steps.prefix = true;
      else if (type === "Replace" && isFields(pattern) && pattern["String"] === " " && content === "\u2581")
        steps.escapes = true;
      else throw this.#unsupported("normalizer", "NFC, or U+2581 for spaces", String(type));
    };
    take(value);
    return steps;
  }

  /** The patterns, if texts are spelled in the alphabet of bytes; undefined if they are plain. */
  #preTokenizer(value: unknown): string[] | undefined {
    const patterns: string[] = [];
    let isBytes = false;
    const take = (step: unknown): void => {
      if (step === null || step === undefined) return;
      const fields = isFields(step) ? step : {};
      const { type, pretokenizers, pattern, behavior, invert } = fields;
      const regex = isFields(pattern) ? pattern["Regex"] : undefined;
      if (type === "Sequence" && Array.isArray(pretokenizers)) for (const part of pretokenizers) take(part);
      else if (type === "Split" && typeof regex === "string" && behavior === "Isolated" && invert !== true)
        patterns.push(regex);
      else if (type === "Split" && isFields(pattern) && pattern["String"] === " " && behavior === "MergedWithPrevious")
        return;
      else if (type === "Digits" && fields["individual_digits"] === true) patterns.push("\\p{N}");
      else if (type === "ByteLevel" && fields["add_prefix_space"] !== true) {
        isBytes = true;
        if (fields["use_regex"] !== false) patterns.push(...gpt2Rules());
      } else throw this.#unsupported("pre_tokenizer", "Split, Digits or ByteLevel", String(type));
    };
    take(value);
    if (!isBytes && patterns.length > 0) throw this.#unsupported("pre_tokenizer", "ByteLevel behind Split", "none");
    return isBytes ? patterns : undefined;
  }

  #known(patterns: readonly string[]): PreTokenizer {
    const known = knownRules(patterns);
    if (known !== undefined) return known;
    throw this.#unsupported("pre_tokenizer", "patterns that are known", patterns.join(" then ").slice(0, 1000));
  }

  /** BOS and EOS, as the template of the post-processor puts them around a text. */
  #ids(idOf: (text: string) => number | undefined): { ids: SpecialIds; addBos: boolean; addEos: boolean } {
    const ids: SpecialIds = {};
    let [addBos, addEos] = [false, false];
    const take = (step: unknown): void => {
      const { type, processors, single, cls, sep } = isFields(step) ? step : {};
      if (type === "BertProcessing" || type === "RobertaProcessing") {
        ids.bos = this.#named(cls, idOf, "post_processor.cls");
        ids.eos = this.#named(sep, idOf, "post_processor.sep");
        [addBos, addEos] = [true, true];
      }
      if (type === "Sequence" && Array.isArray(processors)) for (const part of processors) take(part);
      if (type !== "TemplateProcessing" || !Array.isArray(single)) return;
      const idOfItem = (item: unknown): number | undefined => {
        const special = isFields(item) ? item["SpecialToken"] : undefined;
        const name = isFields(special) ? special["id"] : undefined;
        return typeof name === "string" ? idOf(name) : undefined;
      };
      const [bos, eos] = [idOfItem(single[0]), idOfItem(single.at(-1))];
      if (bos !== undefined) {
        ids.bos = bos;
        addBos = true;
      }
      if (eos !== undefined && single.length > 1) {
        ids.eos = eos;
        addEos = true;
      }
    };
    take(this.#value("post_processor"));
    const unknown = this.#scalar("unk_token");
    const unknownId = typeof unknown === "string" ? idOf(unknown) : undefined;
    if (unknownId !== undefined) ids.unknown = unknownId;
    return { ids, addBos, addEos };
  }

  /** The id of a token that is given as [text, id]. */
  #named(pair: unknown, idOf: (text: string) => number | undefined, field: string): number {
    const id = Array.isArray(pair) ? idOf(String(pair[0])) : undefined;
    if (id === undefined)
      throw this.#scanner.error("E_FIELD", field, "the text of an added token, and its id", "something else");
    return id;
  }

  #unsupported(field: string, expected: string, got: string): TokenizerModelError {
    return this.#scanner.error("E_UNSUPPORTED", field, expected, got);
  }
}

/** Finds the id of an added token by its text. */
function finderOf({ texts, ids }: AddedTokens): (text: string) => number | undefined {
  let matcher: SpecialMatcher | undefined; // made when there is something to find
  return (text) => {
    matcher ??= new SpecialMatcher(
      texts,
      ids.map((_, i) => i).filter((i) => texts.starts[i] !== texts.starts[i + 1]),
    );
    return ids[matcher.idOf(new TextEncoder().encode(text))];
  };
}

function gpt2Rules(): readonly string[] {
  return (preTokenizer("gpt-2")?.rules ?? []) as readonly string[];
}
