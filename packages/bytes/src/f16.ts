// IEEE binary16 and bfloat16 to and from binary32, exact, round to nearest even.

const floatBits = new Float32Array(1);
const bitsView = new Uint32Array(floatBits.buffer);

let f16Table: Float32Array | undefined; // (65536): value of every binary16 bit pattern

/** The value of a binary16 bit pattern; exact. */
export function f16ToF32(bits: number): number {
  const exponent = (bits >>> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  const magnitude =
    exponent === 0
      ? fraction * 2 ** -24
      : exponent === 0x1f
        ? fraction === 0
          ? Number.POSITIVE_INFINITY
          : Number.NaN
        : (1 + fraction / 1024) * 2 ** (exponent - 15);
  return bits & 0x8000 ? -magnitude : magnitude;
}

/** All 65,536 values of binary16, indexed by bit pattern. Built once, 256 KiB. */
export function f16Values(): Float32Array {
  if (f16Table === undefined) {
    f16Table = new Float32Array(65536);
    for (let bits = 0; bits < 65536; bits++) f16Table[bits] = f16ToF32(bits);
  }
  return f16Table;
}

/** The binary16 bit pattern nearest to `value` taken as binary32: ties to even, overflow to infinity, NaN to 0x7e00. */
export function f32ToF16(value: number): number {
  floatBits[0] = value;
  const bits = bitsView[0] as number;
  const sign = (bits >>> 16) & 0x8000;
  const magnitude = bits & 0x7fffffff;
  if (magnitude >= 0x47800000) return sign | (magnitude > 0x7f800000 ? 0x7e00 : 0x7c00); // ≥ 2^16, infinity or NaN
  if (magnitude >= 0x38800000) {
    // normal: rebias the exponent by 112, round 13 bits away; a carry moves into the exponent as it should
    return sign | ((magnitude - 0x38000000 + 0xfff + ((magnitude >>> 13) & 1)) >>> 13);
  }
  // subnormal: adding 0.5 puts the unit of binary16 subnormals (2^-24) at the last bit of a binary32 and rounds to even
  floatBits[0] = Math.abs(value) + 0.5;
  return sign | ((bitsView[0] as number) - 0x3f000000);
}

/** Decodes `source` (n bit patterns) into `target` (n values). */
export function decodeF16(source: Uint16Array, target: Float32Array): Float32Array {
  const table = f16Values();
  for (let i = 0; i < source.length; i++) target[i] = table[source[i] as number] as number;
  return target;
}

/** Encodes `source` (n values) into `target` (n bit patterns). */
export function encodeF16(source: Float32Array, target: Uint16Array): Uint16Array {
  for (let i = 0; i < source.length; i++) target[i] = f32ToF16(source[i] as number);
  return target;
}

/** Decodes bfloat16 (the upper half of a binary32) from `source` (n bit patterns) into `target` (n values); exact. */
export function decodeBf16(source: Uint16Array, target: Float32Array): Float32Array {
  const bits = new Uint32Array(target.buffer, target.byteOffset, source.length);
  for (let i = 0; i < source.length; i++) bits[i] = ((source[i] as number) << 16) >>> 0;
  return target;
}
