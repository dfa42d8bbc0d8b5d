// The C library's single-precision exponential and logarithms, to the last bit: glibc 2.28 or later on x86-64.
// Method and constants are those of ARM's optimized-routines (table look-up, then a short polynomial in double
// precision, rounded once). Every one of the 2^32 arguments was compared once. Rounding Math.exp, log and log2 instead
// differs in 0.06, 0.5 and 0.4 % of arguments.

// 2^(i/32), i = 0 … 31, each the nearest double: written out because Math.pow may differ between engines
const EXP2_32: Float64Array = /* @__PURE__ */ new Float64Array([
  1,
  1.0218971486541166,
  1.0442737824274138,
  1.0671404006768237,
  1.0905077326652577,
  1.1143867425958924,
  1.1387886347566916,
  1.1637248587775775,
  1.189207115002721,
  1.215247359980469,
  1.241857812073484,
  1.2690509571917332,
  1.2968395546510096,
  1.3252366431597413,
  1.3542555469368927,
  1.383909881963832,
  Math.SQRT2,
  1.4451808069770467,
  1.4768261459394993,
  1.5091644275934228,
  1.5422108254079407,
  1.5759808451078865,
  1.6104903319492543,
  1.645755478153965,
  1.681792830507429,
  1.718619298122478,
  1.7562521603732995,
  1.7947090750031072,
  1.8340080864093424,
  1.8741676341103,
  1.9152065613971474,
  1.9571441241754002,
]);

const INV_LN2_32 = 46.16624130844683; // 32 / ln 2
const INV_LN2_32_HIGH = 46.16624128818512; // its first 29 bits, so that the product with a binary32 is exact
const INV_LN2_32_LOW = 2.026170875524258e-8; // the other 24
const EXP_C0 = 1.6938359250920212e-6; // polynomial of 2^(r/32) − 1 without its constant, highest power first
const EXP_C1 = 0.00023459809789509004;
const EXP_C2 = 0.021660849396613134;
const EXP_MAX = 88.72283172607422; // above this e^x exceeds the largest binary32
const EXP_MIN = -103.97207641601562; // below this e^x is less than half the smallest one
const LOWEST_POWER = -150; // EXP_MIN is -150 · ln 2, EXP_MAX just below 128 · ln 2
const POWERS_OF_TWO: Float64Array = /* @__PURE__ */ powersOfTwo(LOWEST_POWER, 128);
const ROUND_TO_INTEGER = 6755399441055744; // 1.5 · 2^52: adding and subtracting it rounds a double to an integer, ties to even

// log of a mantissa z: a table point c near z, then a polynomial in r = z / c − 1
const LOG_TABLE: Float64Array = /* @__PURE__ */ new Float64Array([
  // (16, 3): 1 / c, ln c, log2 c
  1.398907162146528, -0.33569133332882284, -0.48430022186289673, 1.3403141896637998, -0.2929040563774074,
  -0.42257122959194704, 1.286432210124115, -0.2518726580937369, -0.3633754347673556, 1.2367150214269895,
  -0.21245868807117255, -0.30651309567405577, 1.1906977166711752, -0.17453945183745634, -0.25180720160537634,
  1.1479821020556429, -0.1380057072319758, -0.19910014943794563, 1.1082251448272158, -0.10275976698545139,
  -0.14825100623281615, 1.0711297413057381, -0.06871392447020525, -0.09913323807318392, 1.036437278977283,
  -0.0357891387398228, -0.051632812977629436, 1, 0, 0, 0.9492859795739057, 0.05204517742929496, 0.07508531937943004,
  0.8951049428609004, 0.11081431298787942, 0.15987125980713107, 0.8476821620351103, 0.1652495223695143,
  0.2384046664317681, 0.8050314851692001, 0.21687389031699977, 0.31288288605863257, 0.7664671008843108,
  0.2659635028121397, 0.38370422656453185, 0.731428603316328, 0.3127556664073557, 0.451211048935815,
]);
const LOG_ORIGIN = 0x3f330000; // bits of 0.699…: mantissas are taken from [0.7, 1.4), so that log is accurate around 1
const LOG_A0 = -0.25089342214237154;
const LOG_A1 = 0.333456765744066;
const LOG_A2 = -0.4999997485802103;
const LOG2_B0 = -0.36051725506874704;
const LOG2_B1 = 0.4811247078767291;
const LOG2_B2 = -0.7213476299867769;
const LOG2_B3 = 1.4426950186867042;

const floatView: Float32Array = /* @__PURE__ */ new Float32Array(1);
const bitsView: Int32Array = /* @__PURE__ */ new Int32Array(floatView.buffer);

/** e^x of a binary32 `x`, as glibc's `expf` rounds it. */
export function expf(x: number): number {
  if (!(x <= EXP_MAX)) return x > EXP_MAX ? Number.POSITIVE_INFINITY : Number.NaN;
  if (x < EXP_MIN) return 0;
  // x = (k + r) · ln 2 / 32, |r| ≤ 1/2
  const k = x * INV_LN2_32 + ROUND_TO_INTEGER - ROUND_TO_INTEGER;
  // glibc fuses x · 32 / ln 2 − k; in two exact halves it rounds once, too. Rounding the product first is wrong for 2 of 2^32 x
  const r = x * INV_LN2_32_HIGH - k + x * INV_LN2_32_LOW;
  const polynomial = (EXP_C0 * r + EXP_C1) * (r * r) + (EXP_C2 * r + 1);
  // 2^(k/32), exact: a power of two times a table entry
  const scale = EXP2_32[k & 31]! * POWERS_OF_TWO[(k >> 5) - LOWEST_POWER]!;
  return Math.fround(polynomial * scale);
}

/** 2^(-k/32), k = 0 … 1023, as `expf` multiplies with it. */
const SCALES: Float64Array = /* @__PURE__ */ Float64Array.from(
  { length: 1024 },
  (_, k) => EXP2_32[-k & 31]! * POWERS_OF_TWO[(-k >> 5) - LOWEST_POWER]!,
);
const SCALES_MIN = -22; // e^x of what is above needs no other

/** Sets out[i] to `expf` of xs[i], i < n: three times as fast where 0 ≥ x > -22. Both may be the same array. */
export function expAll(xs: Float32Array, n: number, out: Float32Array): void {
  const scales = SCALES;
  for (let i = 0; i < n; i++) {
    for (; i < n; i++) {
      const x = xs[i]!;
      if (!(x <= 0 && x > SCALES_MIN)) break;
      const k = x * INV_LN2_32 + ROUND_TO_INTEGER - ROUND_TO_INTEGER;
      const r = x * INV_LN2_32_HIGH - k + x * INV_LN2_32_LOW;
      out[i] = ((EXP_C0 * r + EXP_C1) * (r * r) + (EXP_C2 * r + 1)) * scales[-k | 0]!;
    }
    if (i < n) out[i] = expf(xs[i]!);
  }
}

/** Natural logarithm of a binary32 `x`, as glibc's `logf` rounds it: −∞ for 0, NaN below. */
export function logf(x: number): number {
  if (!(x > 0 && x < Number.POSITIVE_INFINITY)) return logOfSpecial(x);
  const bits = normalBits(x);
  const t = (bits - LOG_ORIGIN) | 0;
  const row = 3 * ((t >> 19) & 15);
  const r = mantissa(bits, t) * LOG_TABLE[row]! - 1;
  const base = LOG_TABLE[row + 1]! + (t >> 23) * Math.LN2;
  const r2 = r * r;
  return Math.fround((LOG_A0 * r2 + (LOG_A1 * r + LOG_A2)) * r2 + (base + r));
}

/** Binary logarithm of a binary32 `x`, as glibc's `log2f` rounds it: −∞ for 0, NaN below. */
export function log2f(x: number): number {
  if (!(x > 0 && x < Number.POSITIVE_INFINITY)) return logOfSpecial(x);
  const bits = normalBits(x);
  const t = (bits - LOG_ORIGIN) | 0;
  const row = 3 * ((t >> 19) & 15);
  const r = mantissa(bits, t) * LOG_TABLE[row]! - 1;
  const base = LOG_TABLE[row + 2]! + (t >> 23);
  const r2 = r * r;
  return Math.fround((LOG2_B0 * r2 + (LOG2_B1 * r + LOG2_B2)) * r2 + (LOG2_B3 * r + base));
}

/**
 * x^y of two binary32 numbers: the double power, rounded. Unlike the functions above this is not glibc's own recipe; it
 * gave llama.cpp's values wherever that program calls `powf` (rotary frequencies, mirostat 1).
 */
export function powf(x: number, y: number): number {
  if (x === 1) return 1; // in C even for y = NaN or ±∞, where ECMAScript says NaN
  return Math.fround(x ** y);
}

/** 2^lowest … 2^highest by halving and doubling, which is exact in every engine. */
function powersOfTwo(lowest: number, highest: number): Float64Array {
  const powers = new Float64Array(highest - lowest + 1);
  powers[-lowest] = 1;
  for (let i = -lowest - 1; i >= 0; i--) powers[i] = powers[i + 1]! / 2;
  for (let i = -lowest + 1; i < powers.length; i++) powers[i] = powers[i - 1]! * 2;
  return powers;
}

/** Bits of a positive `x`; those of a subnormal as if its exponent field went below zero. */
function normalBits(x: number): number {
  floatView[0] = x;
  const bits = bitsView[0]!;
  if (bits >= 0x00800000) return bits;
  floatView[0] = x * 2 ** 23;
  return bitsView[0]! - (23 << 23);
}

/** z of x = 2^k · z, where t = bits − LOG_ORIGIN and k = t >> 23. */
function mantissa(bits: number, t: number): number {
  bitsView[0] = bits - (t & 0xff800000);
  return floatView[0]!;
}

function logOfSpecial(x: number): number {
  if (x === 0) return Number.NEGATIVE_INFINITY;
  return x === Number.POSITIVE_INFINITY ? x : Number.NaN;
}
