// The vocabulary of a GGUF file, brought from the reader to the tokenizer, neither of which knows the other.

import { FormatError } from "@ll/bytes";
import { GgufArray, type GgufContents, metadataGetter } from "@ll/gguf";
import { createGgufTokenizer, GGUF_ID_NAMES, type Tokenizer, type TokenizerOptions } from "@ll/tokenizer";

/** What `ggufTokenizer` reads under `tokenizer.`, and the template, which others read. */
const KNOWN_KEYS: ReadonlySet<string> = /* @__PURE__ */ new Set([
  ...["model", "pre", "tokens", "token_type", "scores", "merges", "add_bos_token", "add_eos_token", "add_space_prefix"],
  ...GGUF_ID_NAMES.map((name) => `${name}_token_id`),
]);

/** Keys about the tokenizer that nothing reads, in the order of the file. */
export function unreadTokenizerKeys(keys: Iterable<string>): string[] {
  const isRead = (key: string): boolean =>
    /^tokenizer\.chat_template(?:\.|$)/.test(key) ||
    (key.startsWith("tokenizer.ggml.") && KNOWN_KEYS.has(key.slice("tokenizer.ggml.".length)));
  return Array.from(keys).filter((key) => key.startsWith("tokenizer.") && !isRead(key));
}

/** @throws FormatError `E_VOCAB` for a key of another type; as `createGgufTokenizer`; IoError */
export async function ggufTokenizer(file: GgufContents, options: TokenizerOptions = {}): Promise<Tokenizer> {
  return createGgufTokenizer(
    {
      model: fieldOf(file, "tokenizer.ggml.model", "string"),
      pre: fieldOf(file, "tokenizer.ggml.pre", "string"),
      name: String(metadataGetter(file.metadata)("general.name") ?? ""),
      tokens: await arrayOf(file, "tokens")?.readTexts(),
      types: await arrayOf(file, "token_type")?.read("i32"),
      scores: await arrayOf(file, "scores")?.read("f32"),
      merges: await arrayOf(file, "merges")?.readTexts(),
      ids: Object.fromEntries(GGUF_ID_NAMES.map((name) => [name, idOf(file, name)])),
      addBos: fieldOf(file, "tokenizer.ggml.add_bos_token", "boolean"),
      addEos: fieldOf(file, "tokenizer.ggml.add_eos_token", "boolean"),
      addSpacePrefix: fieldOf(file, "tokenizer.ggml.add_space_prefix", "boolean"),
    },
    options,
    file.name,
  );
}

interface ValueTypes {
  string: string;
  boolean: boolean;
}

/** undefined if the file does not say. */
function fieldOf<T extends keyof ValueTypes>(file: GgufContents, key: string, type: T): ValueTypes[T] | undefined {
  const value = metadataGetter(file.metadata)(key);
  return value === undefined || typeof value === type
    ? (value as ValueTypes[T] | undefined)
    : fail(file, key, `a ${type}`);
}

function idOf(file: GgufContents, name: string): number | undefined {
  const key = `tokenizer.ggml.${name}_token_id`;
  const value = metadataGetter(file.metadata)(key);
  if (value === undefined) return undefined;
  return typeof value === "number" || typeof value === "bigint" ? Number(value) : fail(file, key, "a number");
}

function arrayOf(file: GgufContents, name: string): GgufArray | undefined {
  const key = `tokenizer.ggml.${name}`;
  const value = file.metadata.get(key);
  return value === undefined || value instanceof GgufArray ? value : fail(file, key, "an array");
}

function fail(file: GgufContents, key: string, expected: string): never {
  const got = file.metadata.get(key)?.type ?? "nothing";
  const message = `'${key}' is of type ${got}, expected ${expected}`;
  throw new FormatError({ code: "E_VOCAB", file: file.name, field: key, expected, got, message });
}
