// The vocabulary of a GGUF file, for tests.

import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { memorySource } from "../../../bytes/src/index.ts";
import { GgufArray, metadataGetter, openGguf } from "../../../gguf/src/index.ts";
import { GGUF_ID_NAMES, type GgufTokenizer } from "../../src/gguf-tokenizer.ts";

export async function readGgufTokenizer(path: string): Promise<GgufTokenizer> {
  const bytes = path.endsWith(".gz") ? gunzipSync(readFileSync(path)) : readFileSync(path);
  const file = await openGguf(memorySource(new Uint8Array(bytes)));
  const get = metadataGetter(file.metadata);
  const array = (key: string): GgufArray | undefined => {
    const value = file.metadata.get(`tokenizer.ggml.${key}`);
    return value instanceof GgufArray ? value : undefined;
  };
  const value = (key: string): unknown => get(`tokenizer.ggml.${key}`);
  return {
    model: value("model") as string | undefined,
    pre: value("pre") as string | undefined,
    name: get("general.name") as string | undefined,
    tokens: await (array("tokens") as GgufArray).readTexts(),
    types: await array("token_type")?.read("i32"),
    scores: await array("scores")?.read("f32"),
    merges: await array("merges")?.readTexts(),
    ids: Object.fromEntries(GGUF_ID_NAMES.map((name) => [name, value(`${name}_token_id`) as number | undefined])),
    addBos: value("add_bos_token") as boolean | undefined,
    addSpacePrefix: value("add_space_prefix") as boolean | undefined,
  };
}
