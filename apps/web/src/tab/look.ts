// What a model file or a checkpoint is, from its header: nothing else of it is read.

import { fileTypeLabel } from "@ll/architectures";
import { type ByteSource, closeAll, type SourceTensor } from "@ll/bytes";
import { metadataGetter } from "@ll/gguf";
import { modelMemory } from "@ll/llama";
import { containerOf, type ModelFile, openModelFile, typeMix } from "@ll/model";
import { VOCABULARY_KINDS } from "@ll/tokenizer";
import type { PlannedCheckpoint } from "./checkpoint-plan.ts";
import type { ContainerName, Look, Place } from "./jobs.ts";
import { pickedFolder } from "./picked-folder.ts";
import { sourcesOf } from "./sources.ts";

const CONTEXT_SIZES: readonly number[] = [512, 1024, 2048, 4096, 8192, 16384, 32768];

/** @throws CheckpointError, FormatError of the reader, IoError */
export async function look(place: Place): Promise<Look> {
  const sources = await sourcesOf(place);
  const [first] = sources;
  if (first === undefined) throw new RangeError("no file was given");
  if ((await containerOf(first)) !== undefined) return lookAtModel(sources);
  // a single file that is no model: its reader says what else it seems to be
  if ("url" in place) return lookAtModel(sources);
  return lookAtCheckpoint(place);
}

async function lookAtModel(sources: readonly ByteSource[]): Promise<Look> {
  const file = await openModelFile(sources, { oldBlocks: true });
  const { vocabulary, templates, architecture, byteLength, containerName, warnings } = file;
  const kind = VOCABULARY_KINDS.find(({ model }) => model === vocabulary.kind)?.title ?? vocabulary.kind;
  const whyNot = file.whyNotRun();
  const ftype = file.ggml?.hyperParams.ftype ?? (file.gguf && metadataGetter(file.gguf.metadata)("general.file_type"));
  return {
    name: file.name,
    bytes: byteLength,
    kind: "model",
    format: containerName,
    family: architecture,
    tokenizer: vocabulary.nPieces === 0 ? "" : `${kind ?? "unknown"}, ${vocabulary.nPieces} pieces`,
    hasTemplate: templates.main !== undefined,
    trainedContext: file.trainedContextTokens,
    ...weightsOf(file.tensors),
    fileType: typeof ftype === "number" ? fileTypeLabel(ftype) : undefined,
    whyNot,
    memory: whyNot === undefined ? await memoryOf(file) : [],
    warnings,
    targets: undefined,
  };
}

async function memoryOf(file: ModelFile): Promise<Look["memory"]> {
  const config = file.config();
  const sizes = CONTEXT_SIZES.filter((size) => size < file.trainedContextTokens);
  const memory: { contextTokens: number; bytes: number }[] = [];
  for (const contextTokens of [...sizes, file.trainedContextTokens]) {
    const { model, context } = await modelMemory(file.source, config, { threads: 1, contextTokens });
    memory.push({ contextTokens, bytes: model + context });
  }
  return memory;
}

/** A checkpoint becomes a file of either container, or of one; the error of the first says why, if of none. */
async function lookAtCheckpoint(place: Extract<Place, { files: unknown }>): Promise<Look> {
  const { planCheckpoint } = await import("./checkpoint-plan.ts");
  const { checkpointTargets } = await import("./targets.ts");
  const folder = pickedFolder(place.files);
  const planned: (readonly [ContainerName, PlannedCheckpoint])[] = [];
  let failure: unknown;
  for (const container of ["gguf", "ggjt"] as const) {
    try {
      planned.push([container, await planCheckpoint(folder, container)]);
    } catch (error) {
      failure ??= error;
    }
  }
  const [best] = planned;
  if (best === undefined) throw failure;
  try {
    const [, checkpoint] = best;
    const weights = weightsOf(checkpoint.tensors);
    return {
      name: folder.name,
      bytes: place.files.reduce((sum, { file }) => sum + file.size, 0),
      kind: "checkpoint",
      format: checkpoint.format,
      family: checkpoint.family,
      tokenizer: "",
      hasTemplate: false,
      trainedContext: undefined,
      ...weights,
      fileType: undefined,
      whyNot: undefined,
      memory: [],
      warnings: checkpoint.warnings,
      targets: planned.flatMap(([container, plan]) => checkpointTargets(container, plan, weights.parameters)),
    };
  } finally {
    await closeAll(planned.map(([, checkpoint]) => checkpoint));
  }
}

function weightsOf(
  tensors: readonly Pick<SourceTensor, "type" | "shape" | "byteLength">[],
): Pick<Look, "parameters" | "types"> {
  const types = typeMix(tensors);
  return { parameters: types.reduce((sum, { weights }) => sum + weights, 0), types };
}
