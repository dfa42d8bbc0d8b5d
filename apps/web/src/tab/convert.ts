// Conversion and quantisation in the worker. A checkpoint that is to be quantised becomes a file with its weights as they are first, as with
// ll-convert and ll-quantize; that file is kept by the browser until the second one is written, and no longer.

import { type ByteSource, printable } from "@ll/bytes";
import type { ModelEvent } from "@ll/convert";
import { containerOf } from "@ll/model";
import { planCheckpoint } from "./checkpoint-plan.ts";
import type { ConvertRequest, Made, WorkStep } from "./jobs.ts";
import { createOutput } from "./outputs.ts";
import { pickedFolder } from "./picked-folder.ts";
import { isDirect, type PlannedFile, planGgmlToGguf, planQuantised } from "./plans.ts";
import { sourcesOf } from "./sources.ts";
import { createUnfinished } from "./store.ts";

type Tell = (step: WorkStep) => void;

/** @throws QuantizationError, ConvertError, CheckpointError, FormatError, IoError, StorageError; the signal's reason */
export async function convert(request: ConvertRequest, tell: Tell, signal: AbortSignal): Promise<Made> {
  const { place, target, allowRequantize, to } = request;
  const choice = { ...target, allowRequantize };
  const sources = await sourcesOf(place);
  const [first] = sources;
  if (first === undefined) throw new RangeError("no file was given");
  const isModel = (await containerOf(first)) !== undefined;
  const name = outName(nameOf(request, first), target);
  if (isModel && (await isDirect(first, target))) {
    return write(await planQuantised(sources, choice), to, name, request, tell, signal);
  }
  const plan = async (): Promise<PlannedFile> =>
    isModel
      ? planGgmlToGguf(first)
      : planCheckpoint(pickedFolder("files" in place ? place.files : []), target.container);
  if (target.ftype === undefined) return write(await plan(), to, name, request, tell, signal);
  return writeTwice(await plan(), choice, name, request, tell, signal);
}

type Choice = ConvertRequest["target"] & Pick<ConvertRequest, "allowRequantize">;

async function writeTwice(
  first: PlannedFile,
  choice: Choice,
  name: string,
  { to, ...request }: ConvertRequest,
  tell: Tell,
  signal: AbortSignal,
): Promise<Made> {
  const between = await createUnfinished(first.byteLength);
  try {
    await first.write(between, { ...workOptions("converting", tell, signal), threads: request.threads });
    const source: ByteSource = {
      name,
      byteLength: between.bytesWritten,
      read: (offset, bytes) => between.read(offset, bytes),
    };
    const made = await write(await planQuantised([source], choice), to, name, { ...request, to }, tell, signal);
    return { ...made, warnings: [...new Set([...first.warnings, ...made.warnings])] };
  } finally {
    await first.close();
    await between.discard();
  }
}

async function write(
  plan: PlannedFile,
  to: ConvertRequest["to"],
  name: string,
  { threads, target }: ConvertRequest,
  tell: Tell,
  signal: AbortSignal,
): Promise<Made> {
  const out = await createOutput(to, name, plan.byteLength);
  const stage = target.ftype === undefined ? "converting" : "quantising";
  try {
    await plan.write(out, { ...workOptions(stage, tell, signal), threads });
    signal.throwIfAborted();
    return { ...(await out.commit()), warnings: plan.warnings };
  } finally {
    await plan.close();
    await out.abort(); // harmless after the commit
  }
}

function workOptions(
  stage: string,
  tell: Tell,
  signal: AbortSignal,
): { onEvent: (event: ModelEvent) => void; signal: AbortSignal } {
  const onEvent = (event: ModelEvent): void => {
    if (event.kind === "totals") return;
    const done = event.kind === "tensor-done" ? event.index + 1 : event.index;
    tell({ stage, name: printable(event.name), done, total: event.total });
  };
  return { onEvent, signal };
}

/** Of the folder that was picked, or the file, without the type in it. */
function nameOf({ place }: ConvertRequest, source: ByteSource): string {
  if ("url" in place) return source.name.split("/").at(-1) || "model";
  const [first] = place.files;
  if (place.files.length === 1 || first === undefined) return first?.file.name ?? "model";
  const folder = pickedFolder(place.files).name;
  return /-\d{5}-of-\d{5}\.gguf$/.test(first.file.name) ? first.file.name : folder;
}

function outName(name: string, { container, type }: ConvertRequest["target"]): string {
  const stem = name
    .replace(/\.(?:gguf|bin|pth|pt|safetensors)$/i, "")
    .replace(/-\d{5}-of-\d{5}$/, "")
    .replace(/[-._](?:b?f16|f32|i?q\d\w*)$/i, "");
  return `${stem || "model"}${/^[A-Z]/.test(type) ? `-${type}` : ""}.${container === "gguf" ? "gguf" : "bin"}`;
}
