// Packing for GGUF files, and the types that tensors get. What llama.cpp makes of them was recorded (ggml 0.20.2).

import { readFileSync } from "node:fs";
import { fc } from "@fast-check/vitest";
import { tensorTypeById } from "@ll/gguf";
import { describe, expect, test } from "vitest";
import { describeWithTestData, testData } from "../../../tools/test-data.ts";
import {
  BLOCK_TYPES,
  blockInfo,
  canPackGguf,
  ggufFileTypes,
  inGgufOrder,
  knowsImportance,
  packGgufRows,
  packRows,
  packsAlike,
  planGgufQuantization,
  rowBytes,
  unpackRows,
} from "../src/index.ts";

const PACKED_TYPES = BLOCK_TYPES.filter((type) => canPackGguf(type));

function floats(base64: string): Float32Array {
  return new Float32Array(new Uint8Array(Buffer.from(base64, "base64")).buffer);
}

describeWithTestData("24 recorded rows of 1,024 values", () => {
  interface Recorded {
    readonly x: string;
    readonly w: string;
    readonly packed: Record<string, string>;
    readonly weighted: Record<string, string>;
  }
  const recorded: Recorded = JSON.parse(readFileSync(testData("golden/quantize-blocks.json"), "utf8"));
  const values = floats(recorded.x);
  const typeOf = (name: string): string =>
    BLOCK_TYPES.find((type) => type.toLowerCase() === name.toLowerCase()) ?? name;

  test.each(Object.keys(recorded.packed))("%s", (name) => {
    const packed = packGgufRows(typeOf(name), values);
    expect(Buffer.from(packed).toString("base64")).toBe(recorded.packed[name]);
  });

  test.each(Object.keys(recorded.weighted))("%s with importance", (name) => {
    const packed = packGgufRows(typeOf(name), values, undefined, floats(recorded.w));
    expect(Buffer.from(packed).toString("base64")).toBe(recorded.weighted[name]);
  });

  test("all types that can be packed are among them, and all that know importance", () => {
    const names = (record: Record<string, string>): string[] => Object.keys(record).map(typeOf).sort();
    expect(names(recorded.packed)).toEqual(PACKED_TYPES.filter((type) => type !== "f32").sort());
    expect(names(recorded.weighted)).toEqual(PACKED_TYPES.filter((type) => knowsImportance(type)).sort());
  });
});

describe("packGgufRows", () => {
  /** Values of magnitudes that no type loses, some of them equal. */
  const value = fc.oneof(fc.integer({ min: -9, max: 9 }), fc.double({ min: -4, max: 4, noNaN: true })).map(Math.fround);

  test.each(PACKED_TYPES)("%s: rows packed together or apart are the same", (type) => {
    const { blockValues } = blockInfo(type);
    const columns = 2 * Math.max(32, blockValues);
    fc.assert(
      fc.property(
        fc.array(value, { minLength: 3 * columns, maxLength: 3 * columns }),
        fc.array(fc.double({ min: 0, max: 99, noNaN: true }), { minLength: columns, maxLength: columns }),
        fc.boolean(),
        (numbers, weights, isWeighted) => {
          const values = Float32Array.from(numbers);
          const importance = isWeighted ? Float32Array.from(weights) : undefined;
          const together = packGgufRows(type, values, undefined, importance);
          const apart = [0, 1, 2].map((row) =>
            packGgufRows(type, values.subarray(row * columns, (row + 1) * columns), undefined, importance),
          );
          expect(Buffer.from(together)).toEqual(Buffer.concat(apart));
          expect(unpackRows(type, together).every(Number.isFinite)).toBe(true);
        },
      ),
      { numRuns: 20 },
    );
  });

  test.each(PACKED_TYPES)("%s: what is called alike is alike", (type) => {
    // among them group by group what only binary32 holds, and zeros of both signs
    const values = Float32Array.from({ length: 1024 }, (_, i) => Math.sin(i) * [1, 1e-16, 1e-7, 0][(i >> 5) & 3]!);
    const rounded = unpackRows("f16", packRows("f16", values));
    if (packsAlike(type, "f32")) expect(packGgufRows(type, values)).toEqual(packRows(type, values));
    if (packsAlike(type, "f16")) expect(packGgufRows(type, rounded)).toEqual(packRows(type, rounded));
  });

  test("Q3_K differs from build 803 only for tiny groups", () => {
    const tiny = Float32Array.from({ length: 256 }, (_, i) => Math.sin(i) * (i < 16 ? 1e-16 : 1));
    expect(packsAlike("q3_K", "f16")).toBe(true);
    expect(packsAlike("q3_K", "f32")).toBe(false);
    expect(packGgufRows("q3_K", tiny)).not.toEqual(packRows("q3_K", tiny));
  });

  test("importance moves the error to where it does not matter", () => {
    const values = Float32Array.from({ length: 256 }, (_, i) => Math.sin(3 * i * i));
    const importance = Float32Array.from(values, (_, i) => (i % 2 === 0 ? 100 : 0.01));
    for (const type of PACKED_TYPES) {
      if (!knowsImportance(type)) continue;
      const errorOf = (packed: Uint8Array): number =>
        unpackRows(type, packed).reduce((sum, got, i) => sum + importance[i]! * (got - values[i]!) ** 2, 0);
      const weighted = errorOf(packGgufRows(type, values, undefined, importance));
      expect(weighted, type).toBeLessThan(errorOf(packGgufRows(type, values)));
    }
  });

  test("types that do not know importance ignore it", () => {
    const values = Float32Array.from({ length: 512 }, (_, i) => Math.sin(i));
    const importance = Float32Array.from(values, (_, i) => i);
    for (const type of PACKED_TYPES.filter((one) => !knowsImportance(one))) {
      expect(packGgufRows(type, values, undefined, importance)).toEqual(packGgufRows(type, values));
    }
  });

  test("what cannot be packed, or not so", () => {
    const values = new Float32Array(256);
    expect(() => packGgufRows("iq1_s", values)).toThrow('"type" expected a type that can be packed, got iq1_s');
    expect(() => packGgufRows("q8_K", values)).toThrow('"type" expected a type that can be packed, got q8_K');
    expect(() => packGgufRows("q4_2" as string, values)).toThrow(RangeError);
    expect(() => packGgufRows("iq4_xs", values.subarray(1))).toThrow(RangeError);
    expect(() => packGgufRows("iq4_xs", values, new Uint8Array(1))).toThrow(RangeError);
    expect(() => packGgufRows("q4_0", values, undefined, new Float32Array(96))).toThrow(RangeError);
    expect(() => packGgufRows("q4_0", values, undefined, new Float32Array(16))).toThrow(RangeError);
    expect(() => packGgufRows("mxfp4", [] as unknown as Float32Array)).toThrow(TypeError);
    expect(packGgufRows("q4_0", new Float32Array(0), undefined, new Float32Array(0)).length).toBe(0);
  });
});

describeWithTestData("types of the tensors of ten real models", () => {
  interface RecordedModel {
    readonly architecture: string;
    readonly layers: number;
    readonly heads: number;
    readonly kvHeads: number;
    readonly experts: number;
    readonly tensors: readonly (readonly [name: string, ne0: number, ne1: number, ne2: number])[];
    readonly types: Record<string, string | { readonly error: string }>;
  }
  const file: { readonly alphabet: string; readonly models: Record<string, RecordedModel> } = JSON.parse(
    readFileSync(testData("golden/quantize-recipes.json"), "utf8"),
  );
  const ids = JSON.parse(readFileSync(testData("golden/quantize-gguf.json"), "utf8")).ftypes;

  test("25 file types", () => {
    expect(Object.fromEntries(ggufFileTypes().map(({ id, name }) => [id, name]))).toEqual(ids);
  });

  test.each(Object.keys(file.models))("%s", (name) => {
    const { architecture, layers, heads, kvHeads, experts, tensors, types } = file.models[name] as RecordedModel;
    const model = { architecture, nLayers: layers, nHeads: heads, nKvHeads: kvHeads, nExperts: experts };
    // of a type that is none of the targets, so that nothing is copied
    const planned = tensors.map(([name, ne0, ne1, ne2]) => ({ name, shape: [ne2, ne1, ne0], type: "nvfp4" }));
    expect(inGgufOrder(planned)).toEqual(planned);
    for (const [ftype, expected] of Object.entries(types)) {
      const plan = () => planGgufQuantization(planned, model, Number(ftype), { allowRequantize: true, isDryRun: true });
      if (typeof expected !== "string") expect(plan, ftype).toThrow(expected.error);
      else {
        const got = plan().map(({ targetType }) => targetType);
        const wanted = Array.from(expected, (digit) => tensorTypeById(file.alphabet.indexOf(digit))?.name);
        expect(got, ftype).toEqual(wanted);
      }
    }
  });
});

describe("planGgufQuantization", () => {
  const model = { architecture: "llama", nLayers: 8, nHeads: 4, nKvHeads: 4, nExperts: 0 };
  const Q4_K_M = 15;
  const plan = (
    tensors: readonly (readonly [name: string, shape: readonly number[], type?: string])[],
    ftype: number | "copy" = Q4_K_M,
    options: Parameters<typeof planGgufQuantization>[3] = {},
  ): Record<string, string> =>
    Object.fromEntries(
      planGgufQuantization(
        tensors.map(([name, shape, type = "f16"]) => ({ name, shape, type })),
        model,
        ftype === "copy" ? undefined : ftype,
        options,
      ).map(({ name, targetType, isCopied }) => [name, isCopied ? `${targetType} as it is` : targetType]),
    );

  test("keeps vectors, columns and what is no weight of a matrix", () => {
    expect(
      plan([
        ["blk.0.attn_norm.weight", [256], "f32"],
        ["blk.0.column.weight", [1, 256]],
        ["blk.0.ffn_down_exps.bias", [4, 256], "f32"],
        ["blk.0.ffn_gate_inp.weight", [8, 256], "f32"],
        ["blk.0.time_mix_w1.weight", [8, 256]],
        ["blk.0.attn_q.weight", [2, 256]],
      ]),
    ).toEqual({
      "blk.0.attn_norm.weight": "f32 as it is",
      "blk.0.column.weight": "f16 as it is",
      "blk.0.ffn_down_exps.bias": "f32 as it is",
      "blk.0.ffn_gate_inp.weight": "f32 as it is",
      "blk.0.time_mix_w1.weight": "f16 as it is",
      "blk.0.attn_q.weight": "q4_K",
    });
  });

  test("rows that are no whole number of blocks fall back, or are refused", () => {
    const odd = [["blk.0.attn_q.weight", [2, 96]]] as const;
    expect(plan(odd)).toEqual({ "blk.0.attn_q.weight": "q5_0" });
    expect(plan([["blk.0.attn_q.weight", [2, 40]]])).toEqual({ "blk.0.attn_q.weight": "f16 as it is" });
    expect(() => plan([["blk.0.attn_q.weight", [2, 40]]], 7)).toThrow(
      "no tensor type fallback is defined for type q8_0",
    );
    expect(() => plan([["output.weight", [2, 96]]], 15, { outputTensorType: "q6_K" })).toThrow(
      "do not fill q6_K blocks",
    );
  });

  test("by rule, the first one that is found in the name", () => {
    const tensors = [
      ["output.weight", [2, 256]],
      ["blk.0.attn_q.weight", [2, 256]],
      ["blk.1.attn_q.weight", [2, 256]],
    ] as const;
    const tensorTypes = [
      { pattern: /blk\.1/, type: "q8_0" },
      { pattern: /attn_q|output/, type: "iq4_nl" },
    ];
    expect(plan(tensors, 15, { tensorTypes })).toEqual({
      "output.weight": "iq4_nl",
      "blk.0.attn_q.weight": "iq4_nl",
      "blk.1.attn_q.weight": "q8_0",
    });
    expect(plan(tensors, 15, { pure: true, leaveOutputTensor: true })).toEqual({
      "output.weight": "f16 as it is",
      "blk.0.attn_q.weight": "q4_K",
      "blk.1.attn_q.weight": "q4_K",
    });
  });

  test("what is quantised already is refused, unless it stays or that is allowed", () => {
    const tensors = [["blk.0.attn_q.weight", [2, 256], "mxfp4"]] as const;
    expect(() => plan(tensors)).toThrow("requantizing from type mxfp4 is disabled");
    expect(plan(tensors, 15, { allowRequantize: true })).toEqual({ "blk.0.attn_q.weight": "q4_K" });
    expect(plan(tensors, 15, { pure: true, tensorTypes: [{ pattern: /q/, type: "mxfp4" }] })).toEqual({
      "blk.0.attn_q.weight": "mxfp4 as it is",
    });
    expect(plan(tensors, "copy")).toEqual({ "blk.0.attn_q.weight": "mxfp4 as it is" });
    expect(() => plan([["blk.0.attn_q.weight", [2, 256], "i8"]])).toThrow("of type i8 cannot be quantized");
    expect(() => plan([["blk.0.attn_q.weight", [2, 256], "q8_1"]])).toThrow("of type q8_1 cannot be quantized");
  });

  test("Q2_K_S needs importance, and Q4_0 uses it", () => {
    const tensors = [
      ["blk.0.attn_q.weight", [2, 256]],
      ["blk.0.ffn_down.weight", [2, 256]],
    ] as const;
    expect(() => plan(tensors, 21)).toThrow("this quantization requires an imatrix!");
    expect(() => plan(tensors, 21, { hasImportance: () => false })).toThrow(
      "Missing importance matrix for tensor blk.0.attn_q.weight in a very low-bit quantization",
    );
    expect(plan(tensors, 21, { hasImportance: () => true })["blk.0.attn_q.weight"]).toBe("q2_K");
    expect(plan(tensors, 21, { isDryRun: true })["blk.0.attn_q.weight"]).toBe("q2_K");
    expect(plan(tensors, 2)["blk.0.ffn_down.weight"]).toBe("q4_0");
    expect(plan(tensors, 2, { hasImportance: () => false })["blk.0.ffn_down.weight"]).toBe("q4_1");
  });

  test("unknown file types, experts of no layer", () => {
    for (const ftype of [4, 19, 24, 99, -1, Number.NaN])
      expect(() => plan([], ftype)).toThrow("invalid output file type");
    const stray = [{ name: "blk.8.ffn_up_exps.weight", shape: [4, 2, 256], type: "f16" }];
    expect(() => planGgufQuantization(stray, { ...model, nExperts: 4 }, 15)).toThrow("in none of its 8 layers");
  });

  test("order: no layer first, layers by number, names by their bytes", () => {
    const names = [
      "blk.10.a.weight",
      "blk.9.b.weight",
      "blk.9.a.weight",
      "token_embd.weight",
      "output.weight",
      "blk.9.B",
    ];
    expect(inGgufOrder(names.map((name) => ({ name }))).map(({ name }) => name)).toEqual([
      "output.weight",
      "token_embd.weight",
      "blk.9.B",
      "blk.9.a.weight",
      "blk.9.b.weight",
      "blk.10.a.weight",
    ]);
  });
});

test("row sizes are those of the format", () => {
  for (const type of PACKED_TYPES) {
    expect(packGgufRows(type, new Float32Array(512)).length).toBe(rowBytes(type, 512));
  }
});
