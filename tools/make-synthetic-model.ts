// Writes a model of a known shape with random weights, for benches: a ggjt v3 file in Q4_0 whose speed and size are those of a
// real one, and whose text is noise. Seeded; a shape and a seed always give the same file. Memory does not grow with the model.
//
//   node --conditions=@ll/source tools/make-synthetic-model.ts 1.1b model.bin [seed]

import { encodeF16 } from "@ll/bytes";
import { createOutFile } from "@ll/bytes/node";
import { createGgmlWriter, ggmlFileBytes, type VocabEntry } from "@ll/ggml-format";
import { configFromGgml, expectedTensors } from "@ll/llama";
import { rowBytes } from "@ll/quant";

interface Shape {
  readonly nEmbd: number;
  readonly nHead: number;
  readonly nLayer: number;
  readonly nMult: number;
  /** The file does not say it: give it to the reader as nKvHeads, or to ll-main as --gqa nHead / nKvHeads. */
  readonly nKvHeads: number;
}

const N_VOCAB = 32000;
const Q4_0_FTYPE = 2;

const SHAPES: ReadonlyMap<string, Shape> = new Map([
  ["small", { nEmbd: 1024, nHead: 16, nLayer: 12, nMult: 256, nKvHeads: 16 }],
  ["1.1b", { nEmbd: 2048, nHead: 32, nLayer: 22, nMult: 256, nKvHeads: 4 }],
  ["7b", { nEmbd: 4096, nHead: 32, nLayer: 32, nMult: 256, nKvHeads: 32 }],
  ["13b", { nEmbd: 5120, nHead: 40, nLayer: 40, nMult: 256, nKvHeads: 40 }],
]);

/** Standard deviation of a uniform integer from -8 to 7. */
const LEVEL_DEVIATION = 4.61;

/** Pieces in which matrices are made: a multiple of every row of the shapes above. */
const PIECE_ROWS = 256;

/** Uniform 32-bit numbers: the xorshift generator with shifts 13, 17, 5 (Marsaglia, 2003). */
function xorshift(seed: number): () => number {
  let state = seed | 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}

/**
 * Rows of Q4_0 blocks, | d: f16 | 16 bytes of nibbles |. Scales are spread as in real files and such that outputs are as large
 * as inputs: subnormal scales would make every kernel slow, large ones would end in infinities.
 */
function* matrixPieces(nRows: number, columns: number, random: () => number): Generator<Uint8Array> {
  const deviation = 1 / (LEVEL_DEVIATION * Math.sqrt(columns));
  const scales = Float32Array.from({ length: 4096 }, () => {
    const size = deviation * (0.6 + (0.8 * random()) / 2 ** 32);
    return random() % 2 === 0 ? size : -size;
  });
  const bits = new Uint16Array(scales.length);
  encodeF16(scales, bits);
  for (let row = 0; row < nRows; row += PIECE_ROWS) {
    const bytes = new Uint8Array(Math.min(PIECE_ROWS, nRows - row) * rowBytes("q4_0", columns));
    const view = new DataView(bytes.buffer);
    for (let block = 0; block < bytes.length; block += 18) {
      view.setUint16(block, bits[random() % bits.length] as number, true);
      for (let i = 2; i < 18; i += 4) view.setUint32(block + i, random(), true);
    }
    yield bytes;
  }
}

/** The control tokens and bytes of LLaMA, then made-up words. */
function vocabulary(): VocabEntry[] {
  const text = (word: string): Uint8Array => new TextEncoder().encode(word);
  return Array.from({ length: N_VOCAB }, (_, id) => {
    if (id < 3) return { text: text(id === 0 ? " \u2047 " : ""), score: 0 };
    if (id < 259) return { text: Uint8Array.of(id - 3), score: 0 };
    return { text: text(` w${id}`), score: -(id - 259) };
  });
}

async function main(shapeName: string | undefined, path: string | undefined, seed: string | undefined): Promise<void> {
  const shape = SHAPES.get(shapeName ?? "");
  if (shape === undefined || path === undefined) {
    throw new Error(`usage: make-synthetic-model.ts ${[...SHAPES.keys()].join("|")} OUT [SEED]`);
  }
  const { nEmbd, nHead, nLayer, nMult, nKvHeads } = shape;
  const hyperParams = { nVocab: N_VOCAB, nEmbd, nMult, nHead, nLayer, nRot: nEmbd / nHead, ftype: Q4_0_FTYPE };
  const shapes = [...expectedTensors(configFromGgml(hyperParams, { nKvHeads }))];
  const tensors = shapes.map(([name, shape]) => ({ name, type: shape.length === 1 ? "f32" : "q4_0", shape }));
  const plan = { version: 3, hyperParams, vocab: vocabulary(), tensors } as const;

  const random = xorshift(Number(seed ?? 1));
  const out = await createOutFile(path, { inputs: [], expectedBytes: ggmlFileBytes(plan) });
  const writer = await createGgmlWriter(out, plan);
  for (const { name, shape } of tensors) {
    const [nRows = 0, columns] = shape;
    const ones = new Uint8Array(new Float32Array(nRows).fill(1).buffer);
    await writer.writeTensor(name, columns === undefined ? [ones] : matrixPieces(nRows, columns, random));
  }
  await writer.finish();
  await out.commit();
}

await main(process.argv[2], process.argv[3], process.argv[4]);
