// Checks of arguments. NaN is the enemy: it passes every comparison written the wrong way round.

/** Returns `value` if it is an integer in [low, high]. @throws RangeError otherwise. */
export function checkInteger(name: string, value: number, low: number, high: number): number {
  if (Number.isInteger(value) && value >= low && value <= high) return value;
  throw new RangeError(`"${name}" expected integer in [${low}, ${high}], got ${show(value)}`);
}

/**
 * Returns `value` rounded to binary32 if it is any number but NaN; `useful` says which numbers make sense.
 * @throws RangeError otherwise.
 */
export function checkNumber(name: string, value: number, useful: string): number {
  if (typeof value === "number" && !Number.isNaN(value)) return Math.fround(value);
  throw new RangeError(`"${name}" expected ${useful}, got ${show(value)}`);
}

/** The binary32 that is nearest to `value` and not infinite: 0 · ∞ and ∞ / ∞ are no numbers. */
export function finite(value: number): number {
  return Math.min(Math.max(value, -LARGEST), LARGEST);
}

const LARGEST = (2 - 2 ** -23) * 2 ** 127;

/** How many candidates a stage must keep: 1 if it does not say. @throws RangeError for less than one. */
export function checkMinKeep(stage: { readonly kind: string; readonly minKeep?: number | undefined }): number {
  return checkInteger(`${stage.kind}: minKeep`, stage.minKeep ?? 1, 1, 2 ** 31 - 1);
}

/** True for what can be an id; a history may hold anything. */
export function isId(value: number, nVocab: number): boolean {
  return value >= 0 && value < nVocab && Number.isInteger(value);
}

/** A value in an error message; callers without types may pass anything, also objects that cannot become a string. */
export function show(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value.slice(0, 40));
  if (Array.isArray(value)) return "an array";
  return (typeof value === "object" && value !== null) || typeof value === "function" ? "an object" : String(value);
}
