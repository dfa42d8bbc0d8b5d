// Small damages to an input, made up at random: what a hostile or broken file differs in from a good one.

import type { Random } from "./random.ts";

type Mutation = (input: Uint8Array, random: Random, material: Material) => Uint8Array;

/** What mutations draw from. */
export interface Material {
  /** Inputs that reached something new. */
  readonly corpus: readonly Uint8Array[];
  /** Words of the format. */
  readonly dictionary: readonly Uint8Array[];
  readonly maxBytes: number;
}

/** Numbers at which arithmetic goes wrong, as bits of up to 64. */
const BOUNDARIES: readonly bigint[] = [
  0n,
  1n,
  2n,
  ...[7n, 8n, 15n, 16n, 31n, 32n, 53n, 63n].flatMap((bits) => [2n ** bits - 1n, 2n ** bits, 2n ** bits + 1n]),
  2n ** 64n - 1n,
  2n ** 64n - 2n,
  2n ** 64n - 32n,
];

const flipBit: Mutation = (input, random) => {
  const out = input.slice();
  if (out.length > 0) {
    const at = random.below(out.length);
    out[at] = (out[at] as number) ^ (1 << random.below(8));
  }
  return out;
};

const setByte: Mutation = (input, random) => {
  const out = input.slice();
  if (out.length > 0) out[random.below(out.length)] = random.below(256);
  return out;
};

/** A boundary number of 1, 2, 4 or 8 bytes, or what stands there and a little more or less. */
const setInteger: Mutation = (input, random) => {
  const nBytes = random.pick([1, 2, 4, 4, 8, 8]);
  if (input.length < nBytes) return input;
  const out = input.slice();
  const at = random.below(out.length - nBytes + 1);
  const view = new DataView(out.buffer, at, nBytes);
  let value = random.pick(BOUNDARIES);
  if (random.below(3) === 0) {
    value = BigInt(random.below(33) - 16);
    for (let i = 0; i < nBytes; i++) value += BigInt(view.getUint8(i)) << BigInt(8 * i);
  }
  const isBigEndian = random.below(8) === 0;
  for (let i = 0; i < nBytes; i++) {
    view.setUint8(isBigEndian ? nBytes - 1 - i : i, Number(BigInt.asUintN(8, value >> BigInt(8 * i))));
  }
  return out;
};

const truncate: Mutation = (input, random) => input.slice(0, random.below(input.length + 1));

const remove: Mutation = (input, random) => {
  const [start, end] = span(input, random);
  return concat(input.subarray(0, start), input.subarray(end));
};

const duplicate: Mutation = (input, random) => {
  const [start, end] = span(input, random);
  const copies = random.below(8) === 0 ? 1 + random.below(32) : 1;
  const piece = input.subarray(start, end);
  return concat(input.subarray(0, end), ...Array.from({ length: copies }, () => piece), input.subarray(end));
};

/** A word of the format, put in or written over what stands there. */
const insertWord: Mutation = (input, random, { dictionary }) => {
  if (dictionary.length === 0) return setByte(input, random, { corpus: [], dictionary, maxBytes: 0 });
  const word = random.pick(dictionary);
  const at = random.below(input.length + 1);
  const end = random.below(2) === 0 ? at : Math.min(at + word.length, input.length);
  return concat(input.subarray(0, at), word, input.subarray(end));
};

/** The beginning of one input and the end of another, or a piece of another put in. */
const splice: Mutation = (input, random, { corpus }) => {
  const other = random.pick(corpus);
  const at = random.below(input.length + 1);
  if (random.below(2) === 0) return concat(input.subarray(0, at), other.subarray(random.below(other.length + 1)));
  const [start, end] = span(other, random);
  return concat(input.subarray(0, at), other.subarray(start, end), input.subarray(at));
};

/** Those that keep lengths and offsets as they are come up more often: they reach deeper. */
const MUTATIONS: readonly Mutation[] = [
  flipBit,
  flipBit,
  setByte,
  setByte,
  setInteger,
  setInteger,
  setInteger,
  insertWord,
  insertWord,
  truncate,
  remove,
  duplicate,
  splice,
];

/** One to a few mutations on top of each other. */
export function mutate(input: Uint8Array, random: Random, material: Material): Uint8Array {
  let out = input;
  do out = random.pick(MUTATIONS)(out, random, material);
  while (random.below(2) === 0);
  return out.length > material.maxBytes ? out.slice(0, material.maxBytes) : out;
}

/** Mostly short, sometimes anything. */
function span(input: Uint8Array, random: Random): [start: number, end: number] {
  const start = random.below(input.length + 1);
  const left = input.length - start;
  const length = random.below(4) === 0 ? random.below(left + 1) : Math.min(left, 1 + random.below(32));
  return [start, start + length];
}

function concat(...parts: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}
