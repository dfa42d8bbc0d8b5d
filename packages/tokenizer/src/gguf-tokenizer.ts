// The tokenizer that a GGUF file describes (keys `tokenizer.ggml.*`). This package does not read such files: it takes what they say.

import { printable } from "@ll/bytes";
import { MAX_MERGES } from "./byte-level/merge-table.ts";
import { type PreTokenizer, preTokenizer } from "./byte-level/pretokenizers.ts";
import { TokenizerModelError } from "./errors.ts";
import { MAX_PIECES, MAX_VOCABULARY_BYTES } from "./limits.ts";
import { isPieceType, TYPE } from "./pieces.ts";
import { ID_NAMES, type IdName, type SpecialIds } from "./special-ids.ts";
import { CUT } from "./special-matcher.ts";
import { type Texts, textOf } from "./texts.ts";
import type { Tokenizer, TokenizerOptions } from "./tokenizer.ts";
import type { Vocabulary } from "./vocabulary.ts";
import { createVocabularyTokenizer } from "./vocabulary-tokenizer.ts";

/** What a file says under `tokenizer.ggml.`, and its `general.name`; undefined where it says nothing. */
export interface GgufTokenizer {
  /** `model`: "gpt2", "llama" or "gemma4". */
  readonly model: string | undefined;
  readonly pre: string | undefined;
  /** `general.name` */
  readonly name: string | undefined;
  /** `tokens`: UTF-8; index = id. */
  readonly tokens: Texts | undefined;
  /** `token_type`: 1 to 6 each, as long as `tokens`. */
  readonly types: ArrayLike<number> | undefined;
  /** `scores`, as long as `tokens`. */
  readonly scores: ArrayLike<number> | undefined;
  readonly merges: Texts | undefined;
  /** `bos_token_id` and so on, by the names in front of `_token_id`; `prefix`, `suffix` and `middle` count as `fim_pre` and so on. */
  readonly ids: Readonly<Record<string, number | undefined>>;
  readonly addBos: boolean | undefined;
  readonly addEos?: boolean | undefined;
  readonly addSpacePrefix: boolean | undefined;
}

/** A value of `tokenizer.ggml.model`, what it is called, and how its texts become tokens. */
export interface VocabularyKind {
  readonly model: string;
  readonly title: string;
  readonly kind: Vocabulary["kind"];
}

/** Those that can be used. */
export const VOCABULARY_KINDS: readonly VocabularyKind[] = [
  { model: "gpt2", title: "byte-level BPE", kind: "bytes" },
  { model: "llama", title: "SentencePiece", kind: "scores" },
  { model: "gemma4", title: "BPE of characters", kind: "characters" },
];

const OLD_NAMES: Readonly<Record<string, IdName>> = { prefix: "fim_pre", suffix: "fim_suf", middle: "fim_mid" };
/** Keys of ids in a file: `tokenizer.ggml.${name}_token_id`. */
export const GGUF_ID_NAMES: readonly string[] = /* @__PURE__ */ [...ID_NAMES, ...Object.keys(OLD_NAMES)];

/** GPT-2's `<|endoftext|>` has this id in no vocabulary of today, but it is what llama.cpp takes where a file says nothing. */
const GPT2_ID = 11;

/** Texts behind which Phi-3 keeps white space. */
const PHI3_PLAIN: readonly string[] = ["<unk>", "<s>", "<|endoftext|>"];

/**
 * The tokenizer of a GGUF file.
 * @param file shown in errors
 * @throws TokenizerModelError `E_UNSUPPORTED` for a kind or a pre-tokenizer that is not known; `E_EMPTY`, `E_MISMATCH`, `E_LIMIT`, `E_RANGE`,
 * `E_FIELD`, `E_DUP` for a vocabulary that cannot be right
 */
export function createGgufTokenizer(from: GgufTokenizer, options: TokenizerOptions = {}, file?: string): Tokenizer {
  return createVocabularyTokenizer(ggufVocabulary(from, options.ids, file), options);
}

/**
 * Says no to a vocabulary that `createGgufTokenizer` would refuse for its kind or its pre-tokenizer, without reading it.
 * @throws TokenizerModelError `E_UNSUPPORTED`
 */
export function assertGgufTokenizer({ model, pre }: Pick<GgufTokenizer, "model" | "pre">, file?: string): void {
  if (kindOf(model, file) !== "scores") preOf({ model, pre }, [], file);
}

export function ggufVocabulary(from: GgufTokenizer, whose: TokenizerOptions["ids"], file?: string): Vocabulary {
  const kind = kindOf(from.model, file);
  const nTokens = from.tokens === undefined ? 0 : from.tokens.starts.length - 1;
  if (from.tokens === undefined || nTokens < 1) return fail(file, "E_EMPTY", "tokens", "at least one", nTokens);
  if (nTokens > MAX_PIECES) fail(file, "E_LIMIT", "tokens", `at most ${MAX_PIECES}`, nTokens);
  const tokens = named(from.tokens);
  if (tokens.bytes.length > MAX_VOCABULARY_BYTES) {
    fail(file, "E_LIMIT", "tokens", `at most ${MAX_VOCABULARY_BYTES} bytes`, tokens.bytes.length);
  }
  const types = typesOf(from.types, nTokens, file);
  const scores = kind === "scores" ? scoresOf(from.scores, nTokens, file) : undefined;
  const nMerges = from.merges === undefined ? 0 : from.merges.starts.length - 1;
  if (kind !== "scores" && from.merges === undefined) fail(file, "E_FIELD", "merges", "an array of texts", "nothing");
  if (nMerges > MAX_MERGES) fail(file, "E_LIMIT", "merges", `at most ${MAX_MERGES}`, nMerges);
  const warnings: string[] = [];
  const pre = kind === "scores" ? undefined : preOf(from, warnings, file);
  const isLlamaCpp = whose === "llama.cpp";
  return {
    file,
    kind,
    tokens,
    types,
    scores,
    merges: from.merges,
    pre,
    ignoreMerges: pre?.ignoreMerges ?? false,
    ids: idsOf(from, kind, pre, isLlamaCpp, nTokens, warnings),
    addBos: from.addBos ?? (kind === "scores" || pre?.addBos === true),
    addEos: from.addEos,
    addSpacePrefix: kind === "scores" && (from.addSpacePrefix ?? true),
    cleanSpaces: pre?.cleanSpaces ?? false,
    escapesSpaces: pre?.raw === true,
    compose: pre?.compose === true,
    ...(isPhi3(from.name) && { cuts: cutsOfPhi3(tokens) }),
    warnings,
  };
}

function kindOf(model: string | undefined, file: string | undefined): Vocabulary["kind"] {
  const known = VOCABULARY_KINDS.find((one) => one.model === model);
  if (known !== undefined) return known.kind;
  const message = `a vocabulary of the kind "${model ?? "none"}": only gpt2, llama and gemma4 can be used`;
  return fail(file, "E_UNSUPPORTED", "model", "gpt2, llama or gemma4", model ?? "nothing", message);
}

function preOf(
  { model, pre }: Pick<GgufTokenizer, "model" | "pre">,
  warnings: string[],
  file: string | undefined,
): PreTokenizer {
  if (pre === undefined && model !== "gemma4") {
    warnings.push(
      "the file does not name its pre-tokenizer (tokenizer.ggml.pre): a common one is taken, and texts may be worse",
    );
  }
  const name = pre ?? (model === "gemma4" ? "gemma4" : "default");
  const known = preTokenizer(name);
  // plain texts under a name of the other spelling, or the other way round, are not what the name stands for
  if (known !== undefined && (known.raw === true) === (model === "gemma4")) return known;
  return fail(file, "E_UNSUPPORTED", "pre", "a known pre-tokenizer", name, `unknown pre-tokenizer "${name}"`);
}

/** The texts, of which no empty one is left: those are named as llama.cpp names them. */
function named(tokens: Texts): Texts {
  const { bytes, starts } = tokens;
  const nTokens = starts.length - 1;
  const empty: number[] = [];
  for (let id = 0; id < nTokens; id++) if (starts[id] === starts[id + 1]) empty.push(id);
  if (empty.length === 0) return tokens;
  const names = empty.map((id) => new TextEncoder().encode(`[EMPTY_${id}]`));
  const more = names.reduce((sum, { length }) => sum + length, 0);
  const out = new Uint8Array(bytes.length + more);
  const outStarts = new Uint32Array(nTokens + 1);
  let next = 0;
  let length = 0;
  for (let id = 0; id < nTokens; id++) {
    const text = empty[next] === id ? (names[next++] as Uint8Array) : textOf(tokens, id);
    out.set(text, length);
    length += text.length;
    outStarts[id + 1] = length;
  }
  return { bytes: out, starts: outStarts };
}

function typesOf(types: ArrayLike<number> | undefined, nTokens: number, file: string | undefined): Uint8Array {
  if (types === undefined) return new Uint8Array(nTokens).fill(TYPE.normal);
  if (types.length !== nTokens) fail(file, "E_MISMATCH", "token_type", nTokens, types.length);
  const out = new Uint8Array(nTokens);
  for (let id = 0; id < nTokens; id++) {
    const type = types[id] as number;
    if (!isPieceType(type)) fail(file, "E_RANGE", `token_type[${id}]`, "1 to 6", type);
    out[id] = type;
  }
  return out;
}

function scoresOf(scores: ArrayLike<number> | undefined, nTokens: number, file: string | undefined): Float32Array {
  if (scores === undefined) return new Float32Array(nTokens);
  if (scores.length !== nTokens) fail(file, "E_MISMATCH", "scores", nTokens, scores.length);
  const out = Float32Array.from(scores);
  const bad = out.findIndex((score) => !Number.isFinite(score));
  if (bad >= 0) fail(file, "E_RANGE", `scores[${bad}]`, "a finite number", String(out[bad]));
  return out;
}

/** The ids of the file that are ids, and the defaults of its kind: those of llama.cpp are texts like any other where it has none. */
function idsOf(
  { ids }: GgufTokenizer,
  kind: Vocabulary["kind"],
  pre: PreTokenizer | undefined,
  isLlamaCpp: boolean,
  nTokens: number,
  warnings: string[],
): SpecialIds {
  const all: SpecialIds = {};
  if (kind === "scores") Object.assign(all, { bos: 1, eos: 2, unknown: 0 });
  else if (isLlamaCpp && kind === "bytes" && pre?.noDefaultIds !== true)
    Object.assign(all, { bos: GPT2_ID, eos: GPT2_ID });
  for (const [key, id] of Object.entries(ids)) {
    const name = OLD_NAMES[key] ?? (key as IdName);
    if (id === undefined || !ID_NAMES.includes(name)) continue;
    if (Number.isInteger(id) && id >= 0 && id < nTokens) all[name] = id;
    else if (id === -1) delete all[name];
    else warnings.push(`tokenizer.ggml.${key}_token_id is ${id}, which is the id of no token: it is not used`);
  }
  for (const name of ID_NAMES) if ((all[name] ?? 0) >= nTokens) delete all[name];
  return all;
}

function isPhi3(name: string | undefined): boolean {
  return /phi-?3/i.test(name ?? "");
}

function cutsOfPhi3(tokens: Texts): Uint8Array {
  const plain = PHI3_PLAIN.map((text) => new TextEncoder().encode(text));
  return Uint8Array.from({ length: tokens.starts.length - 1 }, (_, id) => {
    const text = textOf(tokens, id);
    const isPlain = plain.some((one) => one.length === text.length && one.every((byte, i) => byte === text[i]));
    return isPlain ? 0 : CUT.stripsAscii;
  });
}

function fail(
  file: string | undefined,
  code: string,
  field: string,
  expected: string | number,
  got: string | number,
  message = `tokenizer.ggml.${field}: expected ${expected}, got ${got}`,
): never {
  const fields = { code, file, field: `tokenizer.ggml.${field}`, expected, got, message: printable(message) };
  throw new TokenizerModelError(fields);
}
