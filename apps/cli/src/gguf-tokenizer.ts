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
  const idOf = (name: keyof typeof DEFAULT_IDS): number => {
    const value = get(`tokenizer.ggml.${name}_token_id`);
    return typeof value === "number" ? value : DEFAULT_IDS[name];
  };
  return modelFromGgufVocab(
    {
      tokens: await arrayOf(file, "tokens").read("string"),
      scores: await arrayOf(file, "scores").read("f32"),
      types: await arrayOf(file, "token_type").read("i32"),
      bosId: idOf("bos"),
      eosId: idOf("eos"),
      unknownId: idOf("unknown"),
      addBos: get("tokenizer.ggml.add_bos_token") !== false,
      addSpacePrefix: get("tokenizer.ggml.add_space_prefix") !== false,
    },
    file.name,
  );
}

function arrayOf(file: GgufContents, name: string): GgufArray {
  const key = `tokenizer.ggml.${name}`;
  const value = file.metadata.get(key);
  if (value instanceof GgufArray) return value;
  const got = value?.type ?? "nothing";
  throw new FormatError({
    code: "E_VOCAB",
    file: file.name,
    field: key,
    expected: "an array",
    got,
    message: `the file has ${got === "nothing" ? "no" : `a ${got} as`} '${key}'`,
  });
}
