// The vocabulary of a GGUF file, brought from the reader to the tokenizer, neither of which knows the other.

import { FormatError } from "@ll/bytes";
import { GgufArray, type GgufContents, metadataGetter } from "@ll/gguf";
import { type GgufTokenizerModel, modelFromGgufVocab } from "@ll/tokenizer";

/** Ids that SentencePiece gives these pieces unless told otherwise. */
const DEFAULT_IDS = { unknown: 0, bos: 1, eos: 2 } as const;

/** @throws FormatError `E_UNSUPPORTED` for a vocabulary that is not SentencePiece's; as `modelFromGgufVocab`; IoError */
export async function ggufTokenizerModel(file: GgufContents): Promise<GgufTokenizerModel> {
  const get = metadataGetter(file.metadata);
  const kind = get("tokenizer.ggml.model");
  if (kind !== "llama") {
    throw new FormatError({
      code: "E_UNSUPPORTED",
      file: file.name,
      field: "tokenizer.ggml.model",
      expected: "llama",
      got: String(kind ?? "nothing"),
      message: `a vocabulary of the kind "${String(kind ?? "none")}": only SentencePiece's can be used`,
    });
  }
  const tokens = arrayOf(file, "tokens");
  return modelFromGgufVocab(
    {
      tokens: await tokens.read("string"),
      scores: await arrayOf(file, "scores").read("f32"),
      types: await arrayOf(file, "token_type").read("i32"),
      bosId: idOf(file, "bos", tokens.length),
      eosId: idOf(file, "eos", tokens.length),
      unknownId: idOf(file, "unknown", tokens.length),
      addBos: flagOf(file, "add_bos_token"),
      addSpacePrefix: flagOf(file, "add_space_prefix"),
    },
    file.name,
  );
}

/** The id of a special piece, or SentencePiece's own for it; -1 if that is beyond the vocabulary. */
function idOf(file: GgufContents, name: keyof typeof DEFAULT_IDS, nTokens: number): number {
  const key = `tokenizer.ggml.${name}_token_id`;
  const value = metadataGetter(file.metadata)(key);
  if (value === undefined) return DEFAULT_IDS[name] < nTokens ? DEFAULT_IDS[name] : -1;
  return typeof value === "number" || typeof value === "bigint" ? Number(value) : fail(file, key, "a number");
}

/** True if the file does not say. */
function flagOf(file: GgufContents, name: string): boolean {
  const key = `tokenizer.ggml.${name}`;
  const value = metadataGetter(file.metadata)(key) ?? true;
  return typeof value === "boolean" ? value : fail(file, key, "true or false");
}

function arrayOf(file: GgufContents, name: string): GgufArray {
  const key = `tokenizer.ggml.${name}`;
  const value = file.metadata.get(key);
  if (value instanceof GgufArray) return value;
  return fail(file, key, "an array");
}

function fail(file: GgufContents, key: string, expected: string): never {
  const got = file.metadata.get(key)?.type;
  const message = got === undefined ? `the file has no '${key}'` : `'${key}' is of type ${got}, expected ${expected}`;
  throw new FormatError({ code: "E_VOCAB", file: file.name, field: key, expected, got: got ?? "nothing", message });
}
