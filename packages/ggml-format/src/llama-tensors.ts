// The tensors of a LLaMA model: names, shapes, and whether a file has them all.

import { feedForwardSize, llama, metaTensors } from "@ll/architectures";
import { type FileTensor, type FormatErrorFields, printable } from "@ll/bytes";
import { GgmlFormatError } from "./errors.ts";
import { type HyperParams, hyperParamOffset } from "./hyper-params.ts";
import { MAX_LAYERS } from "./limits.ts";
import type { GgmlFile } from "./read.ts";

/** Name of the model size, as build 803 prints it; that build aborts where this says `?B`. */
export function modelSizeLabel(nLayer: number): string {
  const labels: ReadonlyMap<number, string> = new Map([
    [26, "3B"],
    [32, "7B"],
    [40, "13B"],
    [60, "30B"],
    [80, "65B"],
  ]);
  return labels.get(nLayer) ?? (nLayer < 32 ? "7B" : "?B");
}

export interface LlamaTensorShape {
  readonly name: string;
  /** Slowest dimension first. */
  readonly shape: readonly number[];
}

/**
 * Names and shapes of all 3 + 9 · nLayer tensors, in the order in which build 803 looks them up.
 * @param nGqa query heads per key and value head: 1, but 8 for LLaMA 2 70B
 */
export function* llamaTensorShapes(
  { nVocab, nEmbd, nMult, nHead, nLayer }: HyperParams,
  nGqa = 1,
): Generator<LlamaTensorShape, void, void> {
  const sizes = { nEmbd, nHeads: nHead, nKvHeads: nHead / nGqa, nLayers: nLayer };
  const hyper = { ...sizes, nVocab, headDim: nEmbd / nHead, nFf: feedForwardSize(sizes, nMult) };
  const notInShapes = { rmsNormEps: 1, ropeFreqBase: 1, ropeFreqScale: 1 };
  for (const [name, shape] of metaTensors(llama, { ...hyper, ...notInShapes })) yield { name, shape };
}

/**
 * Checks that a file holds a whole LLaMA model and nothing else. Messages are those of build 803 where it has one.
 * @param nGqa as for `llamaTensorShapes`
 * @throws GgmlFormatError `E_HPARAM`, `E_MISSING_TENSOR`, `E_SHAPE`, `E_DTYPE` or `E_UNKNOWN_TENSOR`
 */
export function checkLlamaTensors(file: GgmlFile, nGqa = 1): void {
  checkHyperParams(file);
  const { nHead } = file.hyperParams;
  if (!Number.isSafeInteger(nGqa) || nGqa < 1 || nHead % nGqa !== 0) {
    throw new RangeError(`"nGqa" expected a divisor of the ${nHead} heads, got ${nGqa}`);
  }
  const expected = new Set<string>();
  for (const { name, shape } of llamaTensorShapes(file.hyperParams, nGqa)) {
    checkTensor(file, file.tensor(name), name, shape);
    expected.add(name);
  }
  const extra = file.tensors.find(({ name }) => !expected.has(name));
  if (extra !== undefined) {
    throw fileError(file, {
      code: "E_UNKNOWN_TENSOR",
      offset: extra.dataOffset,
      field: printable(extra.name),
      expected: `${expected.size} tensors`,
      got: file.tensors.length,
      message: "llama.cpp: file contained more tensors than expected",
    });
  }
}

function checkTensor(
  file: GgmlFile,
  tensor: FileTensor | undefined,
  name: string,
  shape: readonly number[],
): asserts tensor is FileTensor {
  if (tensor === undefined) {
    throw fileError(file, {
      code: "E_MISSING_TENSOR",
      offset: file.byteLength,
      field: name,
      expected: formatShape(shape),
      got: "no such tensor",
      message: `llama.cpp: tensor '${name}' is missing from model`,
    });
  }
  const at = { offset: tensor.dataOffset, field: name };
  if (tensor.shape.length !== shape.length || tensor.shape.some((size, dim) => size !== shape[dim])) {
    const [expected, got] = [formatShape(shape), formatShape(tensor.shape)];
    throw fileError(file, {
      ...at,
      code: "E_SHAPE",
      expected,
      got,
      message: `llama.cpp: tensor '${name}' has wrong shape; expected ${expected}, got ${got}`,
    });
  }
  // build 803 reads norms as f32 whatever their type says
  if (shape.length === 1 && tensor.type !== "f32") {
    throw fileError(file, {
      ...at,
      code: "E_DTYPE",
      expected: "f32",
      got: tensor.type,
      message: `tensor '${name}' is ${tensor.type}; tensors of one dimension must be f32`,
    });
  }
}

/** In the order and width of build 803: row length first. */
function formatShape(shape: readonly number[]): string {
  return [...shape]
    .reverse()
    .map((size) => String(size).padStart(5))
    .join(" x ");
}

function checkHyperParams(file: GgmlFile): void {
  const { nEmbd, nMult, nHead, nLayer, nRot } = file.hyperParams;
  const refuse = (name: keyof HyperParams, wire: string, expected: string): void => {
    const got = file.hyperParams[name];
    throw fileError(file, {
      code: "E_HPARAM",
      offset: hyperParamOffset(file.container, name),
      field: wire,
      expected,
      got,
      message: `${wire} is ${got}, expected ${expected}`,
    });
  };
  if (nEmbd < 1) refuse("nEmbd", "n_embd", "at least 1");
  if (nMult < 1) refuse("nMult", "n_mult", "at least 1");
  if (nHead < 1 || nEmbd % nHead !== 0) refuse("nHead", "n_head", `a divisor of n_embd, ${nEmbd}`);
  if (nLayer < 1 || nLayer > MAX_LAYERS) refuse("nLayer", "n_layer", `1 to ${MAX_LAYERS}`);
  // rotary embedding turns channels in pairs
  if (nRot !== nEmbd / nHead) refuse("nRot", "n_rot", `the head size, ${nEmbd / nHead}`);
  if (nRot % 2 !== 0) refuse("nRot", "n_rot", "an even head size");
}

function fileError(file: GgmlFile, fields: Omit<FormatErrorFields, "file">): GgmlFormatError {
  return new GgmlFormatError({ ...fields, file: file.name });
}
