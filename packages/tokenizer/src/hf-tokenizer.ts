// The tokenizer of a Hugging Face directory as its makers run it.

import { headerBudget } from "@ll/bytes";
import { ConfigFile } from "./config-file.ts";
import { failField, TokenizerModelError } from "./errors.ts";
import { HF_ID_NAMES, specialTokens } from "./hf-special-tokens.ts";
import type { HfTokenizerFiles } from "./hf-vocabulary.ts";
import { createJsonTokenizer, readJsonVocabulary } from "./json-tokenizer.ts";
import { readSentencePieceModel } from "./model-proto.ts";
import type { SpecialIds } from "./special-ids.ts";
import { createTokenizer, type Tokenizer, type TokenizerOptions } from "./tokenizer.ts";
import { createVocabularyTokenizer } from "./vocabulary-tokenizer.ts";

/**
 * The tokenizer of the files of a directory: tokenizer.json, or else tekken.json or tokenizer.model. What tokenizer_config.json says of special
 * tokens goes before what the post-processor of tokenizer.json says.
 * @throws TokenizerModelError `E_MISSING` without any of them; as `createJsonTokenizer` and `readSentencePieceModel`
 */
export function createHfTokenizer(files: HfTokenizerFiles, options: TokenizerOptions = {}): Tokenizer {
  const { tokenizerJson, tekkenJson, tokenizerModel, tokenizerConfig } = files;
  if (tokenizerJson === undefined) {
    if (tekkenJson !== undefined) return createJsonTokenizer(tekkenJson, options, "tekken.json");
    if (tokenizerModel !== undefined) {
      return createTokenizer(readSentencePieceModel(tokenizerModel, "tokenizer.model"), options);
    }
    return failField("E_MISSING", "tokenizer.json", "file", "tokenizer.json, tekken.json or tokenizer.model", "none");
  }
  const budget = options.budget ?? headerBudget(tokenizerJson.length, "tokenizer.json", TokenizerModelError);
  const vocabulary = readJsonVocabulary(tokenizerJson, { budget }, "tokenizer.json");
  const config = new ConfigFile(tokenizerConfig, "tokenizer_config.json");
  const json = new ConfigFile(tokenizerJson, "tokenizer.json");
  const said = specialTokens(config, json, new ConfigFile(files.addedTokens, "added_tokens.json"));
  const ids: SpecialIds = { ...vocabulary.ids };
  for (const [name, ours] of HF_ID_NAMES) {
    const id = said.ids.get(name);
    if (id !== undefined && id < vocabulary.types.length) ids[ours] = id;
  }
  const addBos = said.adds.get("bos") ?? vocabulary.addBos;
  const addEos = said.adds.get("eos") ?? vocabulary.addEos;
  return createVocabularyTokenizer({ ...vocabulary, ids, addBos, addEos }, { ...options, budget });
}
