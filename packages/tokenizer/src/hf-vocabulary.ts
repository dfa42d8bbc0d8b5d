// The tokenizer of a Hugging Face directory as GGUF files have it: facts of llama.cpp's converter of August 2026, but for scores that
// follow from the order of merges, and control tokens that are told by what the files say of each.

import { type BudgetOptions, headerBudget, printable } from "@ll/bytes";
import { preNameOf } from "./byte-level/pretokenizers.ts";
import { TokenizerModelError } from "./errors.ts";
import { JsonScanner, type Span } from "./json-scanner.ts";
import { LOOKS_SPECIAL, readJsonVocabulary } from "./json-tokenizer.ts";
import { MAX_PIECES, MAX_VOCABULARY_BYTES } from "./limits.ts";
import { readSentencePieceModel } from "./model-proto.ts";
import { piecesOf, TYPE } from "./pieces.ts";
import { END_TEXTS } from "./special-ids.ts";
import { type Texts, textOf } from "./texts.ts";

/** What lies in the directory, whole. */
export interface HfTokenizerFiles {
  readonly tokenizerModel?: Uint8Array | undefined;
  readonly tokenizerJson?: Uint8Array | undefined;
  readonly tekkenJson?: Uint8Array | undefined;
  readonly tokenizerConfig?: Uint8Array | undefined;
  readonly addedTokens?: Uint8Array | undefined;
  /** chat_template.jinja and additional_chat_templates, by their names; "default" is the model's. */
  readonly templates?: ReadonlyMap<string, string> | undefined;
  /** chat_template.json */
  readonly templateJson?: Uint8Array | undefined;
}

/** How the family of the model takes them; the rules of @ll/architectures. */
export interface HfVocabularyRules {
  readonly sentencePiece: "optional" | "required" | "never";
  readonly spacePrefix?: "as configured" | "never" | undefined;
  readonly keepsAddedTokens?: boolean | undefined;
  readonly isPlain?: boolean | undefined;
}

/** What config.json says. */
export interface HfVocabularyFacts {
  /** Undefined: as many as there are tokens. */
  readonly vocabSize: number | undefined;
  /** `bos_token_id` and so on, by the names in front of `_token_id`. */
  readonly ids: ReadonlyMap<string, number>;
  /** Ids that end an answer, where config.json or generation_config.json has a list of them or generation_config.json one. */
  readonly ends: readonly number[];
}

export interface HfVocabulary {
  readonly model: "llama" | "gpt2" | "gemma4";
  readonly pre: string | undefined;
  readonly tokens: Texts;
  readonly scores: Float32Array | undefined; // (nTokens)
  readonly types: Uint8Array; // (nTokens)
  readonly merges: Texts | undefined;
  /** By the names in front of `_token_id`, as GGUF has them. */
  readonly ids: ReadonlyMap<string, number>;
  /** By the names between `add_` and `_token`. */
  readonly adds: ReadonlyMap<string, boolean>;
  readonly addSpacePrefix: boolean | undefined;
  readonly chatTemplates: ReadonlyMap<string, string>;
  /** Ids that end an answer, for which there is no key. */
  readonly lostEnds: readonly number[];
  readonly warnings: readonly string[];
}

/** Names of special tokens in configurations, and in GGUF files. */
const ID_NAMES = [
  ["bos", "bos"],
  ["eos", "eos"],
  ["unk", "unknown"],
  ["sep", "seperator"], // sic
  ["pad", "padding"],
  ["mask", "mask"],
] as const;

/** Score of tokens that were added; no merge makes them. */
const ADDED_SCORE = -1000;
const FILLER_SCORE = -10000;

/** Tokens of Gemma 4 that are shown, though they are marked as special. */
const GEMMA4_SHOWN: readonly string[] = [
  "<|channel>",
  "<channel|>",
  "<|tool_call>",
  "<tool_call|>",
  "<|tool_response>",
  "<tool_response|>",
  '<|"|>',
];

/**
 * @throws TokenizerModelError as `createJsonTokenizer` and `readSentencePieceModel`; `E_MISSING` without any tokenizer, `E_RANGE` for an
 *   id that is none of the vocabulary, `E_FIELD` for a configuration of another form
 */
export function hfVocabulary(
  files: HfTokenizerFiles,
  rules: HfVocabularyRules,
  { vocabSize, ids, ends }: HfVocabularyFacts,
): HfVocabulary {
  const config = new ConfigFile(files.tokenizerConfig, "tokenizer_config.json");
  const json = new ConfigFile(files.tokenizerJson, "tokenizer.json");
  const kind = chooseKind(files, rules, config);
  const isSentencePiece = kind === "tokenizer.model";
  const base = isSentencePiece
    ? sentencePieces(files, rules, config, json, vocabSize)
    : jsonTokens(kind === "tekken.json" ? files.tekkenJson : files.tokenizerJson, kind, rules, vocabSize);
  const { ids: fileIds, adds } = specialTokens(config, json, new ConfigFile(files.addedTokens, "added_tokens.json"));
  const nTokens = base.types.length;
  const all = new Map<string, number>();
  const warnings: string[] = [];
  for (const [name, ggufName] of ID_NAMES) {
    const said = fileIds.get(name) ?? ids.get(name);
    // a text that is generated ends where generation_config.json says
    const isOther = name === "eos" && ends.length > 0 && (said === undefined || !ends.includes(said));
    const candidates = [isOther ? ends[0] : said, base.ids.get(name)].filter((id) => id !== undefined);
    const id = candidates.find((one) => one < nTokens);
    if (id !== undefined) all.set(ggufName, id);
    if (candidates.length > 0 && candidates[0] !== id) {
      warnings.push(`${name}_token_id is ${candidates[0]}, and the vocabulary does not have it`);
    }
  }
  // readers know other ends by their texts; what they do not know is named as far as there are names
  const others = ends.filter((id) => id < nTokens && id !== all.get("eos") && !isKnownEnd(base, id));
  for (const name of ["eot", "eom"]) {
    const id = others.shift();
    if (id !== undefined) all.set(name, id);
  }
  for (const [name, value] of base.adds) if (!adds.has(name)) adds.set(name, value);
  const configured = config.value("add_prefix_space");
  const asConfigured =
    rules.spacePrefix === "as configured" && typeof configured === "boolean" ? configured : undefined;
  return {
    ...base,
    ids: all,
    adds,
    addSpacePrefix: rules.spacePrefix === "never" ? false : asConfigured,
    chatTemplates: chatTemplates(files, config),
    lostEnds: others,
    warnings,
  };
}

function isKnownEnd({ tokens, types }: Base, id: number): boolean {
  return types[id] === TYPE.control && END_TEXTS.includes(new TextDecoder().decode(textOf(tokens, id)));
}

type Kind = "tokenizer.model" | "tokenizer.json" | "tekken.json";

function chooseKind(files: HfTokenizerFiles, { sentencePiece }: HfVocabularyRules, config: ConfigFile): Kind {
  const isGpt2 = sentencePiece === "required" && config.value("tokenizer_class") === "GPT2Tokenizer";
  if (sentencePiece !== "never" && !isGpt2) {
    if (files.tokenizerModel !== undefined) return "tokenizer.model";
    if (sentencePiece === "required") return fail("E_MISSING", "tokenizer.model", "file", "a tokenizer.model", "none");
  }
  if (files.tokenizerJson !== undefined) return "tokenizer.json";
  if (files.tekkenJson !== undefined) return "tekken.json";
  const expected = "tokenizer.json, tokenizer.model or tekken.json, as the family has it";
  return fail("E_MISSING", "tokenizer.json", "file", expected, "none");
}

/** What is known of the tokens themselves. */
interface Base extends Pick<HfVocabulary, "model" | "pre" | "tokens" | "scores" | "types" | "merges"> {
  /** By the names of configurations. */
  readonly ids: ReadonlyMap<string, number>;
  readonly adds: ReadonlyMap<string, boolean>;
}

function jsonTokens(
  bytes: Uint8Array | undefined,
  file: string,
  { isPlain = false }: HfVocabularyRules,
  vocabSize: number | undefined,
): Base {
  const read = readJsonVocabulary(bytes as Uint8Array, {}, file);
  const nRead = read.types.length;
  const table = new TokenTable(vocabSize ?? nRead, file);
  for (let id = 0; id < nRead; id++) {
    const type = read.types[id] as number;
    const text = textOf(read.tokens, id);
    if (type === TYPE.unused && text.length === 0) continue; // a gap
    const isShown = isPlain && GEMMA4_SHOWN.includes(new TextDecoder().decode(text));
    if (isShown) table.set(id, text, TYPE["user-defined"], ADDED_SCORE);
    else if (type === TYPE["user-defined"]) table.set(id, spaced(text), type, ADDED_SCORE);
    else table.set(id, text, type, type === TYPE.normal ? -id : type === TYPE.byte ? 0 : ADDED_SCORE);
  }
  const isTekken = file === "tekken.json";
  const { bos, eos, unknown, padding } = read.ids;
  const ids = new Map(
    Object.entries(isTekken ? { bos, eos, unk: unknown, pad: padding } : {}).filter(
      (entry): entry is [string, number] => entry[1] !== undefined,
    ),
  );
  const adds = new Map(isTekken ? [["bos", true] as const] : []);
  const { tokens, types, scores } = table.finish();
  if (read.kind === "bytes") {
    const pre = isTekken || read.pre === undefined ? "tekken" : preNameOf(read.pre, read.ignoreMerges);
    return { model: "gpt2", pre, tokens, scores: undefined, types, merges: read.merges, ids, adds };
  }
  if (isPlain) {
    return {
      ...{ model: "gemma4", pre: undefined, tokens, types, merges: read.merges, ids, adds },
      scores: scores.fill(ADDED_SCORE),
    };
  }
  return { model: "llama", pre: "default", tokens, scores, types, merges: undefined, ids, adds };
}

function sentencePieces(
  files: HfTokenizerFiles,
  { keepsAddedTokens = false }: HfVocabularyRules,
  config: ConfigFile,
  json: ConfigFile,
  vocabSize: number | undefined,
): Base {
  const model = readSentencePieceModel(files.tokenizerModel as Uint8Array, "tokenizer.model");
  const pieces = piecesOf(model);
  const table = new TokenTable(vocabSize ?? pieces.types.length, "tokenizer.model");
  for (let id = 0; id < pieces.types.length; id++) {
    const type = pieces.types[id] as number;
    const ownType = type === TYPE["user-defined"] ? TYPE.normal : type;
    table.set(id, textOf(pieces.texts, id), ownType, pieces.scores[id] as number);
  }
  const encoder = new TextEncoder();
  const added = new ConfigFile(files.addedTokens, "added_tokens.json");
  for (const text of added.keys()) {
    const id = added.value(text);
    if (typeof id !== "number") fail("E_FIELD", "added_tokens.json", text, "an id", typeof id);
    table.set(id as number, encoder.encode(text), TYPE["user-defined"], ADDED_SCORE);
  }
  const add = (id: number, token: unknown, file: string): void => {
    const { content, special } = isFields(token) ? token : {};
    if (typeof content !== "string") return void fail("E_FIELD", file, `token ${id}`, "a content", "none");
    const looksSpecial = !keepsAddedTokens && LOOKS_SPECIAL.test(content.slice(0, 600));
    const text = encoder.encode(content);
    if (special === true || looksSpecial) table.set(id, text, TYPE.control, ADDED_SCORE);
    else table.set(id, keepsAddedTokens ? text : spaced(text), TYPE["user-defined"], ADDED_SCORE);
  };
  const decoder = config.value("added_tokens_decoder");
  if (isFields(decoder)) {
    for (const [id, token] of Object.entries(decoder)) add(Number(id), token, "tokenizer_config.json");
  }
  const jsonTokens = keepsAddedTokens ? json.value("added_tokens") : undefined;
  for (const token of Array.isArray(jsonTokens) ? jsonTokens : []) {
    add(isFields(token) ? Number(token["id"]) : Number.NaN, token, "tokenizer.json");
  }
  const { tokens, types, scores } = table.finish(FILLER_SCORE);
  const { bosId = -1, eosId = -1 } = model.trainer ?? {};
  const ids = new Map(Object.entries({ bos: bosId, eos: eosId }).filter(([, id]) => id >= 0));
  return { model: "llama", pre: "default", tokens, types, scores, merges: undefined, ids, adds: new Map() };
}

/** Tokens by id; those that never come are fillers. */
class TokenTable {
  readonly #texts: (Uint8Array | undefined)[];
  readonly #types: Uint8Array; // (n)
  readonly #scores: Float32Array; // (n)
  readonly #file: string;

  constructor(n: number, file: string) {
    if (n < 1 || n > MAX_PIECES) fail("E_LIMIT", "config.json", "vocab_size", `1 to ${MAX_PIECES}`, n);
    this.#texts = new Array<Uint8Array | undefined>(n).fill(undefined);
    this.#types = new Uint8Array(n).fill(TYPE.unused);
    this.#scores = new Float32Array(n);
    this.#file = file;
  }

  set(id: number, text: Uint8Array, type: number, score: number): void {
    const n = this.#texts.length;
    if (!Number.isInteger(id) || id < 0 || id >= n) {
      fail("E_RANGE", this.#file, `token ${id}`, `an id below ${n}, the vocab_size of config.json`, id);
    }
    this.#texts[id] = text;
    this.#types[id] = type;
    this.#scores[id] = score;
  }

  finish(fillerScore = ADDED_SCORE): { tokens: Texts; types: Uint8Array; scores: Float32Array } {
    const encoder = new TextEncoder();
    const texts = this.#texts.map((text, id) => {
      if (text === undefined) this.#scores[id] = fillerScore;
      return text ?? encoder.encode(`[PAD${id}]`);
    });
    const total = texts.reduce((sum, { length }) => sum + length, 0);
    if (total > MAX_VOCABULARY_BYTES) {
      fail("E_LIMIT", this.#file, "tokens", `at most ${MAX_VOCABULARY_BYTES} bytes`, total);
    }
    const bytes = new Uint8Array(total);
    const starts = new Uint32Array(texts.length + 1);
    let length = 0;
    for (const [id, text] of texts.entries()) {
      bytes.set(text, length);
      length += text.length;
      starts[id + 1] = length;
    }
    return { tokens: { bytes, starts }, types: this.#types, scores: this.#scores };
  }
}

/** Ids that tokenizer_config.json names by their texts, and which of them are put around a text. */
function specialTokens(
  config: ConfigFile,
  json: ConfigFile,
  addedTokens: ConfigFile,
): { ids: ReadonlyMap<string, number>; adds: Map<string, boolean> } {
  const ids = new Map<string, number>();
  const adds = new Map<string, boolean>();
  const byContent = new Map<string, number>();
  const added = json.value("added_tokens");
  for (const token of Array.isArray(added) ? added : []) {
    if (isFields(token) && typeof token["content"] === "string" && typeof token["id"] === "number") {
      byContent.set(token["content"], token["id"]);
    }
  }
  // where there is no tokenizer.json; llama.cpp's converter would leave out an end that is not in config.json
  const elsewhere = new Map<string, number>();
  for (const text of addedTokens.keys()) {
    const id = addedTokens.value(text);
    if (typeof id === "number") elsewhere.set(text, id);
  }
  const decoder = config.value("added_tokens_decoder");
  for (const [id, token] of Object.entries(isFields(decoder) ? decoder : {})) {
    if (isFields(token) && typeof token["content"] === "string") elsewhere.set(token["content"], Number(id));
  }
  const texts = new Map<string, string>();
  for (const [name] of ID_NAMES) {
    const token = config.value(`${name}_token`);
    const text = isFields(token) ? token["content"] : token;
    if (typeof text !== "string") continue;
    texts.set(name, text);
    const id = byContent.get(text) ?? (name === "eos" ? elsewhere.get(text) : undefined);
    if (id !== undefined) ids.set(name, id);
  }
  readTemplate(json.value("post_processor"), texts, adds);
  if (adds.get("sep") === true && !ids.has("sep")) {
    const eos = ids.get("eos");
    if (eos !== undefined) ids.set("sep", eos);
  }
  for (const name of ["bos", "eos", "sep"]) {
    const value = config.value(`add_${name}_token`);
    if (typeof value === "boolean") adds.set(name, value);
  }
  return { ids, adds };
}

/** What the post-processor puts around one text, and between two. */
function readTemplate(step: unknown, texts: ReadonlyMap<string, string>, adds: Map<string, boolean>): void {
  const { type, processors, single, pair } = isFields(step) ? step : {};
  if (type === "Sequence" && Array.isArray(processors)) {
    for (const part of processors) readTemplate(part, texts, adds);
  }
  if (type !== "TemplateProcessing" || !Array.isArray(single)) return;
  const textOfItem = (item: unknown): unknown => {
    const token = isFields(item) ? item["SpecialToken"] : undefined;
    return isFields(token) ? token["id"] : undefined;
  };
  const isToken = (item: unknown, name: string): boolean => texts.has(name) && textOfItem(item) === texts.get(name);
  if (isToken(single[0], "bos")) adds.set("bos", true);
  if (single.length > 1 && isToken(single.at(-1), "eos")) adds.set("eos", true);
  if (!Array.isArray(pair)) return;
  const isText = (item: unknown): boolean => isFields(item) && isFields(item["Sequence"]);
  const middle = pair.slice(pair.findIndex(isText) + 1, pair.findLastIndex(isText));
  if (middle.length > 0)
    adds.set(
      "sep",
      middle.some((item) => isToken(item, "sep") || isToken(item, "eos")),
    );
}

function chatTemplates({ templates, templateJson }: HfTokenizerFiles, config: ConfigFile): Map<string, string> {
  const own = config.value("chat_template");
  if (typeof own === "string") return new Map([["default", own]]);
  if (Array.isArray(own)) {
    const named = own.map((item): readonly [string, string] => {
      const { name, template } = isFields(item) ? item : {};
      if (typeof name === "string" && typeof template === "string") return [name, template];
      return fail("E_FIELD", "tokenizer_config.json", "chat_template", "names and templates", "something else");
    });
    return new Map(named);
  }
  if (templates?.has("default")) return new Map(templates);
  const other = new ConfigFile(templateJson, "chat_template.json").value("chat_template");
  return new Map([...(typeof other === "string" ? ([["default", other]] as const) : []), ...(templates ?? [])]);
}

type Fields = Readonly<Record<string, unknown>>;

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A JSON file of which a few members become values. Without a file there are none. */
class ConfigFile {
  readonly #spans = new Map<string, Span>();
  readonly #scanner: JsonScanner | undefined;

  constructor(bytes: Uint8Array | undefined, file: string, options: BudgetOptions = {}) {
    if (bytes === undefined) return;
    const budget = options.budget ?? headerBudget(bytes.length, file, TokenizerModelError);
    const scanner = new JsonScanner(bytes, file, budget);
    this.#scanner = scanner;
    scanner.object((key) => {
      if (this.#spans.has(key)) throw scanner.error("E_DUP", key, "once", "twice");
      this.#spans.set(key, scanner.skip());
    });
    scanner.end();
  }

  keys(): Iterable<string> {
    return this.#spans.keys();
  }

  value(key: string): unknown {
    const span = this.#spans.get(key);
    return span === undefined ? undefined : this.#scanner?.value(span, key);
  }
}

/** U+2581 stands for a space. */
function spaced(text: Uint8Array): Uint8Array {
  return new TextEncoder().encode(new TextDecoder("utf-8", { ignoreBOM: true }).decode(text).replaceAll("\u2581", " "));
}

function fail(code: string, file: string, field: string, expected: string, got: string | number): never {
  const message = printable(`${file}: ${field}: expected ${expected}, got ${got}`);
  throw new TokenizerModelError({ code, file, field, expected, got, message });
}
