// A ggjt file with the tensors of a LLaMA model and weights like real ones: bell-shaped, the same on every run.

import { encodeF16 } from "@ll/bytes";
import { createOutFile } from "@ll/bytes/node";
import { createGgmlWriter, type GgmlPlan, ggmlFileBytes, llamaTensorShapes } from "@ll/ggml-format";

export interface ModelShape {
  readonly nEmbd: number;
  readonly nLayers: number;
}

const N_VOCAB = 32000;
const N_MULT = 256;
const FTYPES = { f32: 0, f16: 1 } as const;
const TABLE = 65536;
const PIECE_VALUES = 2 ** 20;

/** Writes the file at `path` with matrices of `type`. @returns its size in bytes */
export async function writeSyntheticModel(
  path: string,
  { nEmbd, nLayers }: ModelShape,
  type: "f16" | "f32",
): Promise<number> {
  const nHead = nEmbd / 64;
  const hyperParams = { nVocab: N_VOCAB, nEmbd, nMult: N_MULT, nHead, nLayer: nLayers, nRot: 64, ftype: FTYPES[type] };
  const plan: GgmlPlan = {
    version: 3,
    hyperParams,
    vocab: Array.from({ length: N_VOCAB }, (_, id) => ({ text: new TextEncoder().encode(` w${id}`), score: -id })),
    tensors: Array.from(llamaTensorShapes(hyperParams), ({ name, shape }) => ({
      name,
      shape,
      type: shape.length === 1 ? "f32" : type,
    })),
  };
  const random = xorshift(803);
  const table = bellTable(random);
  const out = await createOutFile(path, { expectedBytes: ggmlFileBytes(plan) });
  const writer = await createGgmlWriter(out, plan);
  for (const { name, shape, type: tensorType } of plan.tensors) {
    const nValues = shape.reduce((product, size) => product * size, 1);
    await writer.writeTensor(name, pieces(nValues, tensorType, table, random));
  }
  await writer.finish();
  await out.commit();
  return out.bytesWritten;
}

function* pieces(nValues: number, type: string, table: Float32Array, random: () => number): Generator<Uint8Array> {
  const halves = encodeF16(table, new Uint16Array(TABLE)); // (TABLE)
  const source = type === "f16" ? halves : table;
  const piece = type === "f16" ? new Uint16Array(PIECE_VALUES) : new Float32Array(PIECE_VALUES); // (PIECE_VALUES)
  for (let left = nValues; left > 0; left -= piece.length) {
    const values = piece.subarray(0, Math.min(left, piece.length));
    for (let i = 0; i < values.length; i++) values[i] = source[random() & (TABLE - 1)] as number;
    yield new Uint8Array(values.buffer, 0, values.byteLength);
  }
}

/** (TABLE) sums of uniform numbers, with the spread of the weights of LLaMA 7B. */
function bellTable(random: () => number): Float32Array {
  const uniform = (): number => random() / 2 ** 32 - 0.5;
  return Float32Array.from({ length: TABLE }, () => 0.04 * (uniform() + uniform() + uniform()));
}

/** Uniform 32-bit numbers: the xorshift generator with shifts 13, 17, 5 (Marsaglia, 2003). */
function xorshift(seed: number): () => number {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}
