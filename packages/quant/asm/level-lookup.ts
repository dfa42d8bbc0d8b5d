// From the numbers of levels, which are nibbles, to the levels of MXFP4, IQ4_NL and IQ4_XS: see table-types.ts.

/** Levels 16 at a time. With numbers below 16 the relaxed instruction gives the same on every processor. */
// @ts-ignore: decorator
@inline
export function levelsOf(table: v128, numbers: v128): v128 {
  return ASC_FEATURE_RELAXED_SIMD ? i8x16.relaxed_swizzle(table, numbers) : i8x16.swizzle(table, numbers);
}

/** The levels of 32 bytes of nibbles to `l`: low and high ones, and then their negative parts. */
// @ts-ignore: decorator
@inline
function lookUpFour(withNegative: bool, l: usize, table: v128, negative: v128, a: v128, b: v128, nibble: v128): void {
  const lA = v128.and(a, nibble), lB = v128.and(b, nibble);
  const hA = v128.and(i16x8.shr_u(a, 4), nibble), hB = v128.and(i16x8.shr_u(b, 4), nibble);
  v128.store(l, levelsOf(table, lA));
  v128.store(l, levelsOf(table, lB), 16);
  v128.store(l, levelsOf(table, hA), 32);
  v128.store(l, levelsOf(table, hB), 48);
  if (!withNegative) return;
  v128.store(l, levelsOf(negative, lA), 64);
  v128.store(l, levelsOf(negative, lB), 80);
  v128.store(l, levelsOf(negative, hA), 96);
  v128.store(l, levelsOf(negative, hB), 112);
}

/** The levels of a block of 8 rows at `w` to `l`, each 32 as above. */
// @ts-ignore: decorator
@inline
export function lookUp(withNegative: bool, w: usize, l: usize, table: v128, negative: v128, nibble: v128): void {
  const a0 = v128.load(w, 0), b0 = v128.load(w, 16);
  const a1 = v128.load(w, 32), b1 = v128.load(w, 48);
  const a2 = v128.load(w, 64), b2 = v128.load(w, 80);
  const a3 = v128.load(w, 96), b3 = v128.load(w, 112);
  if (withNegative) {
    lookUpFour(true, l, table, negative, a0, b0, nibble);
    l += 128;
    lookUpFour(true, l, table, negative, a1, b1, nibble);
    l += 128;
    lookUpFour(true, l, table, negative, a2, b2, nibble);
    l += 128;
    lookUpFour(true, l, table, negative, a3, b3, nibble);
  } else {
    lookUpFour(false, l, table, negative, a0, b0, nibble);
    l += 64;
    lookUpFour(false, l, table, negative, a1, b1, nibble);
    l += 64;
    lookUpFour(false, l, table, negative, a2, b2, nibble);
    l += 64;
    lookUpFour(false, l, table, negative, a3, b3, nibble);
  }
}
