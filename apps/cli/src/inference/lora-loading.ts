// `--lora` and `--lora-base`: an adapter over an open model, with what build 803 says about it.

import { printable, type TensorSource } from "@ll/bytes";
import type { FileSource } from "@ll/bytes/node";
import { openFileSource } from "@ll/bytes/node";
import type { ModelConfig } from "@ll/llama";
import { openAdapter, openModelFile, type TensorPatchedEvent, withLora } from "@ll/model";
import type { Io } from "../command.ts";
import { fixed } from "../printf.ts";

const PREFIX = "llama_apply_lora_from_file_internal: ";

export interface AppliedLora {
  /** The model's tensors, patched while they are read. */
  readonly tensors: TensorSource;
  /** Ends the line of dots once all tensors are loaded. */
  finish(): void;
}

/** The paths of an adapter, and of the model that it is added to instead. */
export interface LoraPaths {
  readonly adapter: string;
  readonly base: string | undefined;
}

/**
 * Applies an adapter, of ggml or in a GGUF file. Files that are opened are put into `files`, for the caller to close once the tensors are loaded.
 * @throws FormatError of the readers, ModelError, IoError: an adapter is applied whole or not at all
 */
export async function applyLora(
  model: TensorSource,
  config: ModelConfig,
  paths: LoraPaths,
  io: Io,
  files: FileSource[],
): Promise<AppliedLora> {
  const started = performance.now();
  const say = (text: string): void => io.err.write(`${PREFIX}${text}\n`);
  const open = async (path: string): Promise<FileSource> => {
    const file = await openFileSource(path);
    files.push(file);
    return file;
  };

  say(`applying lora adapter from '${printable(paths.adapter, 4096)}' - please wait ...`);
  const source = await open(paths.adapter);
  const adapter = await openAdapter(source, model, config);
  const { r, alpha = 0 } = adapter;
  // the rank of pairs in a GGUF file is in their shapes
  if (r === undefined) say(`alpha = ${fixed(alpha, 0, 2)}`);
  else say(`r = ${r}, alpha = ${alpha}, scaling = ${fixed(Math.fround(alpha / r), 0, 2)}`);
  let base: TensorSource | undefined;
  if (paths.base !== undefined) {
    say(`loading base model from '${printable(paths.base, 4096)}'`);
    io.err.write(`llama.cpp: loading model from ${printable(paths.base, 4096)}\n`);
    const file = await open(paths.base);
    base = (await openModelFile(file)).source;
  }
  return {
    tensors: withLora(model, adapter, { base, onEvent: printer(io) }),
    finish: () => io.err.write(` done (${fixed(performance.now() - started, 0, 2)} ms)\n`),
  };
}

/** A dot for every fourth tensor, and one warning if precision is lost on the way. */
function printer(io: Io): (event: TensorPatchedEvent) => void {
  let warned = false;
  return ({ isRepacked, nPatched }) => {
    if (isRepacked && !warned) {
      warned = true;
      io.err.write(
        `${PREFIX}warning: using a lora adapter with a quantized model may result in poor quality, ` +
          "use a f16 or f32 base model with --lora-base\n",
      );
    }
    if (nPatched % 4 === 0) io.err.write(".");
  };
}
