// A GGUF file, a set of them, or one file of a set, as a model file.

import { type GgufSet, type MetadataGetter, metadataGetter } from "@ll/gguf";
import { configFromGguf } from "@ll/llama";
import { assertGgufTokenizer } from "@ll/tokenizer";
import { TRAINED_CONTEXT_TOKENS } from "./container.ts";
import { ggufTokenizer } from "./gguf-tokenizer.ts";
import type { ChatTemplates, ModelFile, Pooling, SamplingFacts, VocabularyFacts } from "./model-file.ts";
import { whyNotRun } from "./why-not-run.ts";

/** `ARCHITECTURE.pooling_type` */
const POOLINGS: readonly (Pooling | undefined)[] = [undefined, "mean", "cls", "last"];

export function ggufModelFile(file: GgufSet): ModelFile {
  const get = metadataGetter(file.metadata);
  const architecture = textOf(get, "general.architecture") ?? "unknown";
  const config: ModelFile["config"] = (overrides) => configFromGguf(get, overrides, file.name);
  const vocabulary = vocabularyOf(get);
  const nFiles = numberOf(get, "split.count") ?? 1;
  const isPart = file.files.length < nFiles;
  const partOfSet = `this is one of ${nFiles} files, with a part of the tensors`;
  return {
    name: file.name,
    byteLength: file.files.reduce((sum, { byteLength }) => sum + byteLength, 0),
    container: "gguf",
    containerName: `GGUF v${file.files[0]?.version}`,
    ggml: undefined,
    gguf: file,
    architecture,
    nHeads: numberOf(get, `${architecture}.attention.head_count`) ?? 0,
    nStoredKvHeads: undefined,
    tensors: file.tensors,
    source: file,
    vocabulary,
    templates: templatesOf(get),
    trainedContextTokens: numberOf(get, `${architecture}.context_length`) || TRAINED_CONTEXT_TOKENS,
    pooling: POOLINGS[numberOf(get, `${architecture}.pooling_type`) ?? 0],
    damage: file.damage,
    sampling: samplingOf(get),
    warnings: isPart ? [...file.warnings, partOfSet] : file.warnings,
    config,
    tokenizer: (options) => ggufTokenizer(file, options),
    whyNotRun: () =>
      file.damage?.summary ??
      (isPart
        ? `${partOfSet}: the others have to lie beside it`
        : whyNotRun(file, config, () => assertGgufTokenizer({ model: vocabulary.kind, pre: vocabulary.pre }))),
    assertUnchanged: () => file.assertUnchanged(),
  };
}

function vocabularyOf(get: MetadataGetter): VocabularyFacts {
  const tokens = get("tokenizer.ggml.tokens");
  return {
    kind: textOf(get, "tokenizer.ggml.model"),
    pre: textOf(get, "tokenizer.ggml.pre"),
    nPieces: typeof tokens === "object" ? tokens.length : 0,
  };
}

/** Behind `general.sampling.`: what it is called here, and values that can be meant. */
const SAMPLING: readonly (readonly [key: string, name: keyof SamplingFacts, least: number, most: number])[] = [
  ["temp", "temperature", 0, 100],
  ["top_k", "topK", 0, 2 ** 31 - 1],
  ["top_p", "topP", 0, 1],
  ["min_p", "minP", 0, 1],
  ["penalty_repeat", "repeatPenalty", 0.01, 100],
  ["penalty_last_n", "repeatLastN", -1, 2 ** 31 - 1],
];

function samplingOf(get: MetadataGetter): SamplingFacts {
  return Object.fromEntries(
    SAMPLING.flatMap(([key, name, least, most]) => {
      const value = get(`general.sampling.${key}`);
      return typeof value === "number" && value >= least && value <= most ? [[name, value]] : [];
    }),
  );
}

const NAMED_TEMPLATE = "tokenizer.chat_template.";

function templatesOf(get: MetadataGetter): ChatTemplates {
  const named = new Map<string, string>();
  for (const key of get.keys()) {
    const text = key.startsWith(NAMED_TEMPLATE) ? textOf(get, key) : undefined;
    if (text !== undefined) named.set(key.slice(NAMED_TEMPLATE.length), text);
  }
  return { main: textOf(get, "tokenizer.chat_template"), named };
}

function textOf(get: MetadataGetter, key: string): string | undefined {
  const value = get(key);
  return typeof value === "string" ? value : undefined;
}

function numberOf(get: MetadataGetter, key: string): number | undefined {
  const value = get(key);
  const number = typeof value === "bigint" ? Number(value) : value;
  return typeof number === "number" && Number.isSafeInteger(number) && number >= 0 ? number : undefined;
}
