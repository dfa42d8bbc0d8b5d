// ll-convert from a Hugging Face directory of any family, or a GGUF file of any, to a GGUF file.

import { basename, join, resolve } from "node:path";
import { type AbortSignal, printable } from "@ll/bytes";
import { readTokenizerFiles, TOKENIZER_FILES } from "@ll/checkpoint";
import { diskFolder, openHfDirectory } from "@ll/checkpoint/node";
import { type GgufConversion, type GgufOutType, modelNameOf, planGgufCopy, planHf } from "@ll/convert";
import { metadataGetter, type WritableValue } from "@ll/gguf";
import { openGgufPath } from "@ll/gguf/node";
import { containerAt } from "@ll/model/node";
import { hfVocabulary } from "@ll/tokenizer";
import type { ConvertArguments } from "./convert-arguments.ts";
import type { NotingIo } from "./file-report.ts";

/** Longest path in a message; longer than any that a system takes. */
const PATH_CHARS = 4200;

/** A GGUF file that is about to be written. */
export interface PlannedGguf {
  /** What is read meanwhile. */
  readonly source: { verify(): Promise<void>; close(): Promise<void> };
  readonly conversion: GgufConversion;
  readonly outStem: string;
  /** All that was read and must not be written over. */
  readonly inputs: readonly string[];
}

/** The directory, and the file that it becomes; undefined if its config.json names no class of models. */
export async function planHfDirectory(
  request: ConvertArguments,
  io: NotingIo,
  signal?: AbortSignal,
): Promise<PlannedGguf | undefined> {
  const model = await openHfDirectory(request.model, {
    onEvent(event) {
      if (event.kind === "loading-file") io.err.write(`Loading model file ${printable(event.path, PATH_CHARS)}\n`);
      else io.warn(`warning: ${printable(event.message, 512)}`);
    },
  });
  if (model === undefined) return undefined;
  try {
    signal?.throwIfAborted();
    const { family, config, tokenIds, ends, directory } = model;
    const vocabDirectory = request.vocabDir ?? directory;
    const vocabulary = hfVocabulary(await readTokenizerFiles(diskFolder(vocabDirectory)), family.tokenizer, {
      vocabSize: config.has("vocab_size") ? config.count("vocab_size") : undefined,
      ids: tokenIds,
      ends,
    });
    const outType: GgufOutType = request.outType ?? "auto";
    const name = modelNameOf(basename(resolve(directory)));
    const overrides = overriddenKeys(model.architecture.name, request);
    const conversion = planHf({ model, vocabulary, outType, name, overrides });
    for (const id of vocabulary.lostEnds) {
      io.warn(`The file cannot say so: the model ends its answers with token ${id}`);
    }
    for (const warning of [...vocabulary.warnings, ...conversion.warnings])
      io.warn(`warning: ${printable(warning, 512)}`);
    const stem = outType === "auto" ? typeOf(conversion) : outType;
    const names = [...Object.values(TOKENIZER_FILES), "chat_template.jinja", "config.json", "generation_config.json"];
    return {
      source: model,
      conversion,
      outStem: join(directory, `ggml-model-${stem}`),
      inputs: [
        ...model.files,
        join(directory, "model.safetensors.index.json"),
        ...names.flatMap((file) => [join(directory, file), join(vocabDirectory, file)]),
      ],
    };
  } catch (error) {
    await model.close();
    throw error;
  }
}

/** A GGUF file whose metadata and vocabulary stay; undefined for a file of another kind, or with another vocabulary. */
export async function planGgufFile(request: ConvertArguments, io: NotingIo): Promise<PlannedGguf | undefined> {
  if (request.vocabDir !== undefined || (await containerAt(request.model)) !== "gguf") return undefined;
  const file = await openGgufPath(request.model);
  try {
    for (const path of file.paths) io.err.write(`Loading model file ${printable(path, PATH_CHARS)}\n`);
    for (const warning of file.warnings) io.warn(`warning: ${printable(warning, 512)}`);
    const architecture = metadataGetter(file.metadata)("general.architecture");
    const overrides = overriddenKeys(String(architecture ?? "llama"), request);
    const conversion = await planGgufCopy(file, request.outType, overrides);
    return {
      source: { verify: () => file.assertUnchanged(), close: () => file.close() },
      conversion,
      outStem: request.model.replace(/(?:-\d{5}-of-\d{5})?\.[^./\\]*$/, ""),
      inputs: file.paths,
    };
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** Parameters that are options go before what the files say. */
function overriddenKeys(architecture: string, { params }: ConvertArguments): Map<string, WritableValue> {
  const { normEps, ropeFreqBase, ropeFreqScale, contextTokens } = params;
  const keys = new Map<string, WritableValue>();
  const set = (key: string, value: WritableValue): void => void keys.set(`${architecture}.${key}`, value);
  if (contextTokens !== undefined) set("context_length", { type: "u32", value: contextTokens });
  if (normEps !== undefined) set("attention.layer_norm_rms_epsilon", { type: "f32", value: normEps });
  if (ropeFreqBase !== undefined) set("rope.freq_base", { type: "f32", value: ropeFreqBase });
  if (ropeFreqScale !== undefined) {
    set("rope.scaling.type", { type: "string", value: "linear" });
    set("rope.scaling.factor", { type: "f32", value: 1 / ropeFreqScale });
  }
  return keys;
}

/** What most values become. */
function typeOf({ tensors }: GgufConversion): string {
  const bytes = new Map<string, number>();
  for (const { toType, bytesOut } of tensors) bytes.set(toType, (bytes.get(toType) ?? 0) + bytesOut);
  return [...bytes].reduce((a, b) => (b[1] > a[1] ? b : a), ["f16", 0])[0];
}
