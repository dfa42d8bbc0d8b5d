// Files that can be made of what was opened, and their sizes. Asked for by itself: the code that plans them is of no use to whoever only
// runs a model.

import { type ByteSource, isFormatError } from "@ll/bytes";
import { openModelFile } from "@ll/model";
import { blockInfo, type FileType, FTYPES, ggufFileTypes } from "@ll/quant";
import type { PlannedCheckpoint } from "./checkpoint-plan.ts";
import type { ContainerName, Place, Target } from "./jobs.ts";
import { planGgmlToGguf, planQuantised } from "./plans.ts";
import { sourcesOf } from "./sources.ts";

/** Weights as they are, in a container that the model is not in yet. */
const AS_IT_IS = "as it is";

/** Of a model file. @throws FormatError of the reader, IoError */
export async function targets(place: Place): Promise<readonly Target[]> {
  const sources = await sourcesOf(place);
  const file = await openModelFile(sources, { oldBlocks: true });
  const own: ContainerName = file.container === "gguf" ? "gguf" : "ggjt";
  const found: Target[] = [];
  for (const { id: ftype, name: type } of own === "gguf" ? ggufFileTypes() : ggjtTypes()) {
    const choice = { container: own, type, ftype, allowRequantize: true };
    const bytes = await sizeOf(() => planQuantised(sources, choice));
    if (bytes !== undefined) found.push({ container: own, type, ftype, bytes, isExact: true });
  }
  found.sort((a, b) => b.bytes - a.bytes);
  const [first] = sources as [ByteSource];
  if (own === "gguf" && sources.length > 1) {
    const choice = { container: own, type: AS_IT_IS, ftype: undefined, allowRequantize: false };
    const bytes = await sizeOf(() => planQuantised(sources, choice));
    if (bytes !== undefined) found.unshift({ ...choice, bytes, isExact: true });
  }
  if (own === "ggjt") {
    const bytes = await sizeOf(() => planGgmlToGguf(first));
    if (bytes !== undefined)
      found.unshift({ container: "gguf", type: AS_IT_IS, ftype: undefined, bytes, isExact: true });
  }
  return found;
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

/** @param parameters how many weights it has */
export function checkpointTargets(
  container: ContainerName,
  { byteLength }: PlannedCheckpoint,
  parameters: number,
): readonly Target[] {
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
