// tokenizer_config.json of a Hugging Face model: the tokens round a text; its chat template, and what it names to be run, are skipped
// unread. And added_tokens.json, which maps texts of tokens to ids.

import type { BudgetOptions, ByteSource } from "@ll/bytes";
import { openConfig, readFlag, readInteger } from "./config-fields.ts";
import { present } from "./declared-params.ts";
import type { JsonReader } from "./json-reader.ts";

export interface TokenizerConfig {
  /** Text of the token that ends a text. */
  readonly eosToken?: string;
  /** Texts of added tokens → their ids. */
  readonly addedTokens: ReadonlyMap<string, number>;
  /** Whether a text is begun with BOS. */
  readonly addBos?: boolean;
  /** Whether a text is ended with EOS. */
  readonly addEos?: boolean;
}

/** @throws CheckpointError `E_JSON`, `E_FIELD`, `E_DUP` or `E_LIMIT` */
export async function readTokenizerConfig(source: ByteSource): Promise<TokenizerConfig> {
  const json = await openConfig(source);
  let eosToken: string | undefined;
  const flags = new Map<string, boolean | undefined>();
  const addedTokens = new Map<string, number>();
  json.object((field) => {
    if (field === "eos_token") eosToken = readToken(json);
    else if (field === "add_bos_token" || field === "add_eos_token") flags.set(field, readFlag(json, field));
    else if (field === "added_tokens_decoder" && json.peek() === "object") {
      json.object((id) => {
        const text = readToken(json);
        if (text !== undefined && /^\d{1,9}$/.test(id)) addedTokens.set(text, Number(id));
      });
    } else json.read();
  });
  json.end();
  return {
    addedTokens,
    ...present("eosToken", eosToken),
    ...present("addBos", flags.get("add_bos_token")),
    ...present("addEos", flags.get("add_eos_token")),
  };
}

/** A text, or an object with the text as its `content`; undefined for anything else. */
function readToken(json: JsonReader): string | undefined {
  if (json.peek() !== "object") {
    const value = json.read();
    return value.kind === "string" ? value.text : undefined;
  }
  let text: string | undefined;
  json.object((field) => {
    const value = json.read();
    if (field === "content" && value.kind === "string") text = value.text;
  });
  return text;
}

/** Text → id, in file order. @throws CheckpointError `E_JSON`, `E_FIELD`, `E_DUP` or `E_LIMIT`. */
export async function readAddedTokens(
  source: ByteSource,
  options: BudgetOptions = {},
): Promise<ReadonlyMap<string, number>> {
  const json = await openConfig(source, options);
  const ids = new Map<string, number>();
  json.object((text) => ids.set(text, readInteger(json, text, 0)));
  json.end();
  return ids;
}
