// Sums of today's arithmetic, `lanes`: eight partial sums in binary32, each of the terms whose index is the same modulo 8, added
// as halves are: ((s0 + s4) + (s2 + s6)) + ((s1 + s5) + (s3 + s7)). So vectors of four and of eight numbers give the same sum.

const lanes = new Float32Array(8); // (8)

/** Empties the partial sums. */
function clear(): void {
  for (let lane = 0; lane < 8; lane++) lanes[lane] = 0;
}

function total(): number {
  for (let width = 4; width > 0; width >>= 1) {
    for (let lane = 0; lane < width; lane++) lanes[lane] = lanes[lane]! + lanes[lane + width]!;
  }
  return lanes[0]!;
}

/** Σ of the first `n` numbers. */
export function laneSum(x: Float32Array, n: number = x.length): number {
  clear();
  for (let i = 0; i < n; i++) lanes[i & 7] = lanes[i & 7]! + x[i]!;
  return total();
}

/** Σ a(i) · b(i) over i < n; every product is rounded to binary32. */
export function laneDot(n: number, a: (i: number) => number, b: (i: number) => number): number {
  clear();
  for (let i = 0; i < n; i++) lanes[i & 7] = lanes[i & 7]! + Math.fround(a(i) * b(i));
  return total();
}
