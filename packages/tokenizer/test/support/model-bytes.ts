// Writes the bytes of tokenizer.model files, right and wrong ones, field by field.

/** A varint of a value below 2^53, or of a negative int32 (which takes ten bytes). */
export function varint(value: number): number[] {
  let rest = BigInt.asUintN(64, BigInt(value));
  const bytes: number[] = [];
  for (; rest > 0x7fn; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  return [...bytes, Number(rest)];
}

export function tag(field: number, wireType: number): number[] {
  return varint(field * 8 + wireType);
}

export function varintField(field: number, value: number): number[] {
  return [...tag(field, 0), ...varint(value)];
}

export function floatField(field: number, value: number): number[] {
  return [...tag(field, 5), ...new Uint8Array(Float32Array.of(value).buffer)];
}

export function bytesField(field: number, content: string | readonly number[]): number[] {
  const bytes = typeof content === "string" ? [...new TextEncoder().encode(content)] : content;
  return [...tag(field, 2), ...varint(bytes.length), ...bytes];
}

export interface PieceFields {
  readonly text?: string | readonly number[];
  readonly score?: number;
  readonly type?: number;
}

export const TYPE = { normal: 1, unknown: 2, control: 3, userDefined: 4, unused: 5, byte: 6 } as const;

export function pieceField({ text, score, type }: PieceFields): number[] {
  return bytesField(1, [
    ...(text === undefined ? [] : bytesField(1, text)),
    ...(score === undefined ? [] : floatField(2, score)),
    ...(type === undefined ? [] : varintField(3, type)),
  ]);
}

/** `<unk>`, `<s>`, `</s>` and, from id 3 on, the 256 byte pieces. */
export function basePieces(): PieceFields[] {
  return [
    { text: "<unk>", score: 0, type: TYPE.unknown },
    { text: "<s>", score: 0, type: TYPE.control },
    { text: "</s>", score: 0, type: TYPE.control },
    ...Array.from({ length: 256 }, (_, byte) => ({
      text: `<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`,
      score: 0,
      type: TYPE.byte,
    })),
  ];
}

/** A trainer section that says BPE with byte fallback, and more if wanted. */
export function trainerField(...fields: number[][]): number[] {
  return bytesField(2, [...varintField(3, 2), ...varintField(35, 1), ...fields.flat()]);
}

/** A normaliser section: identity, and more if wanted. */
export function normalizerField(...fields: number[][]): number[] {
  return bytesField(3, [...bytesField(1, "identity"), ...fields.flat()]);
}

/** The whole file: pieces, then sections (a BPE trainer section if none is given). */
export function modelBytes(
  pieces: readonly PieceFields[],
  sections: readonly number[][] = [trainerField()],
): Uint8Array {
  return Uint8Array.from([...pieces.flatMap(pieceField), ...sections.flat()]);
}
