// What ll-convert takes: checkpoints, whose weights become f16 or f32, and whole GGUF and ggjt files, whose weights can be taken over
// as they are.

import { dirname, join } from "node:path";
import { printable } from "@ll/bytes";
import { openFileSource } from "@ll/bytes/node";
import type { GgmlOpener } from "@ll/checkpoint/node";
import { openCheckpoint } from "@ll/checkpoint/node";
import { contentsOfGgml, contentsOfGguf, type ModelContents, type OutType, usualOutType } from "@ll/convert";
import { openGgml } from "@ll/ggml-format";
import { metadataGetter } from "@ll/gguf";
import { openGgufPath } from "@ll/gguf/node";
import { configFromGguf } from "@ll/llama";
import { containerAt } from "@ll/model/node";
import type { Io } from "../command.ts";
import { Refusal } from "../errors.ts";
import type { ConvertArguments } from "./convert-arguments.ts";
import { pythonType } from "./convert-lines.ts";
import type { NotingIo } from "./file-report.ts";

/** Longest path in a message; longer than any that a system takes. */
const PATH_CHARS = 4200;

/** An opened model. Without `vocab`, its vocabulary is in a file of its own. */
export interface ConvertedModel extends Omit<ModelContents, "vocab"> {
  readonly vocab?: ModelContents["vocab"] | undefined;
  /** In order; never written over. */
  readonly files: readonly string[];
  /** Type of the matrices in the new file. @throws Refusal if it has to be chosen */
  outType(): OutType | "stored";
  /** Where the new file goes unless told otherwise, without the ending of its name. @throws as `outType` */
  outStem(): string;
  /** @throws if the files are not what they were when they were opened */
  verify(): Promise<void>;
  close(): Promise<void>;
}

/** The model at the path that is no GGUF file: a checkpoint, an old ggml file, a model of llama2.c. */
export async function openCheckpointInput(request: ConvertArguments, io: NotingIo): Promise<ConvertedModel> {
  const checkpoint = await openCheckpoint(request.model, {
    openGgml: openGgmlInput,
    onEvent(event) {
      if (event.kind === "loading-file") sayLoading(event.path, io);
      else io.warn(`warning: ${printable(event.message, 512)}`);
    },
  });
  const outType = (): OutType => {
    const { outType: asked = request.container === "gguf" ? "auto" : undefined } = request;
    return asked === undefined || asked === "auto" ? defaultOutType(checkpoint.weightType, asked) : asked;
  };
  return {
    ...checkpoint,
    outType,
    outStem: () => join(dirname(checkpoint.files[0] as string), `ggml-model-${outType()}`),
  };
}

/** @throws Refusal for weights that convert.py would have written in blocks of a layout nobody reads */
function defaultOutType(weightType: string, asked: "auto" | undefined): OutType {
  const chosen = usualOutType(weightType, asked === "auto" ? "gguf" : 3);
  if (chosen !== undefined) return chosen;
  throw new Refusal(
    `the weights of this model are ${pythonType(weightType)}: an output type has to be chosen`,
    "use --outtype f16 or --outtype f32, and ll-quantize on the result",
  );
}

/** A GGUF file, or a ggjt file that is to become one with its weights as they are; undefined for anything else. */
export async function openWholeFile(request: ConvertArguments, io: NotingIo): Promise<ConvertedModel | undefined> {
  const container = await containerAt(request.model);
  if (container === "gguf") return openGgufInput(request, io);
  const isKept = container === "ggml" && request.container === "gguf" && request.outType === undefined;
  return isKept ? openGgjt(request, io) : undefined;
}

async function openGgufInput(request: ConvertArguments, io: NotingIo): Promise<ConvertedModel> {
  const file = await openGgufPath(request.model);
  try {
    for (const path of file.paths) sayLoading(path, io);
    const config = configFromGguf(metadataGetter(file.metadata), {}, request.model);
    for (const warning of [...file.warnings, ...config.warnings]) io.warn(`warning: ${printable(warning, 512)}`);
    const contents = await contentsOfGguf(file, config);
    return {
      ...contents,
      files: file.paths,
      outType: () => (request.outType === undefined || request.outType === "auto" ? "stored" : request.outType),
      outStem: () => request.model.replace(/(?:-\d{5}-of-\d{5})?\.[^./\\]*$/, ""),
      verify: () => file.assertUnchanged(),
      close: () => file.close(),
    };
  } catch (error) {
    await file.close();
    throw error;
  }
}

async function openGgjt(request: ConvertArguments, io: NotingIo): Promise<ConvertedModel> {
  const source = await openFileSource(request.model);
  try {
    sayLoading(request.model, io);
    const file = await openGgml(source);
    for (const warning of file.warnings) io.warn(`warning: ${printable(warning, 512)}`);
    return {
      ...contentsOfGgml(file),
      files: [request.model],
      outType: () => "stored",
      outStem: () => request.model.replace(/\.[^./\\]*$/, ""),
      verify: () => source.assertUnchanged(),
      close: () => source.close(),
    };
  } catch (error) {
    await source.close();
    throw error;
  }
}

function sayLoading(path: string, io: Io): void {
  io.err.write(`Loading model file ${printable(path, PATH_CHARS)}\n`);
}

/** Also opens the 4-bit blocks of the first files, which nothing else reads any more. */
export const openGgmlInput: GgmlOpener = (source) => openGgml(source, { oldBlocks: true });
