// Checks of arguments by what they are, not by whose class they have: an array of an iframe, of node:vm, of Jest or of Electron has
// classes of its own, and is as good as any.

/** True for a Uint8Array of any realm, a Buffer among them. */
export function isBytes(value: unknown): value is Uint8Array {
  return isTypedArray(value, "Uint8Array");
}

/** True for a typed array of that name, of any realm. */
export function isTypedArray(value: unknown, name: "Uint8Array" | "Float32Array"): boolean {
  return (
    ArrayBuffer.isView(value) && (value as { readonly [Symbol.toStringTag]?: string })[Symbol.toStringTag] === name
  );
}

/** True for an ArrayBuffer or SharedArrayBuffer of any realm. */
export function isBuffer(value: unknown): value is ArrayBuffer {
  return /^\[object (?:Shared)?ArrayBuffer\]$/.test(Object.prototype.toString.call(value));
}

/** True for an Error of any realm. */
export function isError(value: unknown): value is Error {
  return value instanceof Error || Object.prototype.toString.call(value) === "[object Error]";
}

/** What a value is, for a message that says what was expected instead; never the value itself. */
export function kindOf(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (typeof value === "number" || typeof value === "boolean") return `${typeof value} ${value}`;
  if (typeof value !== "object") return `a ${typeof value}`;
  if (typeof (value as { readonly then?: unknown }).then === "function") return "a promise (await it)";
  return Object.prototype.toString.call(value) === "[object Object]"
    ? (value.constructor?.name ?? "an object")
    : Object.prototype.toString.call(value).slice(8, -1);
}
