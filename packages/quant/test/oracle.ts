// A second reading of the block layouts and summation orders: value by value, slowly, with exact integers. It shares no code
// with the package, so that the two can judge each other.

const f = Math.fround;

/** What one block holds, in numbers. */
export interface BlockReader {
  readonly blockValues: number;
  readonly blockBytes: number;
  /** Integer level of value `i`, with its offset taken off. */
  level(b: Uint8Array, i: number): number;
  /** Integer scale of value `i`; 1 where there is none. */
  scale(b: Uint8Array, i: number): number;
  /** Integer minimum of value `i`; 0 where there is none. */
  min(b: Uint8Array, i: number): number;
  d(b: Uint8Array): number;
  /** Factor of the minimums; for q4_1 and q5_1 the negated minimum itself. */
  dmin(b: Uint8Array): number;
}

const view = (b: Uint8Array): DataView => new DataView(b.buffer, b.byteOffset, b.byteLength);
const f16At = (b: Uint8Array, offset: number): number => view(b).getFloat16(offset, true);
const f32At = (b: Uint8Array, offset: number): number => view(b).getFloat32(offset, true);
const i8At = (b: Uint8Array, offset: number): number => view(b).getInt8(offset);
const bit = (b: Uint8Array, start: number, n: number): number => (b[start + Math.floor(n / 8)]! >> (n % 8)) & 1;
const nibble = (b: Uint8Array, offset: number, high: boolean): number => (high ? b[offset]! >> 4 : b[offset]! % 16);
const one = (): number => 1;
const none = (): number => 0;

/** Nibble of value `i` of 32. */
const nibble32 = (b: Uint8Array, start: number, i: number): number => nibble(b, start + (i % 16), i >= 16);
/** Nibble of value `i` of 256 in the arrangement of Q4_K. */
const nibble256 = (b: Uint8Array, start: number, i: number): number =>
  nibble(b, start + 32 * Math.floor(i / 64) + (i % 32), i % 64 >= 32);
/** Pair of bits of value `i` of 256. */
const pair256 = (b: Uint8Array, start: number, i: number): number =>
  Math.floor(b[start + 32 * Math.floor(i / 128) + (i % 32)]! / 4 ** (Math.floor(i / 32) % 4)) % 4;

/** 6-bit scale and minimum number `j` of Q4_K and Q5_K, from their 12 bytes. */
function sixBits(b: Uint8Array, start: number, j: number): [scale: number, min: number] {
  const s = (n: number): number => b[start + n]!;
  if (j < 4) return [s(j) % 64, s(j + 4) % 64];
  return [(s(j + 4) % 16) + 16 * (s(j - 4) >> 6), (s(j + 4) >> 4) + 16 * (s(j) >> 6)];
}

function reader(blockValues: number, blockBytes: number, parts: Partial<BlockReader>): BlockReader {
  return { blockValues, blockBytes, level: none, scale: one, min: none, d: (b) => f16At(b, 0), dmin: none, ...parts };
}

const affine = {
  scale: (b: Uint8Array, i: number) => sixBits(b, 4, Math.floor(i / 32))[0],
  min: (b: Uint8Array, i: number) => sixBits(b, 4, Math.floor(i / 32))[1],
  dmin: (b: Uint8Array) => f16At(b, 2),
};

export const READERS: ReadonlyMap<string, BlockReader> = new Map([
  ["q4_0", reader(32, 18, { level: (b, i) => nibble32(b, 2, i) - 8 })],
  ["q4_1", reader(32, 20, { level: (b, i) => nibble32(b, 4, i), min: one, dmin: (b) => -f16At(b, 2) })],
  ["q5_0", reader(32, 22, { level: (b, i) => nibble32(b, 6, i) + 16 * bit(b, 2, i) - 16 })],
  [
    "q5_1",
    reader(32, 24, { level: (b, i) => nibble32(b, 8, i) + 16 * bit(b, 4, i), min: one, dmin: (b) => -f16At(b, 2) }),
  ],
  ["q8_0", reader(32, 34, { level: (b, i) => i8At(b, 2 + i) })],
  ["q8_1", reader(32, 40, { level: (b, i) => i8At(b, 8 + i), d: (b) => f32At(b, 0) })],
  [
    "q2_K",
    reader(256, 84, {
      level: (b, i) => pair256(b, 16, i),
      scale: (b, i) => nibble(b, Math.floor(i / 16), false),
      min: (b, i) => nibble(b, Math.floor(i / 16), true),
      d: (b) => f16At(b, 80),
      dmin: (b) => f16At(b, 82),
    }),
  ],
  [
    "q3_K",
    reader(256, 110, {
      level: (b, i) => pair256(b, 32, i) - (bit(b, i % 32, Math.floor(i / 32)) === 1 ? 0 : 4),
      scale: (b, i) => {
        const j = Math.floor(i / 16);
        const high = Math.floor(b[104 + (j % 4)]! / 4 ** Math.floor(j / 4)) % 4;
        return nibble(b, 96 + (j % 8), j >= 8) + 16 * high - 32;
      },
      d: (b) => f16At(b, 108),
    }),
  ],
  ["q4_K", reader(256, 144, { ...affine, level: (b, i) => nibble256(b, 16, i) })],
  [
    "q5_K",
    reader(256, 176, {
      ...affine,
      level: (b, i) => nibble256(b, 48, i) + 16 * bit(b, 16 + (i % 32), Math.floor(i / 32)),
    }),
  ],
  [
    "q6_K",
    reader(256, 210, {
      level: (b, i) => {
        const low = nibble(b, 64 * Math.floor(i / 128) + (i % 64), i % 128 >= 64);
        return low + 16 * pair256(b, 128, i) - 32;
      },
      scale: (b, i) => i8At(b, 192 + Math.floor(i / 16)),
      d: (b) => f16At(b, 208),
    }),
  ],
  ["q8_K", reader(256, 292, { level: (b, i) => i8At(b, 4 + i), d: (b) => f32At(b, 0) })],
]);

/** Blocks of a row. */
export function blocksOf(type: string, bytes: Uint8Array): Uint8Array[] {
  const { blockBytes } = READERS.get(type)!;
  return Array.from({ length: bytes.length / blockBytes }, (_, n) =>
    bytes.subarray(n * blockBytes, (n + 1) * blockBytes),
  );
}

/** The values that a row means. */
export function oracleValues(type: string, bytes: Uint8Array): number[] {
  const r = READERS.get(type)!;
  return blocksOf(type, bytes).flatMap((b) =>
    Array.from({ length: r.blockValues }, (_, i) =>
      f(f(f(r.d(b) * r.scale(b, i)) * r.level(b, i)) - f(r.dmin(b) * r.min(b, i))),
    ),
  );
}

/** Exact Σ of `term(i)` over the values `i` of a block for which `where(i)` holds. */
function exactSum(
  blockValues: number,
  term: (i: number) => number,
  where: (i: number) => boolean = () => true,
): number {
  let sum = 0n;
  for (let i = 0; i < blockValues; i++) if (where(i)) sum += BigInt(term(i));
  return Number(sum);
}

const ACTIVATION_OF = new Map([
  ["q4_0", "q8_0"],
  ["q5_0", "q8_0"],
  ["q8_0", "q8_0"],
  ["q4_1", "q8_1"],
  ["q5_1", "q8_1"],
]);

/** The dot product of a row with a packed activation row, for the quantised types. */
export function oracleDot(type: string, weights: Uint8Array, activations: Uint8Array): number {
  const r = READERS.get(type)!;
  const partner = ACTIVATION_OF.get(type) ?? "q8_K";
  const a = READERS.get(partner)!;
  const xs = blocksOf(type, weights);
  const ys = blocksOf(partner, activations);
  const levels = (n: number, where?: (i: number) => boolean): number =>
    exactSum(r.blockValues, (i) => r.scale(xs[n]!, i) * r.level(xs[n]!, i) * a.level(ys[n]!, i), where);
  const mins = (n: number): number => exactSum(r.blockValues, (i) => r.min(xs[n]!, i) * a.level(ys[n]!, i));

  let sum = 0;
  const lanes = new Array<number>(8).fill(0);
  for (const [n, x] of xs.entries()) {
    const y = ys[n]!;
    const dx = r.d(x);
    const dy = a.d(y);
    if (type === "q4_0") sum = f(sum + f(f(levels(n) * dx) * dy));
    else if (partner === "q8_0") sum = f(sum + f(f(dx * dy) * levels(n)));
    else if (partner === "q8_1") sum = f(sum + f(f(f(dx * dy) * levels(n)) + f(-r.dmin(x) * f32At(y, 4))));
    else if (type === "q2_K") sum = f(sum + f(f(f(dy * dx) * levels(n)) - f(f(dy * r.dmin(x)) * mins(n))));
    else {
      for (let l = 0; l < 8; l++) lanes[l] = f(lanes[l]! + f(f(dx * dy) * levels(n, (i) => i % 8 === l)));
      sum = f(sum - f(f(r.dmin(x) * dy) * mins(n)));
    }
  }
  for (const lane of lanes) sum = f(sum + lane);
  return sum;
}
