// Which types the weights of a model are of, and how many.

/** Tensors of one type together. */
export interface TypeShare {
  readonly type: string;
  readonly tensors: number;
  readonly weights: number;
  readonly bytes: number;
}

/** The types of a model's tensors, the one with most bytes first. */
export function typeMix(
  tensors: Iterable<{ readonly type: string; readonly shape: readonly number[]; readonly byteLength: number }>,
): TypeShare[] {
  const shares = new Map<string, TypeShare>();
  for (const { type, shape, byteLength } of tensors) {
    const before = shares.get(type) ?? { type, tensors: 0, weights: 0, bytes: 0 };
    shares.set(type, {
      type,
      tensors: before.tensors + 1,
      weights: before.weights + shape.reduce((product, size) => product * size, 1),
      bytes: before.bytes + byteLength,
    });
  }
  return [...shares.values()].sort((a, b) => b.bytes - a.bytes);
}
