// A model as its files hold it: parameters and tensors under Meta's names, in the order in which they are converted.

import type { ByteSource, SourceTensor, TensorSource } from "@ll/bytes";
import { openConfig, readTokenIds } from "./config-fields.ts";
import { type DeclaredParams, present } from "./declared-params.ts";
import { dequantizeGptq } from "./gptq.ts";
import { readHfConfig } from "./hf-config.ts";
import { HF_LM_HEAD } from "./llama-names.ts";
import {
  type LlamaTensors,
  llamaTensors,
  missingTensor,
  type NamingScheme,
  namingScheme,
  tensorFacts,
} from "./llama-tensors.ts";
import { readMetaParams } from "./meta-params.ts";
import { dequantizeOld } from "./old-blocks.ts";
import { type CheckpointParams, resolveParams } from "./params.ts";
import { type GptqLayout, readQuantizationConfig } from "./quantization-config.ts";
import { type CheckpointPart, mergeParts } from "./shards.ts";
import { readAddedTokens, readTokenizerConfig } from "./tokenizer-config.ts";
import { assertFloatWeights, assertHarmless, list } from "./unread-tensors.ts";

export type CheckpointFormat = "torch" | "safetensors" | "ggml" | "llama2c";

/** Something that a user should know and that is no error. */
export interface CheckpointWarning {
  readonly code: "tied-output" | "dropped-tensors" | "guessed-params" | "unknown-params" | "other-files" | "total-size";
  readonly message: string;
}

export interface Checkpoint extends TensorSource {
  readonly format: CheckpointFormat;
  readonly files: readonly string[];
  readonly params: CheckpointParams;
  /**
   * Element type in which layer 0 stores its query matrix, which decides the default type of a converted file:
   * `"f32"`, `"f16"`, `"bf16"`, `"gptq"`, `"q4_0_v1"`, …
   */
  readonly weightType: string;
  /** The tensors of the model under Meta's names, in the order of a converted file; quantised ones are read as f32. */
  readonly tensors: readonly SourceTensor[];
  /** Every tensor under the name and type it is stored with; slices in several files are joined. */
  readonly storedTensors: ReadonlyMap<string, SourceTensor>;
  /** added_tokens.json as it stands: text → id. */
  readonly addedTokens?: ReadonlyMap<string, number>;
  /** The vocabulary, if the files themselves hold one (ggml). */
  readonly vocab?: readonly VocabEntry[];
  /** Id of the token that begins a text, if a configuration says it. */
  readonly bosId?: number;
  /** Ids of the tokens that end an answer, as far as configurations say them; the first is the one that is stored. */
  readonly eosIds: readonly number[];
  /** Whether a text is begun with BOS, and ended with EOS, if tokenizer_config.json says it. */
  readonly addBos?: boolean;
  readonly addEos?: boolean;
  readonly warnings: readonly CheckpointWarning[];
}

/** A vocabulary entry as a ggml file stores it; the index is the id. */
export interface VocabEntry {
  readonly text: Uint8Array;
  readonly score: number;
}

export interface CheckpointFiles {
  readonly format: CheckpointFormat;
  /** At least one. */
  readonly parts: readonly CheckpointPart[];
  /** Files that lie beside the first part. */
  readonly configJson?: ByteSource;
  readonly paramsJson?: ByteSource;
  readonly addedTokensJson?: ByteSource;
  /** quantize_config.json of AutoGPTQ. */
  readonly quantizeConfigJson?: ByteSource;
  /** generation_config.json, for the tokens that end an answer. */
  readonly generationConfigJson?: ByteSource;
  /** tokenizer_config.json, for these and for whether a text is begun and ended with one. */
  readonly tokenizerConfigJson?: ByteSource;
  /** Parameters that the part itself declares; they win over the files beside it. */
  readonly header?: DeclaredParams;
  readonly vocab?: readonly VocabEntry[];
}

/**
 * Puts opened files together into one model; no weight is read but biases, to see that they are zero.
 * @throws CheckpointError if configuration and tensors are not those of one LLaMA model; `E_UNKNOWN_TENSOR` for tensors that it
 *   has no place for and that would change what it says
 */
export async function assembleCheckpoint(files: CheckpointFiles): Promise<Checkpoint> {
  const [first] = files.parts as [CheckpointPart];
  const storedTensors = mergeParts(files.parts);
  const scheme = namingScheme(storedTensors, first.file);
  const declared = files.header ?? (await readDeclared(files, scheme));
  const gptq = declared?.gptq ?? (await readGptqConfig(files));
  const weights = dequantizeOld(await dequantizeGptq(storedTensors, first.file, gptq));
  assertFloatWeights(weights, first.file);
  const params = resolveParams(declared, tensorFacts(weights, scheme, first.file));
  const llama = llamaTensors(weights, scheme, params, first.file);
  await assertHarmless(llama.unusedNames, weights, first.file);
  assertComplete(declared, llama, storedTensors, first.file);
  const byName = new Map(llama.tensors.map((tensor) => [tensor.name, tensor]));
  const addedTokens = files.addedTokensJson && (await readAddedTokens(files.addedTokensJson));
  return {
    format: files.format,
    files: files.parts.map((part) => part.file),
    params,
    weightType: weightType(storedTensors),
    tensors: llama.tensors,
    storedTensors,
    ...(await specialTokens(files, declared, addedTokens)),
    ...present("addedTokens", addedTokens),
    ...present("vocab", files.vocab),
    warnings: warningsOf(declared, llama),
    names: () => byName.keys(),
    tensor: (name) => byName.get(name),
  };
}

/** Each naming scheme has its own configuration file; Meta's tensors can do with the other one too. */
async function readDeclared(files: CheckpointFiles, scheme: NamingScheme): Promise<DeclaredParams | undefined> {
  if (scheme === "meta" && files.paramsJson !== undefined) return readMetaParams(files.paramsJson);
  return files.configJson === undefined ? undefined : readHfConfig(files.configJson);
}

/** quantize_config.json says for config.json how matrices are stored; whether there are any, the tensors say. */
async function readGptqConfig({ quantizeConfigJson }: CheckpointFiles): Promise<GptqLayout | undefined> {
  if (quantizeConfigJson === undefined) return undefined;
  const json = await openConfig(quantizeConfigJson);
  const layout = readQuantizationConfig(json, "quantize_config");
  json.end();
  return layout;
}

/** @throws `E_MISSING_TENSOR` for what the configuration says is there: an output matrix of its own, biases */
function assertComplete(
  declared: DeclaredParams | undefined,
  llama: LlamaTensors,
  stored: ReadonlyMap<string, SourceTensor>,
  file: string,
): void {
  if (llama.isTied && declared?.isOutputTied === false) {
    throw missingTensor(file, HF_LM_HEAD, `${declared.file} says "tie_word_embeddings": false`);
  }
  const [field] = declared?.biasFields ?? [];
  if (field !== undefined && ![...stored.keys()].some((name) => name.endsWith(".bias"))) {
    throw missingTensor(file, "model.layers.0.….bias", `${declared?.file} says "${field}": true`);
  }
}

/**
 * The token that begins a text, and those that end an answer: generation_config.json goes before tokenizer_config.json, that
 * before config.json. A text that no file gives an id is one of the vocabulary, whose ids the others name.
 */
async function specialTokens(
  { generationConfigJson, tokenizerConfigJson }: CheckpointFiles,
  declared: DeclaredParams | undefined,
  addedTokens: ReadonlyMap<string, number> | undefined,
): Promise<Pick<Checkpoint, "bosId" | "eosIds" | "addBos" | "addEos">> {
  const ends = generationConfigJson === undefined ? [] : await readEosIds(generationConfigJson);
  const tokenizer = tokenizerConfigJson === undefined ? undefined : await readTokenizerConfig(tokenizerConfigJson);
  const { eosToken = "", addBos, addEos } = tokenizer ?? {};
  const end = tokenizer?.addedTokens.get(eosToken) ?? addedTokens?.get(eosToken);
  const eosIds = [...new Set([...ends, ...(end === undefined ? [] : [end]), ...(declared?.eosIds ?? [])])];
  return { ...present("bosId", declared?.bosId), eosIds, ...present("addBos", addBos), ...present("addEos", addEos) };
}

async function readEosIds(source: ByteSource): Promise<readonly number[]> {
  const json = await openConfig(source);
  let ids: readonly number[] = [];
  json.object((field) => {
    if (field === "eos_token_id") ids = readTokenIds(json, field);
    else json.read();
  });
  json.end();
  return ids;
}

/** Build 803 asks the same tensor, under both naming schemes and Baichuan's packed form. */
function weightType(stored: ReadonlyMap<string, SourceTensor>): string {
  for (const name of ["layers.0.attention.wq", "model.layers.0.self_attn.q_proj", "model.layers.0.self_attn.W_pack"]) {
    if (stored.has(`${name}.qweight`)) return "gptq";
    const tensor = stored.get(`${name}.weight`);
    if (tensor !== undefined) return tensor.type;
  }
  return "f32"; // not reached: a model without this tensor has been refused
}

/** What a user should know about how the model was taken. */
function warningsOf(declared: DeclaredParams | undefined, llama: LlamaTensors): CheckpointWarning[] {
  const warnings: CheckpointWarning[] = [];
  if (declared === undefined) {
    const message = "no params.json or config.json: heads of 128 values assumed";
    warnings.push({ code: "guessed-params", message });
  } else if (declared.unknownFields.length > 0) {
    const message = `${declared.file}: not used: ${list(declared.unknownFields)}`;
    warnings.push({ code: "unknown-params", message });
  }
  if (llama.isTied) {
    warnings.push({ code: "tied-output", message: "no output matrix: the token embeddings are used for it" });
  }
  return warnings;
}
