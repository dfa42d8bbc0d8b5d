// What a quantiser asks about the values of a block before it chooses a scale.

/** Largest finite binary32 number. */
const FLT_MAX = 3.4028234663852886e38;

/** The value of largest magnitude, with its sign; the first one where several are equal; 0 if all are 0. */
export function largestMagnitude(values: Float32Array, start: number, count: number): number {
  let largest = 0;
  let magnitude = 0;
  for (let i = start; i < start + count; i++) {
    const value = values[i]!;
    if (Math.abs(value) > magnitude) {
      magnitude = Math.abs(value);
      largest = value;
    }
  }
  return largest;
}

export function smallest(values: Float32Array, start: number, count: number): number {
  let min = FLT_MAX;
  for (let i = start; i < start + count; i++) if (values[i]! < min) min = values[i]!;
  return min;
}

export function largest(values: Float32Array, start: number, count: number): number {
  let max = -FLT_MAX;
  for (let i = start; i < start + count; i++) if (values[i]! > max) max = values[i]!;
  return max;
}
