// A model in several files, NAME-00001-of-00003.gguf and so on, as gguf-split of llama.cpp makes them: the first has all the
// metadata and maybe tensors, each has its own tensors, and `split.no` (from 0), `split.count` and `split.tensors.count`.

import { type ByteSource, type FileTensor, type FormatErrorFields, kindOf } from "@ll/bytes";
import { GgufFormatError } from "./errors.ts";
import { MAX_SPLITS } from "./limits.ts";
import { type GgufContents, type GgufFile, type OpenGgufOptions, openGguf } from "./read.ts";

export interface GgufSet extends GgufContents {
  readonly files: readonly GgufFile[];
}

/**
 * Opens the files of a set, given in order, or a single file that is no part of one.
 * @throws GgufFormatError `E_SPLIT` if they are not all files of one set, in order; `E_DUP` if two of them have the same tensor; as
 *   `openGguf`. RangeError without any file
 */
export async function openGgufSet(sources: readonly ByteSource[], options: OpenGgufOptions = {}): Promise<GgufSet> {
  if (!Array.isArray(sources))
    throw new TypeError(`"sources" expected an array of ByteSources, got ${kindOf(sources)}`);
  if (sources.length < 1 || sources.length > MAX_SPLITS) {
    throw new RangeError(`"sources" expected 1 to ${MAX_SPLITS} files, got ${sources.length}`);
  }
  const files: GgufFile[] = [];
  const tensors = new Map<string, FileTensor>();
  const homes = new Map<string, string>();
  for (const [index, source] of sources.entries()) {
    const file = await openGguf(source, options);
    assertPart(file, index, sources.length);
    for (const tensor of file.tensors) {
      const home = homes.get(tensor.name);
      if (home !== undefined) {
        throw splitError(file, {
          code: "E_DUP",
          field: "name",
          expected: "every name once",
          got: tensor.name,
          message: `tensor '${tensor.name}' is also in ${home}`,
        });
      }
      homes.set(tensor.name, file.name);
      tensors.set(tensor.name, tensor);
    }
    files.push(file);
  }
  const [first] = files as [GgufFile];
  const nTensors = splitNumber(first, "split.tensors.count") ?? tensors.size;
  if (nTensors !== tensors.size) {
    const message = `the set should have ${nTensors} tensors, its files have ${tensors.size}`;
    throw splitError(first, { field: "split.tensors.count", expected: nTensors, got: tensors.size, message });
  }
  return {
    name: first.name,
    metadata: first.metadata,
    files,
    tensors: [...tensors.values()],
    names: () => tensors.keys(),
    tensor: (name) => tensors.get(name),
    warnings: files.flatMap((file) => file.warnings),
    damage: files.find((file) => file.damage !== undefined)?.damage,
    async assertUnchanged() {
      for (const file of files) await file.assertUnchanged();
    },
  };
}

function assertPart(file: GgufFile, index: number, nFiles: number): void {
  const count = splitNumber(file, "split.count") ?? 1;
  if (count !== nFiles) {
    const message = `this is a file of a set of ${count}, and ${nFiles} were given`;
    throw splitError(file, { field: "split.count", expected: nFiles, got: count, message });
  }
  const number = splitNumber(file, "split.no") ?? 0;
  if (number !== index) {
    const message = `this is file ${number + 1} of its set, given in place of file ${index + 1}`;
    throw splitError(file, { field: "split.no", expected: index, got: number, message });
  }
}

/** A whole number under one of the keys of a split; writers differ in its type. */
function splitNumber(file: GgufContents, key: string): number | undefined {
  const found = file.metadata.get(key);
  if (found === undefined) return undefined;
  const value = found.type === "array" || found.type === "string" ? Number.NaN : Number(found.value);
  if (Number.isSafeInteger(value) && value >= 0) return value;
  const message = `'${key}' is no number of files or tensors`;
  throw splitError(file, { field: key, expected: "a whole number", got: found.type, message });
}

function splitError(file: GgufContents, fields: Omit<FormatErrorFields, "code" | "file"> & { code?: string }): Error {
  return new GgufFormatError({ code: "E_SPLIT", ...fields, file: file.name });
}
