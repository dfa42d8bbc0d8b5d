// The seven numbers after magic and version, each an unsigned 32-bit integer.

import type { BoundedReader } from "@ll/bytes";
import type { Container } from "./container.ts";

export interface HyperParams {
  /** Entries of the vocabulary section. */
  readonly nVocab: number;
  /** Width of the residual stream. */
  readonly nEmbd: number;
  /** The feed-forward width is a multiple of this. */
  readonly nMult: number;
  readonly nHead: number;
  readonly nLayer: number;
  /** Rotated channels per head: always the head size. */
  readonly nRot: number;
  /** What most tensors are stored as; see `ftypeLabel`. */
  readonly ftype: number;
}

/** Names on the wire and ours, in file order. */
export const HYPER_PARAM_NAMES: readonly (readonly [wire: string, name: keyof HyperParams])[] = [
  ["n_vocab", "nVocab"],
  ["n_embd", "nEmbd"],
  ["n_mult", "nMult"],
  ["n_head", "nHead"],
  ["n_layer", "nLayer"],
  ["n_rot", "nRot"],
  ["ftype", "ftype"],
];

export const HYPER_PARAM_BYTES = 28;

/** Reads them as they are: whether they describe a model is asked when weights are wanted. @throws GgmlFormatError `E_TRUNC` */
export async function readHyperParams(reader: BoundedReader): Promise<HyperParams> {
  const values = new Map<keyof HyperParams, number>();
  for (const [wire, name] of HYPER_PARAM_NAMES) values.set(name, await reader.u32(wire));
  return Object.fromEntries(values) as unknown as HyperParams;
}

/** Writes them at `offset` of `view`. @throws RangeError for a value that is no unsigned 32-bit integer. */
export function setHyperParams(view: DataView, offset: number, hyperParams: HyperParams): void {
  HYPER_PARAM_NAMES.forEach(([, name], index) => {
    const value = hyperParams[name];
    if (value !== value >>> 0) throw new RangeError(`"${name}" expected an unsigned 32-bit integer, got ${value}`);
    view.setUint32(offset + 4 * index, value, true);
  });
}

/** Where the file holds a hyper-parameter, in bytes from its start. */
export function hyperParamOffset(container: Container, name: keyof HyperParams): number {
  const start = container.magic === "ggml" ? 4 : 8;
  return start + 4 * HYPER_PARAM_NAMES.findIndex(([, own]) => own === name);
}
