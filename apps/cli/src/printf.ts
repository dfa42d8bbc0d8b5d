// Numbers as C's printf writes them, where the output of llama.cpp build 803 is reproduced to the byte.

/** `%WIDTH.DIGITSf` */
export function fixed(value: number, width: number, digits: number): string {
  return halfEven(value, digits).padStart(width);
}

/** `%WIDTHd`, also for `%WIDTHu` and `%WIDTHzu` */
export function integer(value: number, width: number): string {
  return String(value).padStart(width);
}

/**
 * glibc rounds the exact binary value, ties to even (0.125 → "0.12"); `toFixed` rounds the exact value too, but ties up.
 * A double lies exactly between two decimals of `digits` places only if it is an odd multiple of 2^-(digits + 1).
 */
function halfEven(value: number, digits: number): string {
  const odd = Math.abs(value) * 2 ** (digits + 1);
  if (odd % 2 !== 1) return value.toFixed(digits);
  const scale = 10 ** digits;
  const below = Math.floor(Math.abs(value) * scale); // exact: such a value has few bits
  const even = below % 2 === 0 ? below : below + 1;
  return (Math.sign(value) * (even / scale)).toFixed(digits);
}

/** `%.DIGITSe`: at least two digits of exponent. */
export function scientific(value: number, digits: number): string {
  return value.toExponential(digits).replace(/e([+-])(\d)$/, "e$10$2");
}

/** `%g`: six significant digits without trailing zeros; with an exponent below 1e-4 and from 1e6 on. */
export function general(value: number): string {
  const [mantissa = "", exponent = ""] = scientific(value, 5).split("e");
  const power = Number(exponent);
  const withoutZeros = (text: string): string => (text.includes(".") ? text.replace(/\.?0+$/, "") : text);
  if (power < -4 || power >= 6) return `${withoutZeros(mantissa)}e${exponent}`;
  return withoutZeros(value.toFixed(5 - power));
}
