// A model as its files hold it: parameters and tensors under Meta's names, in the order in which they are converted.

import type { ByteSource } from "@ll/bytes";
import { readAddedTokens } from "./added-tokens.ts";
import { type DeclaredParams, present } from "./declared-params.ts";
import { dequantizeGptq } from "./gptq.ts";
import { readHfConfig } from "./hf-config.ts";
import { type LlamaTensors, llamaTensors, type NamingScheme, namingScheme, tensorFacts } from "./llama-tensors.ts";
import { readMetaParams } from "./meta-params.ts";
import { dequantizeOld } from "./old-blocks.ts";
import { type CheckpointParams, resolveParams } from "./params.ts";
import { type CheckpointPart, mergeParts } from "./shards.ts";
import type { SourceTensor, TensorSource } from "./source-tensor.ts";

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
  /** Parameters that the part itself declares; they win over the files beside it. */
  readonly header?: DeclaredParams;
  readonly vocab?: readonly VocabEntry[];
}

/** Buffers and biases that no loader needs, by the end of their names. */
const HARMLESS_NAMES = /(?:^|\.)(?:rope\.freqs|inv_freq|masked_bias|attn\.bias|freq_cis)$/;

/**
 * Puts opened files together into one model; no weight is read.
 * @throws CheckpointError if configuration and tensors are not those of one LLaMA model.
 */
export async function assembleCheckpoint(files: CheckpointFiles): Promise<Checkpoint> {
  const [first] = files.parts as [CheckpointPart];
  const storedTensors = mergeParts(files.parts);
  const weights = dequantizeOld(await dequantizeGptq(storedTensors, first.file));
  const scheme = namingScheme(weights, first.file);
  const declared = files.header ?? (await readDeclared(files, scheme));
  const params = resolveParams(declared, tensorFacts(weights, scheme, first.file));
  const llama = llamaTensors(weights, scheme, params, first.file);
  const byName = new Map(llama.tensors.map((tensor) => [tensor.name, tensor]));
  return {
    format: files.format,
    files: files.parts.map((part) => part.file),
    params,
    weightType: weightType(storedTensors),
    tensors: llama.tensors,
    storedTensors,
    ...present("addedTokens", files.addedTokensJson && (await readAddedTokens(files.addedTokensJson))),
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
  const dropped = llama.unusedNames.filter((name) => !HARMLESS_NAMES.test(name));
  if (dropped.length > 0) {
    warnings.push({ code: "dropped-tensors", message: `tensors that are no part of a LLaMA model: ${list(dropped)}` });
  }
  return warnings;
}

/** The first few names. */
function list(names: readonly string[]): string {
  const shown = names.slice(0, 5).join(", ");
  return names.length > 5 ? `${shown} and ${names.length - 5} more` : shown;
}
