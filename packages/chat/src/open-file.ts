// A model file of either kind as what an engine needs.

import { type ByteSource, FormatError, type TensorSource } from "@ll/bytes";
import { GGJT_MAGIC, GGMF_MAGIC, GGML_MAGIC, openGgml } from "@ll/ggml-format";
import { GgufArray, type GgufFile, metadataGetter, openGguf } from "@ll/gguf";
import { type ConfigOverrides, configFromGgml, configFromGguf, type ModelConfig } from "@ll/llama";
import { createGgufTokenizer, createTokenizer, GGUF_ID_NAMES, type Tokenizer } from "@ll/tokenizer";
import type { Pooling } from "./chat-model.ts";

export interface OpenedFile {
  /** Such as `ggjt v3 (latest)`. */
  readonly container: string;
  readonly config: ModelConfig;
  readonly tensors: TensorSource;
  readonly tokenizer: Tokenizer;
  /** Positions that the model was trained for. */
  readonly trainedContext: number;
  /** Of the file; undefined if it has none. */
  readonly chatTemplate: string | undefined;
  readonly pooling: Pooling;
  readonly warnings: readonly string[];
}

/** Context that the LLaMA models of 2023 were trained for, which ggml files have no field for. */
const TRAINED_CONTEXT_TOKENS = 2048;

/** `ARCHITECTURE.pooling_type` of GGUF files. */
const POOLINGS: readonly (Pooling | undefined)[] = [undefined, "mean", "cls", "last"];

/** @throws FormatError, ModelError, IoError */
export async function openFile(source: ByteSource, overrides: ConfigOverrides = {}): Promise<OpenedFile> {
  return (await isGgmlFile(source)) ? openGgmlFile(source, overrides) : openGgufFile(source, overrides);
}

async function isGgmlFile(source: ByteSource): Promise<boolean> {
  if (source.byteLength < 4) return false; // what it is instead, the other reader says
  const bytes = new Uint8Array(4);
  await source.read(0, bytes);
  return [GGML_MAGIC, GGMF_MAGIC, GGJT_MAGIC].includes(new DataView(bytes.buffer).getUint32(0, true));
}

async function openGgmlFile(source: ByteSource, overrides: ConfigOverrides): Promise<OpenedFile> {
  const file = await openGgml(source);
  const config = configFromGgml(file.hyperParams, overrides);
  return {
    container: file.container.name,
    config,
    tensors: file,
    tokenizer: createTokenizer(file.vocab, { nVocab: config.nVocab }),
    trainedContext: TRAINED_CONTEXT_TOKENS,
    chatTemplate: undefined,
    pooling: "last",
    warnings: [],
  };
}

async function openGgufFile(source: ByteSource, overrides: ConfigOverrides): Promise<OpenedFile> {
  const file = await openGguf(source);
  const get = metadataGetter(file.metadata);
  const config = configFromGguf(get, overrides, file.name);
  const tokenizer = await ggufTokenizer(file, config.nVocab);
  const chatTemplate = get("tokenizer.chat_template");
  const pooling = POOLINGS[Number(get(`${config.architecture}.pooling_type`))];
  return {
    container: `gguf v${file.version}`,
    config,
    tensors: file,
    tokenizer,
    trainedContext: config.trainedContextTokens ?? TRAINED_CONTEXT_TOKENS,
    chatTemplate: typeof chatTemplate === "string" ? chatTemplate : undefined,
    pooling: pooling ?? "last",
    warnings: [...config.warnings, ...tokenizer.warnings],
  };
}

/** What the file says of its vocabulary. @throws FormatError `E_VOCAB` for a key of another type */
async function ggufTokenizer(file: GgufFile, nVocab: number): Promise<Tokenizer> {
  const get = metadataGetter(file.metadata);
  const fail = (key: string, expected: string): never => {
    const got = file.metadata.get(key)?.type ?? "nothing";
    const message = `'${key}' is of type ${got}, expected ${expected}`;
    throw new FormatError({ code: "E_VOCAB", file: file.name, field: key, expected, got, message });
  };
  const text = (key: string): string | undefined => {
    const value = get(key);
    return value === undefined || typeof value === "string" ? value : fail(key, "a string");
  };
  const flag = (key: string): boolean | undefined => {
    const value = get(key);
    return value === undefined || typeof value === "boolean" ? value : fail(key, "a boolean");
  };
  const array = (name: string): GgufArray | undefined => {
    const value = file.metadata.get(`tokenizer.ggml.${name}`);
    return value === undefined || value instanceof GgufArray ? value : fail(`tokenizer.ggml.${name}`, "an array");
  };
  const id = (name: string): number | undefined => {
    const value = get(`tokenizer.ggml.${name}_token_id`);
    return value === undefined ? undefined : Number(value);
  };
  return createGgufTokenizer(
    {
      model: text("tokenizer.ggml.model"),
      pre: text("tokenizer.ggml.pre"),
      name: text("general.name") ?? "",
      tokens: await array("tokens")?.readTexts(),
      types: await array("token_type")?.read("i32"),
      scores: await array("scores")?.read("f32"),
      merges: await array("merges")?.readTexts(),
      ids: Object.fromEntries(GGUF_ID_NAMES.map((name) => [name, id(name)])),
      addBos: flag("tokenizer.ggml.add_bos_token"),
      addSpacePrefix: flag("tokenizer.ggml.add_space_prefix"),
    },
    { nVocab },
    file.name,
  );
}
