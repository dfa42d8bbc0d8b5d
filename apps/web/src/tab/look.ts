// What a model file or a checkpoint is, from its header: nothing else of it is read.

import { fileTypeLabel } from "@ll/architectures";
import { type ByteSource, closeAll, isFormatError, type SourceTensor } from "@ll/bytes";
import { metadataGetter } from "@ll/gguf";
import { modelMemory } from "@ll/llama";
import { containerOf, type ModelFile, openModelFile, typeMix } from "@ll/model";
import { blockInfo, type FileType, FTYPES, ggufFileTypes } from "@ll/quant";
import { VOCABULARY_KINDS } from "@ll/tokenizer";
import type { PlannedCheckpoint } from "./checkpoint-plan.ts";
import type { ContainerName, Look, Place, Target } from "./jobs.ts";
import { pickedFolder } from "./picked-folder.ts";
import { planGgmlToGguf, planQuantised } from "./plans.ts";
import { sourcesOf } from "./sources.ts";

const CONTEXT_SIZES: readonly number[] = [512, 1024, 2048, 4096, 8192, 16384, 32768];

/** Weights as they are, in a container that the model is not in yet. */
const AS_IT_IS = "as it is";

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
    targets: await modelTargets(file, sources),
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

async function modelTargets(file: ModelFile, sources: readonly ByteSource[]): Promise<readonly Target[]> {
  const own: ContainerName = file.container === "gguf" ? "gguf" : "ggjt";
  const targets: Target[] = [];
  for (const { id: ftype, name: type } of own === "gguf" ? ggufFileTypes() : ggjtTypes()) {
    const choice = { container: own, type, ftype, allowRequantize: true };
    const bytes = await sizeOf(() => planQuantised(sources, choice));
    if (bytes !== undefined) targets.push({ container: own, type, ftype, bytes, isExact: true });
  }
  targets.sort((a, b) => b.bytes - a.bytes);
  const [first] = sources as [ByteSource];
  if (own === "gguf" && sources.length > 1) {
    const choice = { container: own, type: AS_IT_IS, ftype: undefined, allowRequantize: false };
    const bytes = await sizeOf(() => planQuantised(sources, choice));
    if (bytes !== undefined) targets.unshift({ ...choice, bytes, isExact: true });
  }
  if (own === "ggjt") {
    const bytes = await sizeOf(() => planGgmlToGguf(first));
    if (bytes !== undefined)
      targets.unshift({ container: "gguf", type: AS_IT_IS, ftype: undefined, bytes, isExact: true });
  }
  return targets;
}

/** Undefined for what cannot be made of the file. */
async function sizeOf(plan: () => Promise<{ readonly byteLength: number }>): Promise<number | undefined> {
  try {
    return (await plan()).byteLength;
  } catch (error) {
    if (isFormatError(error) || error instanceof RangeError) return undefined;
    throw error;
  }
}

/** Each once, without its aliases. */
function ggjtTypes(): readonly FileType[] {
  return FTYPES.filter(({ description }) => !description.startsWith("alias"));
}

/** A checkpoint becomes a file of either container, or of one; the error of the first says why, if of none. */
async function lookAtCheckpoint(place: Extract<Place, { files: unknown }>): Promise<Look> {
  const { planCheckpoint } = await import("./checkpoint-plan.ts");
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
    return {
      name: folder.name,
      bytes: place.files.reduce((sum, { file }) => sum + file.size, 0),
      kind: "checkpoint",
      format: checkpoint.format,
      family: checkpoint.family,
      tokenizer: "",
      hasTemplate: false,
      trainedContext: undefined,
      ...weightsOf(checkpoint.tensors),
      fileType: undefined,
      whyNot: undefined,
      memory: [],
      warnings: checkpoint.warnings,
      targets: planned.flatMap(([container, plan]) => checkpointTargets(container, plan)),
    };
  } finally {
    await closeAll(planned.map(([, checkpoint]) => checkpoint));
  }
}

function checkpointTargets(container: ContainerName, { byteLength, tensors }: PlannedCheckpoint): Target[] {
  const { parameters } = weightsOf(tensors);
  const types = container === "gguf" ? ggufFileTypes() : ggjtTypes();
  const bytesOf = (type: string): number => {
    const { blockBytes, blockValues } = blockInfo(type);
    return Math.round((parameters * blockBytes) / blockValues);
  };
  const quantised = types.map((type) => {
    const tensorType = "tensorType" in type ? String(type.tensorType) : type.baseType;
    return { container, type: type.name, ftype: type.id, bytes: bytesOf(tensorType), isExact: false };
  });
  return [
    { container, type: AS_IT_IS, ftype: undefined, bytes: byteLength, isExact: true },
    ...quantised.sort((a, b) => b.bytes - a.bytes),
  ];
}

function weightsOf(
  tensors: readonly Pick<SourceTensor, "type" | "shape" | "byteLength">[],
): Pick<Look, "parameters" | "types"> {
  const types = typeMix(tensors);
  return { parameters: types.reduce((sum, { weights }) => sum + weights, 0), types };
}
