// A tensor read as binary32 or binary16, converted piece by piece. Every value becomes a binary32 first and is then rounded
// to nearest even, as numpy does for the types of LLaMA checkpoints; overflow gives infinity, a NaN becomes the quiet NaN.

import { decodeBf16, decodeF16, encodeF16, type SourceTensor } from "@ll/bytes";
import { elementBytes } from "./source-tensor.ts";
import { unitTensor } from "./unit-tensor.ts";

export type CastType = "f32" | "f16";

type Decoder = (source: ArrayBuffer, n: number) => Float32Array;

/** Little-endian elements → their values, (n). All hosts that run JavaScript engines of today are little-endian. */
const DECODERS: ReadonlyMap<string, Decoder> = new Map<string, Decoder>([
  ["f32", (source, n) => new Float32Array(source, 0, n)],
  ["f16", (source, n) => decodeF16(new Uint16Array(source, 0, n), new Float32Array(n))],
  ["bf16", (source, n) => decodeBf16(new Uint16Array(source, 0, n), new Float32Array(n))],
  ["f64", (source, n) => Float32Array.from(new Float64Array(source, 0, n))],
  ["i32", (source, n) => Float32Array.from(new Int32Array(source, 0, n))],
  ["i16", (source, n) => Float32Array.from(new Int16Array(source, 0, n))],
  ["i8", (source, n) => Float32Array.from(new Int8Array(source, 0, n))],
  ["u8", (source, n) => Float32Array.from(new Uint8Array(source, 0, n))],
]);

/**
 * The same values as `type`; the tensor itself if it has that type.
 * @throws TypeError for a tensor whose elements are not numbers of at most 32 bits or binary64.
 */
export function asType(tensor: SourceTensor, type: CastType): SourceTensor {
  if (tensor.type === type) return tensor;
  const decode = DECODERS.get(tensor.type);
  if (decode === undefined) {
    throw new TypeError(`"tensor" expected a type out of ${[...DECODERS.keys()].join(" ")}, got ${tensor.type}`);
  }
  const sourceBytes = elementBytes(tensor.type);
  const unitBytes = elementBytes(type);
  return unitTensor({
    name: tensor.name,
    type,
    shape: tensor.shape,
    byteLength: (tensor.byteLength / sourceBytes) * unitBytes,
    unitBytes,
    async produce(first, n, target) {
      const source = new Uint8Array(n * sourceBytes);
      await tensor.read(first * sourceBytes, source);
      const values = decode(source.buffer, n);
      const converted = type === "f32" ? values : encodeF16(values, new Uint16Array(n));
      target.set(new Uint8Array(converted.buffer, converted.byteOffset, n * unitBytes));
    },
  });
}
