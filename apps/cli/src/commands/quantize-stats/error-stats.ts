// What packing did to values, added up piece by piece.

/** Mantissa bits that a bucket of the distribution keeps: 16 buckets an octave, so a quantile is known to 6 %. */
const MANTISSA_BITS = 4;
const BUCKET_SHIFT: number = 23 - MANTISSA_BITS;
const N_BUCKETS: number = 2 ** (8 + MANTISSA_BITS);

/** Errors of one tensor, or of several together, under one type. */
export interface ErrorStats {
  /** Values counted. */
  readonly n: number;
  /** Root of the mean squared error. */
  readonly rmse: number;
  /** Root of the mean squared value, to hold `rmse` against. */
  readonly rms: number;
  readonly maxError: number;
  /** Half of all errors are below. */
  readonly median: number;
  /** 95 of 100 errors are below. */
  readonly p95: number;
  /** Values that come back as they were. */
  readonly exact: number;
  /** How many of the other errors are below each power of two, and not below the one before. */
  readonly octaves: readonly { readonly below: number; readonly count: number }[];
  /** How often each of the 16 bins of levels occurs; undefined for types without such bins. */
  readonly levels: readonly number[] | undefined;
}

export interface ErrorSum {
  /** Adds values, what they unpack to, and the levels they were packed to; (n), (n), (16). */
  add(values: Float32Array, unpacked: Float32Array, levels: Float64Array): void;
  /** Adds what another sum counted. */
  merge(other: ErrorSum): void;
  stats(): ErrorStats;
  /** For `merge`. */
  readonly counted: Counted;
}

interface Counted {
  n: number;
  squares: number;
  valueSquares: number;
  maxError: number;
  readonly buckets: Float64Array; // (N_BUCKETS): errors by the first 12 bits of their binary32, without the sign
  readonly levels: Float64Array; // (16)
}

export function createErrorSum(): ErrorSum {
  const counted: Counted = {
    n: 0,
    squares: 0,
    valueSquares: 0,
    maxError: 0,
    buckets: new Float64Array(N_BUCKETS),
    levels: new Float64Array(16),
  };
  const float = new Float32Array(1);
  const bits = new Uint32Array(float.buffer);
  return {
    counted,
    add(values, unpacked, levels) {
      const { buckets } = counted;
      for (let i = 0; i < values.length; i++) {
        const value = values[i] as number;
        const error = Math.abs(value - (unpacked[i] as number));
        counted.squares += error * error;
        counted.valueSquares += value * value;
        if (error > counted.maxError) counted.maxError = error;
        float[0] = error;
        const bucket = (bits[0] as number) >>> BUCKET_SHIFT;
        buckets[bucket] = (buckets[bucket] as number) + 1;
      }
      counted.n += values.length;
      addTo(counted.levels, levels);
    },
    merge({ counted: other }) {
      counted.n += other.n;
      counted.squares += other.squares;
      counted.valueSquares += other.valueSquares;
      counted.maxError = Math.max(counted.maxError, other.maxError);
      addTo(counted.buckets, other.buckets);
      addTo(counted.levels, other.levels);
    },
    stats: () => statsOf(counted),
  };
}

function statsOf({ n, squares, valueSquares, maxError, buckets, levels }: Counted): ErrorStats {
  return {
    n,
    rmse: Math.sqrt(squares / n),
    rms: Math.sqrt(valueSquares / n),
    maxError,
    median: quantile(buckets, 0.5),
    p95: quantile(buckets, 0.95),
    exact: buckets[0] as number,
    octaves: octaves(buckets),
    levels: levels.some((count) => count > 0) ? Array.from(levels) : undefined,
  };
}

/** Upper edge of the bucket below which `share` of all errors lie; 0 if they are all zero. */
function quantile(buckets: Float64Array, share: number): number {
  const total = buckets.reduce((sum, count) => sum + count, 0);
  let sum = 0;
  for (let bucket = 0; bucket < buckets.length; bucket++) {
    sum += buckets[bucket] as number;
    if (sum >= share * total) return bucket === 0 ? 0 : lowerEdge(bucket + 1);
  }
  return 0;
}

/** From the smallest octave with an error in it to the largest. The very first bucket holds the zeros. */
function octaves(buckets: Float64Array): { below: number; count: number }[] {
  const size = 2 ** MANTISSA_BITS;
  const counts: { below: number; count: number }[] = [];
  for (let first = 0; first < buckets.length; first += size) {
    const errors = buckets.subarray(Math.max(1, first), first + size);
    counts.push({ below: lowerEdge(first + size), count: errors.reduce((sum, one) => sum + one, 0) });
  }
  const occupied = counts.map(({ count }) => count > 0);
  return counts.slice(Math.max(0, occupied.indexOf(true)), occupied.lastIndexOf(true) + 1);
}

/** Smallest number of a bucket. */
function lowerEdge(bucket: number): number {
  return new Float32Array(Uint32Array.of(bucket << BUCKET_SHIFT).buffer)[0] as number;
}

function addTo(sums: Float64Array, more: Float64Array): void {
  for (let i = 0; i < sums.length; i++) sums[i] = (sums[i] as number) + (more[i] as number);
}
