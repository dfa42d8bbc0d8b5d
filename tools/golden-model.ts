// A synthetic model that anyone can generate, for which the outputs of build 803 of llama.cpp are recorded: 3,943,776 bytes,
// sha256 2c4cb8a7b7a0d197bad00b220351e5ef22c4ad610478e7559ef32765d88617d9. Its weights are noise and its vocabulary is a toy;
// it exists to test reader, tokenizer, quantisers, forward pass and sampler without any trained weights.
//
// ggjt, version field 1, ftype 1 (f16). It uses none of the project's packages, so that it can judge all of them.

const GGJT_MAGIC = 0x67676a74;
const F32 = 0; // type ids
const F16 = 1;

const N_VOCAB = 512;
const N_EMBD = 256;
const N_MULT = 256;
const N_HEAD = 4;
const N_LAYER = 2;
const N_ROT = 64;
const N_FF = 768;

/** Merged pieces, from id 259 on: the score of piece k is -k. */
const PIECES_TEXT =
  " t|he| a|in|er|on| w|or| the|ll|re| s|ou|ed| b| c|an| o|is| m| f|ing|at| h| an| of|  |wor|ld|ello| wor| world|el|lo";
const PIECES = PIECES_TEXT.split("|"); // (34)

const FIRST_BYTE_ID = 3;
const FIRST_PIECE_ID = FIRST_BYTE_ID + 256;
const FIRST_CHARACTER_ID = FIRST_PIECE_ID + PIECES.length;
const N_CHARACTERS = 95; // 0x20 … 0x7e

interface GoldenTensor {
  readonly name: string;
  readonly ne: readonly number[]; // fastest dimension first, as in the file
  readonly amplitude: number;
}

/** The bytes of the model file; the same on every call. */
export function goldenModelBytes(): Uint8Array {
  const writer = createWriter(4 * 1024 * 1024);
  writer.u32(GGJT_MAGIC, 1, N_VOCAB, N_EMBD, N_MULT, N_HEAD, N_LAYER, N_ROT, F16);
  for (let id = 0; id < N_VOCAB; id++) {
    const text = textOf(id);
    writer.u32(text.length);
    writer.bytes(text);
    writer.f32(scoreOf(id));
  }
  const random = createRandom(1); // one stream over all tensors
  for (const { name, ne, amplitude } of tensors()) {
    const isMatrix = ne.length === 2;
    const bytes = new TextEncoder().encode(name);
    writer.u32(ne.length, bytes.length, isMatrix ? F16 : F32, ...ne);
    writer.bytes(bytes);
    writer.pad(32);
    const count = ne.reduce((product, n) => product * n, 1);
    for (let i = 0; i < count; i++) {
      if (isMatrix) writer.f16(Math.fround(amplitude * random()));
      else writer.f32(1 + amplitude * random());
    }
  }
  return writer.written();
}

function textOf(id: number): Uint8Array {
  const encoder = new TextEncoder();
  if (id === 0) return encoder.encode(" \u2047 "); // unknown
  if (id < FIRST_BYTE_ID) return new Uint8Array(0); // begin and end of text
  if (id < FIRST_PIECE_ID) return Uint8Array.of(id - FIRST_BYTE_ID);
  if (id < FIRST_CHARACTER_ID) return encoder.encode(PIECES[id - FIRST_PIECE_ID]);
  if (id < FIRST_CHARACTER_ID + N_CHARACTERS) return Uint8Array.of(0x20 + id - FIRST_CHARACTER_ID);
  return encoder.encode(` x${id}`);
}

function scoreOf(id: number): number {
  if (id < FIRST_PIECE_ID) return 0;
  if (id < FIRST_CHARACTER_ID) return -(id - FIRST_PIECE_ID); // that of the first piece is -0
  return id < FIRST_CHARACTER_ID + N_CHARACTERS ? -id : -(100000 + id);
}

function tensors(): GoldenTensor[] {
  const list: GoldenTensor[] = [
    { name: "tok_embeddings.weight", ne: [N_EMBD, N_VOCAB], amplitude: 2 },
    { name: "norm.weight", ne: [N_EMBD], amplitude: 0.5 },
    { name: "output.weight", ne: [N_EMBD, N_VOCAB], amplitude: 0.6 },
  ];
  for (let layer = 0; layer < N_LAYER; layer++) {
    const add = (part: string, ne: number[], amplitude: number): void => {
      list.push({ name: `layers.${layer}.${part}.weight`, ne, amplitude });
    };
    for (const part of ["wq", "wk", "wv", "wo"]) add(`attention.${part}`, [N_EMBD, N_EMBD], 0.3);
    add("attention_norm", [N_EMBD], 0.5);
    add("feed_forward.w1", [N_EMBD, N_FF], 0.3);
    add("feed_forward.w2", [N_FF, N_EMBD], 0.2);
    add("feed_forward.w3", [N_EMBD, N_FF], 0.3);
    add("ffn_norm", [N_EMBD], 0.5);
  }
  return list;
}

/** A 32-bit linear congruential generator; each call gives the next number in -0.5 … 0.5. */
function createRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state >>> 8) / 2 ** 24 - 0.5;
  };
}

/** Little-endian numbers, one after the other. */
function createWriter(capacity: number) {
  const all = new Uint8Array(capacity);
  const view = new DataView(all.buffer);
  let offset = 0;
  return {
    u32(...numbers: number[]): void {
      for (const number of numbers) {
        view.setUint32(offset, number, true);
        offset += 4;
      }
    },
    f32(number: number): void {
      view.setFloat32(offset, number, true);
      offset += 4;
    },
    f16(number: number): void {
      view.setFloat16(offset, number, true);
      offset += 2;
    },
    bytes(bytes: Uint8Array): void {
      all.set(bytes, offset);
      offset += bytes.length;
    },
    /** Zeros up to the next multiple of `alignment`. */
    pad(alignment: number): void {
      offset = Math.ceil(offset / alignment) * alignment;
    },
    written: (): Uint8Array => all.subarray(0, offset),
  };
}
