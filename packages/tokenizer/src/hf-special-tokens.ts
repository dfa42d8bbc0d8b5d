// Which tokens begin and end texts: what tokenizer_config.json and the post-processor of a tokenizer.json say.

import { addedId } from "./added-tokens.ts";
import { type ConfigFile, isFields } from "./config-file.ts";

/** Names of special tokens in configurations, and in GGUF files. */
export const HF_ID_NAMES = [
  ["bos", "bos"],
  ["eos", "eos"],
  ["unk", "unknown"],
  ["sep", "seperator"], // sic
  ["pad", "padding"],
  ["mask", "mask"],
] as const;

/** Ids that tokenizer_config.json names by their texts, and which of them are put around a text. */
export function specialTokens(
  config: ConfigFile,
  json: ConfigFile,
  addedTokens: ConfigFile,
): { ids: ReadonlyMap<string, number>; adds: Map<string, boolean> } {
  const ids = new Map<string, number>();
  const adds = new Map<string, boolean>();
  const added = json.addedTokens();
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
  for (const [name] of HF_ID_NAMES) {
    const token = config.value(`${name}_token`);
    const text = isFields(token) ? token["content"] : token;
    if (typeof text !== "string") continue;
    texts.set(name, text);
    const id = (added && addedId(added, text)) ?? (name === "eos" ? elsewhere.get(text) : undefined);
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
