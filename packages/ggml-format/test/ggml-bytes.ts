// Builds model files byte by byte, also impossible ones; shares no code with the package.

export interface RawToken {
  readonly text: Uint8Array | string;
  readonly score?: number;
  /** Declared length, if it is a lie. */
  readonly len?: number;
}

export interface RawTensor {
  readonly name: Uint8Array | string;
  readonly type?: number;
  /** Row length first. */
  readonly ne: readonly number[];
  readonly data?: Uint8Array;
  readonly nDims?: number;
  readonly nameLen?: number;
  /** Value of the padding bytes. */
  readonly pad?: number;
}

export interface RawFile {
  readonly magic?: number;
  readonly version?: number;
  /** n_vocab, n_embd, n_mult, n_head, n_layer, n_rot, ftype; n_vocab follows `vocab` if undefined. */
  readonly hyper?: readonly (number | undefined)[];
  readonly vocab?: readonly RawToken[];
  readonly tensors?: readonly RawTensor[];
  readonly tail?: Uint8Array;
}

export const MAGIC = { ggml: 0x67676d6c, ggmf: 0x67676d66, ggjt: 0x67676a74 } as const;

const BYTES_OF: Record<number, [values: number, bytes: number]> = {
  0: [1, 4],
  1: [1, 2],
  2: [32, 18],
  3: [32, 20],
  6: [32, 22],
  7: [32, 24],
  8: [32, 34],
  10: [256, 84],
  11: [256, 110],
  12: [256, 144],
  13: [256, 176],
  14: [256, 210],
};

export function u32(...values: number[]): Uint8Array {
  const bytes = new Uint8Array(4 * values.length);
  const view = new DataView(bytes.buffer);
  values.forEach((value, index) => {
    view.setUint32(4 * index, value, true);
  });
  return bytes;
}

export function f32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setFloat32(0, value, true);
  return bytes;
}

export function concat(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    all.set(part, offset);
    offset += part.length;
  }
  return all;
}

export function utf8(text: Uint8Array | string): Uint8Array {
  return typeof text === "string" ? new TextEncoder().encode(text) : text;
}

/** Bytes that are never zero and differ from tensor to tensor. */
export function pattern(length: number, seed: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => ((i * 7 + seed * 31) % 250) + 3);
}

export function dataBytes(type: number, ne: readonly number[]): number {
  const [values, bytes] = BYTES_OF[type] ?? [1, 4];
  return (ne.reduce((product, size) => product * size, 1) / values) * bytes;
}

export function ggmlBytes(file: RawFile): Uint8Array {
  const magic = file.magic ?? MAGIC.ggjt;
  const vocab = file.vocab ?? [{ text: "a" }];
  const hyper = file.hyper ?? [undefined, 0, 0, 1, 0, 0, 0];
  const parts = [u32(magic), ...(magic === MAGIC.ggml ? [] : [u32(file.version ?? (magic === MAGIC.ggmf ? 1 : 3))])];
  parts.push(u32(...hyper.map((value, index) => value ?? (index === 0 ? vocab.length : 0))));
  for (const { text, score, len } of vocab) {
    const bytes = utf8(text);
    parts.push(u32(len ?? bytes.length), bytes);
    if (magic !== MAGIC.ggml) parts.push(f32(score ?? 0));
  }
  let length = parts.reduce((sum, part) => sum + part.length, 0);
  (file.tensors ?? []).forEach((tensor, index) => {
    const name = utf8(tensor.name);
    const type = tensor.type ?? 0;
    const record = concat([
      u32(tensor.nDims ?? tensor.ne.length, tensor.nameLen ?? name.length, type, ...tensor.ne),
      name,
    ]);
    const padLength = magic === MAGIC.ggjt ? (32 - ((length + record.length) % 32)) % 32 : 0;
    const data = tensor.data ?? pattern(dataBytes(type, tensor.ne), index);
    parts.push(record, new Uint8Array(padLength).fill(tensor.pad ?? 0), data);
    length += record.length + padLength + data.length;
  });
  if (file.tail !== undefined) parts.push(file.tail);
  return concat(parts);
}

/** A LLaMA of one layer: 8 wide, 2 heads, feed-forward 24 wide, five tokens. */
export const SMALL_HYPER = [5, 8, 8, 2, 1, 4, 0] as const;

export const SMALL_VOCAB: readonly RawToken[] = [
  { text: " \u2047 ", score: 0 },
  { text: "", score: 0 },
  { text: "", score: -0 },
  { text: Uint8Array.of(0x80), score: 0 },
  { text: " the", score: -3.5 },
];

/** In the order that build 803's converter writes. `matrixType` is the type id of the tensors with two dimensions. */
export function smallTensors(matrixType = 0): RawTensor[] {
  const matrix = (name: string, rows: number, columns: number): RawTensor => ({
    name,
    type: matrixType,
    ne: [columns, rows],
  });
  return [
    matrix("tok_embeddings.weight", 5, 8),
    { name: "norm.weight", ne: [8] },
    matrix("output.weight", 5, 8),
    matrix("layers.0.attention.wq.weight", 8, 8),
    matrix("layers.0.attention.wk.weight", 8, 8),
    matrix("layers.0.attention.wv.weight", 8, 8),
    matrix("layers.0.attention.wo.weight", 8, 8),
    { name: "layers.0.attention_norm.weight", ne: [8] },
    matrix("layers.0.feed_forward.w1.weight", 24, 8),
    matrix("layers.0.feed_forward.w2.weight", 8, 24),
    matrix("layers.0.feed_forward.w3.weight", 24, 8),
    { name: "layers.0.ffn_norm.weight", ne: [8] },
  ];
}

/** A complete small model, ggjt v3, f32: 5 KiB. */
export function smallModel(changes: RawFile = {}): Uint8Array {
  return ggmlBytes({ hyper: SMALL_HYPER, vocab: SMALL_VOCAB, tensors: smallTensors(), ...changes });
}
