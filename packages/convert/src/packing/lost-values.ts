// Values that a type cannot hold, once a quick look has found that there are some; and the error that names their tensor.

import { isFormatError } from "@ll/bytes";
import { blockInfo, checkRows } from "@ll/quant";
import { ConvertError } from "../errors.ts";
import type { LostValues } from "../events.ts";

/** @param values (nValues) */
export function countLost(values: Float32Array, limit: number): LostValues {
  let nan = 0;
  let infinite = 0;
  let tooLarge = 0;
  for (const value of values) {
    const magnitude = Math.abs(value);
    if (magnitude <= limit) continue;
    if (magnitude === Number.POSITIVE_INFINITY) infinite++;
    else if (magnitude > limit) tooLarge++;
    else nan++;
  }
  return { nan, infinite, tooLarge };
}

/** Blocks made of finite values whose scale is infinite all the same. @param packed whole blocks */
export function lostScales(type: string, packed: Uint8Array): LostValues | undefined {
  if (!blockInfo(type).isQuantized) return undefined;
  return firstNonFinite(type, packed) === undefined ? undefined : { nan: 0, infinite: 0, tooLarge: 1 };
}

/** The first value, or scale, that is no number in blocks that are copied. @param bytes whole blocks */
export function lostInCopy(type: string, bytes: Uint8Array): LostValues | undefined {
  const found = firstNonFinite(type, bytes);
  if (found === undefined) return undefined;
  return { nan: found === "NaN" ? 1 : 0, infinite: found === "NaN" ? 0 : 1, tooLarge: 0 };
}

/** The exponent of MXFP4 blocks that stands for no number in the format's specification; this program reads it as 2^127. */
const MXFP4_NAN = 255;
const MXFP4_BYTES = 17;

function firstNonFinite(type: string, bytes: Uint8Array): string | undefined {
  if (type === "mxfp4") {
    for (let o = 0; o < bytes.length; o += MXFP4_BYTES) if (bytes[o] === MXFP4_NAN) return "NaN";
    return undefined;
  }
  try {
    checkRows(type, bytes);
    return undefined;
  } catch (error) {
    if (!isFormatError(error, "E_NUMBER")) throw error;
    return String(error.got);
  }
}

export function addLost(a: LostValues | undefined, b: LostValues | undefined): LostValues | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return { nan: a.nan + b.nan, infinite: a.infinite + b.infinite, tooLarge: a.tooLarge + b.tooLarge };
}

/** The error that refuses them; the caller throws it. */
export function lostError(tensor: string, type: string, { nan, infinite, tooLarge }: LostValues): ConvertError {
  const found = [
    nan > 0 ? `${count(nan, "NaN")} in '${tensor}'` : undefined,
    infinite > 0 ? `${count(infinite, "infinite weight")} in '${tensor}'` : undefined,
    tooLarge > 0
      ? blockInfo(type).isQuantized
        ? `weights of '${tensor}' are beyond what blocks of ${type} can hold`
        : `${count(tooLarge, "weight")} of '${tensor}' ${tooLarge === 1 ? "is" : "are"} beyond ${type}`
      : undefined,
  ].filter((part) => part !== undefined);
  const isDamaged = nan > 0 || infinite > 0;
  return new ConvertError({
    code: "E_NUMBER",
    field: tensor,
    expected: `finite numbers that ${type} can hold`,
    got: nan > 0 ? "NaN" : infinite > 0 ? "Infinity" : "a larger one",
    message: found.join(", "),
    hint: isDamaged
      ? "the weights are damaged: get or make the model again (--allow-nonfinite takes them as they are)"
      : "use --outtype f32, which holds them, or --allow-nonfinite, which makes them infinite",
  });
}

function count(n: number, what: string): string {
  return n === 1 || what === "NaN" ? `${n} ${what}` : `${n} ${what}s`;
}
