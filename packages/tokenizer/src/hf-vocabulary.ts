// The tokenizer of a Hugging Face directory as GGUF files have it: facts of llama.cpp's converter of August 2026, but for scores that
// follow from the order of merges, and control tokens that are told by what the files say of each.

import { looksSpecial } from "./added-tokens.ts";
import { preNameOf } from "./byte-level/pretokenizers.ts";
import { ConfigFile, isFields } from "./config-file.ts";
import { failField } from "./errors.ts";
import { HF_ID_NAMES, specialTokens } from "./hf-special-tokens.ts";
import { readJsonVocabulary } from "./json-tokenizer.ts";
import { readSentencePieceModel } from "./model-proto.ts";
import { piecesOf, TYPE } from "./pieces.ts";
import { END_TEXTS } from "./special-ids.ts";
import { type Texts, textOf } from "./texts.ts";
import { ADDED_SCORE, TokenTable } from "./token-table.ts";

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
  for (const [name, ggufName] of HF_ID_NAMES) {
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
    if (sentencePiece === "required")
      return failField("E_MISSING", "tokenizer.model", "file", "a tokenizer.model", "none");
  }
  if (files.tokenizerJson !== undefined) return "tokenizer.json";
  if (files.tekkenJson !== undefined) return "tekken.json";
  const expected = "tokenizer.json, tokenizer.model or tekken.json, as the family has it";
  return failField("E_MISSING", "tokenizer.json", "file", expected, "none");
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
    if (typeof id !== "number") failField("E_FIELD", "added_tokens.json", text, "an id", typeof id);
    table.set(id as number, encoder.encode(text), TYPE["user-defined"], ADDED_SCORE);
  }
  const add = (id: number, text: Uint8Array, isSpecial: boolean): void => {
    const isControl = isSpecial || (!keepsAddedTokens && looksSpecial(text));
    if (isControl) table.set(id, text, TYPE.control, ADDED_SCORE);
    else table.set(id, keepsAddedTokens ? text : spaced(text), TYPE["user-defined"], ADDED_SCORE);
  };
  const decoder = config.value("added_tokens_decoder");
  for (const [id, token] of Object.entries(isFields(decoder) ? decoder : {})) {
    const { content, special } = isFields(token) ? token : {};
    if (typeof content !== "string")
      return failField("E_FIELD", "tokenizer_config.json", `token ${id}`, "a content", "none");
    add(Number(id), encoder.encode(content), special === true);
  }
  const own = keepsAddedTokens ? json.addedTokens() : undefined;
  for (const [i, id] of own?.ids.entries() ?? []) {
    add(id, textOf(own?.texts as Texts, i), own?.isSpecial[i] === 1);
  }
  const { tokens, types, scores } = table.finish(FILLER_SCORE);
  const { bosId = -1, eosId = -1 } = model.trainer ?? {};
  const ids = new Map(Object.entries({ bos: bosId, eos: eosId }).filter(([, id]) => id >= 0));
  return { model: "llama", pre: "default", tokens, types, scores, merges: undefined, ids, adds: new Map() };
}

function chatTemplates({ templates, templateJson }: HfTokenizerFiles, config: ConfigFile): Map<string, string> {
  const own = config.value("chat_template");
  if (typeof own === "string") return new Map([["default", own]]);
  if (Array.isArray(own)) {
    const named = own.map((item): readonly [string, string] => {
      const { name, template } = isFields(item) ? item : {};
      if (typeof name === "string" && typeof template === "string") return [name, template];
      return failField("E_FIELD", "tokenizer_config.json", "chat_template", "names and templates", "something else");
    });
    return new Map(named);
  }
  if (templates?.has("default")) return new Map(templates);
  const other = new ConfigFile(templateJson, "chat_template.json").value("chat_template");
  return new Map([...(typeof other === "string" ? ([["default", other]] as const) : []), ...(templates ?? [])]);
}

/** U+2581 stands for a space. */
function spaced(text: Uint8Array): Uint8Array {
  return new TextEncoder().encode(new TextDecoder("utf-8", { ignoreBOM: true }).decode(text).replaceAll("\u2581", " "));
}
