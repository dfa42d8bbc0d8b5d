import { fc, test } from "@fast-check/vitest";
import { f16ToF32, f32ToF16, memorySource, type SourceTensor } from "@ll/bytes";
import { describe, expect, it } from "vitest";
import { asType } from "../src/cast.ts";
import { spanTensor } from "../src/source-tensor.ts";
import { bytesOf } from "./support/bytes.ts";
import { readAll } from "./support/files.ts";

function tensorOf(type: string, values: ArrayBufferView & { length: number }): SourceTensor {
  const bytes = bytesOf(values);
  return spanTensor("t", type, [values.length], memorySource(bytes), 0, bytes.length);
}

const floats = fc.uint8Array({ minLength: 4, maxLength: 80 }).map((bytes) => {
  return new Float32Array(bytes.slice(0, bytes.length - (bytes.length % 4)).buffer);
});
const halves = fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 20 }).map((bits) => Uint16Array.from(bits));
const piece = fc.integer({ min: 1, max: 16 });

describe("asType", () => {
  it("gives back a tensor that has the type", () => {
    const tensor = tensorOf("f16", Uint16Array.of(1, 2));
    expect(asType(tensor, "f16")).toBe(tensor);
  });

  test.prop([floats, piece])("rounds f32 to f16 to nearest even, read in any pieces", async (values, pieceBytes) => {
    const cast = asType(tensorOf("f32", values), "f16");
    expect(cast).toMatchObject({ name: "t", type: "f16", shape: [values.length], byteLength: 2 * values.length });
    expect(new Uint16Array((await readAll(cast, pieceBytes)).buffer)).toEqual(Uint16Array.from(values, f32ToF16));
  });

  test.prop([halves, piece])("widens f16 exactly", async (bits, pieceBytes) => {
    const values = new Float32Array((await readAll(asType(tensorOf("f16", bits), "f32"), pieceBytes)).buffer);
    expect(values).toEqual(Float32Array.from(bits, f16ToF32));
  });

  test.prop([halves, piece])("widens bf16 by a shift, NaN payloads and all", async (bits, pieceBytes) => {
    const words = new Uint32Array((await readAll(asType(tensorOf("bf16", bits), "f32"), pieceBytes)).buffer);
    expect(words).toEqual(Uint32Array.from(bits, (value) => value * 65536));
  });

  it("turns bf16 into f16 through f32: overflow is infinity, small values become subnormal or 0", async () => {
    const bits = Uint16Array.of(0x3f80, 0x4780, 0xc780, 0x3300, 0x3380, 0x3280, 0x7fc0);
    const cast = new Uint16Array((await readAll(asType(tensorOf("bf16", bits), "f16"))).buffer);
    // 1, 65536, -65536, 2^-25 (a tie that rounds to 0), 2^-24, 2^-26, NaN
    expect([...cast]).toEqual([0x3c00, 0x7c00, 0xfc00, 0, 1, 0, 0x7e00]);
  });

  it.each([
    ["i32", Int32Array.of(16_777_217, -1, 2 ** 31 - 1)],
    ["i16", Int16Array.of(-32768, 5)],
    ["i8", Int8Array.of(-128, 127)],
    ["u8", Uint8Array.of(0, 255)],
    ["f64", Float64Array.of(0.1, 1e300, -0)],
  ])("rounds %s to f32", async (type, values) => {
    const cast = new Float32Array((await readAll(asType(tensorOf(type, values), "f32"), 3)).buffer);
    expect(cast).toEqual(Float32Array.from(values as Iterable<number>));
  });

  it.each(["i64", "bool", "q4_0", "q4_0_v1", "__proto__"])("refuses %s", (type) => {
    expect(() => asType(tensorOf(type, Uint8Array.of(1)), "f32")).toThrow(TypeError);
  });
});
