import { fc, test } from "@fast-check/vitest";
import { memorySink, memorySource } from "@ll/bytes";
import { openGgml } from "@ll/ggml-format";
import { FTYPES } from "@ll/quant";
import { expect } from "vitest";
import { convertCheckpoint, convertedBytes } from "../src/convert-checkpoint.ts";
import { quantizedBytes, quantizeModel } from "../src/quantize-model.ts";
import { heldTensor, vocabulary } from "./models.ts";

const shapes = fc.array(
  fc.oneof(
    fc.tuple(fc.integer({ min: 1, max: 40 })),
    fc.tuple(
      fc.integer({ min: 1, max: 9 }),
      fc.integer({ min: 1, max: 4 }).map((n) => 32 * n),
    ),
  ),
  { maxLength: 8 },
);
const legacyTypes = fc.constantFrom(...FTYPES.filter(({ name }) => !name.includes("K")).map(({ id }) => id));

test.prop([shapes, fc.constantFrom("f32", "f16", "bf16"), fc.constantFrom("f32", "f16"), legacyTypes])(
  "the size told in advance is the size written, and every written file can be opened",
  async (list, type, outType, ftype) => {
    const tensors = list.map((shape, i) => {
      const bytes = shape.reduce((product, size) => product * size, type === "f32" ? 4 : 2);
      return heldTensor(`${i}.weight`, type, [...shape], new Uint8Array(bytes));
    });
    const params = { nVocab: 3, nEmbd: 32, nMult: 32, nHeads: 1, nKvHeads: 1, nLayers: 1 };
    const input = { params, tensors, vocab: vocabulary(3), outType, container: 3 } as const;
    const converted = memorySink();
    const totals = await convertCheckpoint(input, converted);
    expect(converted.bytesWritten).toBe(convertedBytes(input));

    const file = await openGgml(memorySource(converted.bytes()));
    expect(file.tensors.map(({ shape }) => shape)).toEqual(list);
    const quantized = memorySink();
    const quantizedTotals = await quantizeModel(file, quantized, { ftype });
    expect(quantized.bytesWritten).toBe(quantizedBytes(file, { ftype }));
    expect(quantizedTotals.bytesIn).toBe(totals.bytesOut);
    const result = await openGgml(memorySource(quantized.bytes()));
    expect(result.tensors.reduce((sum, { byteLength }) => sum + byteLength, 0)).toBe(quantizedTotals.bytesOut);
  },
);
