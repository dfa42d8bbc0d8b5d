import { isFormatError } from "@ll/bytes";
import { describe, expect, test } from "vitest";
import { FTYPES, type PlanTensor, planQuantization, QuantizationError, WeightError } from "../src/index.ts";

const idOf = (name: string): number => FTYPES.find((entry) => entry.name === name)!.id;

function llamaTensors(nLayers: number, type: string, nEmbd = 4096, nVocab = 32000, nFf = 11008): PlanTensor[] {
  const tensors: PlanTensor[] = [
    { name: "tok_embeddings.weight", shape: [nVocab, nEmbd], type },
    { name: "norm.weight", shape: [nEmbd], type: "f32" },
    { name: "output.weight", shape: [nVocab, nEmbd], type },
  ];
  for (let layer = 0; layer < nLayers; layer++) {
    const add = (part: string, ...shape: number[]): void => {
      tensors.push({ name: `layers.${layer}.${part}.weight`, shape, type: shape.length === 1 ? "f32" : type });
    };
    for (const part of ["wq", "wk", "wv", "wo"]) add(`attention.${part}`, nEmbd, nEmbd);
    add("attention_norm", nEmbd);
    add("feed_forward.w1", nFf, nEmbd);
    add("feed_forward.w2", nEmbd, nFf);
    add("feed_forward.w3", nFf, nEmbd);
    add("ffn_norm", nEmbd);
  }
  return tensors;
}

/** Target types by the part of the name that matters, with the layers in which they occur. */
function typesOf(typeName: string, part: string, tensors = llamaTensors(32, "f16")): string[] {
  return planQuantization(tensors, idOf(typeName))
    .filter(({ name }) => name.includes(part))
    .map(({ targetType, isCopied }) => (isCopied ? `${targetType} copied` : targetType));
}

const onlyType = (typeName: string, part: string): string => {
  const types = new Set(typesOf(typeName, part));
  expect(types.size).toBe(1);
  return [...types][0]!;
};

function refusal(work: () => unknown): QuantizationError {
  try {
    work();
  } catch (error) {
    expect(error).toBeInstanceOf(QuantizationError);
    expect(error).toBeInstanceOf(WeightError);
    return error as QuantizationError;
  }
  throw new Error("nothing was refused");
}

describe("which tensors are packed", () => {
  test("two-dimensional ones whose name ends in weight, in file order", () => {
    const tensors: PlanTensor[] = [
      { name: "a.weight", shape: [64, 64], type: "f16" },
      { name: "a.bias", shape: [64, 64], type: "f16" },
      { name: "b.weight", shape: [64], type: "f32" },
      { name: "c.weights", shape: [64, 64], type: "f16" },
      { name: "d.weight", shape: [64, 64], type: "q4_0" },
      { name: "weight", shape: [64, 64], type: "f32" },
    ];
    expect(planQuantization(tensors, 2)).toEqual([
      { ...tensors[0], targetType: "q4_0", isCopied: false },
      { ...tensors[1], targetType: "f16", isCopied: true },
      { ...tensors[2], targetType: "f32", isCopied: true },
      { ...tensors[3], targetType: "f16", isCopied: true },
      { ...tensors[4], targetType: "q4_0", isCopied: true },
      { ...tensors[5], targetType: "q4_0", isCopied: false },
    ]);
  });

  test("f16 to f16 copies everything, an f32 model becomes f16 but for its output tensor", () => {
    expect(planQuantization(llamaTensors(2, "f16"), idOf("F16")).every(({ isCopied }) => isCopied)).toBe(true);
    const plan = planQuantization(llamaTensors(2, "f32"), idOf("F16"));
    expect(plan.find(({ name }) => name === "output.weight")!.targetType).toBe("q6_K");
    expect(plan.find(({ name }) => name === "tok_embeddings.weight")!.targetType).toBe("f16");
  });
});

describe("output.weight", () => {
  test.each(FTYPES.filter(({ name }) => name !== "F16").map(({ name }) => name))("is q6_K for %s", (name) => {
    expect(typesOf(name, "output.weight")).toEqual(["q6_K"]);
  });

  test("keeps the base type if a dimension is no multiple of 256", () => {
    const tensors = llamaTensors(1, "f16", 4096, 32001);
    expect(typesOf("Q4_0", "output.weight", tensors)).toEqual(["q4_0"]);
    expect(typesOf("Q8_0", "output.weight", llamaTensors(1, "f16", 288, 32000, 768))).toEqual(["q8_0"]);
  });

  test("is copied if it is to be left alone", () => {
    const plan = planQuantization(llamaTensors(1, "f16"), 2, { leaveOutputTensor: true });
    expect(plan.find(({ name }) => name === "output.weight")).toMatchObject({ targetType: "f16", isCopied: true });
    expect(plan.find(({ name }) => name === "tok_embeddings.weight")).toMatchObject({ targetType: "q4_0" });
  });

  test("is packed again, not copied, where it is q6_K already", () => {
    const tensors: PlanTensor[] = [{ name: "output.weight", shape: [256, 256], type: "q6_K" }];
    expect(planQuantization(tensors, 2, { allowRequantize: true })[0]).toMatchObject({
      targetType: "q6_K",
      isCopied: false,
    });
    expect(planQuantization(tensors, idOf("Q6_K"))[0]).toMatchObject({ targetType: "q6_K", isCopied: true });
  });

  test("takes its whole name, not the end of another", () => {
    const tensors: PlanTensor[] = [{ name: "x.output.weight", shape: [256, 256], type: "f16" }];
    expect(planQuantization(tensors, 2)[0]!.targetType).toBe("q4_0");
  });
});

describe("tensors that get other types", () => {
  // attention.wv, feed_forward.w2, attention.wo, and one that has no rule
  test.each([
    ["Q2_K", "q4_K", "q4_K", "q4_K", "q2_K"],
    ["Q3_K_S", "q3_K", "q3_K", "q3_K", "q3_K"],
    ["Q3_K_M", "q4_K", "q4_K", "q4_K", "q3_K"],
    ["Q3_K", "q4_K", "q4_K", "q4_K", "q3_K"],
    ["Q3_K_L", "q5_K", "q5_K", "q5_K", "q3_K"],
    ["Q4_K_S", "q4_K", "q4_K", "q4_K", "q4_K"],
    ["Q5_K_S", "q5_K", "q5_K", "q5_K", "q5_K"],
    ["Q6_K", "q6_K", "q6_K", "q6_K", "q6_K"],
    ["Q4_0", "q4_0", "q4_0", "q4_0", "q4_0"],
    ["Q5_1", "q5_1", "q5_1", "q5_1", "q5_1"],
  ])("%s", (name, wv, w2, wo, other) => {
    expect(onlyType(name, "attention.wv")).toBe(wv);
    expect(onlyType(name, "feed_forward.w2")).toBe(w2);
    expect(onlyType(name, "attention.wo")).toBe(wo);
    expect(onlyType(name, "feed_forward.w3")).toBe(other);
  });

  // 32 layers: the first 4, the last 4, and from 4 + 2 every third
  const MORE_OF_32 = [0, 1, 2, 3, 6, 9, 12, 15, 18, 21, 24, 27, 28, 29, 30, 31];

  test.each([
    ["Q4_K_M", "q4_K"],
    ["Q5_K_M", "q5_K"],
  ])("%s spends more bits in some layers of wv and w2, and none of wo", (name, base) => {
    const expected = Array.from({ length: 32 }, (_, layer) => (MORE_OF_32.includes(layer) ? "q6_K" : base));
    expect(typesOf(name, "attention.wv")).toEqual(expected);
    expect(typesOf(name, "feed_forward.w2")).toEqual(expected);
    expect(onlyType(name, "attention.wo")).toBe(base);
  });

  test.each([
    // 7n/8 is cut to an integer: 1 of 2, 5 of 6
    [2, [1]],
    [6, [2, 5]],
    [40, [0, 1, 2, 3, 4, 7, 10, 13, 16, 19, 22, 25, 28, 31, 34, 35, 36, 37, 38, 39]],
  ])("of %d layers", (nLayers, more) => {
    const types = typesOf("Q4_K_M", "attention.wv", llamaTensors(nLayers, "f16"));
    expect(types.flatMap((type, layer) => (type === "q6_K" ? [layer] : []))).toEqual(more);
  });

  test("a tensor that is not packed counts in the total, not in the sequence", () => {
    const wv = (layer: number, shape: number[]): PlanTensor => ({
      name: `layers.${layer}.attention.wv.weight`,
      shape,
      type: "f16",
    });
    // n = 8: numbers 0 (the first eighth), 3 and 6 (every third after it) of the sequence of seven get more bits
    const tensors = [wv(0, [256]), ...Array.from({ length: 7 }, (_, layer) => wv(layer + 1, [256, 256]))];
    expect(typesOf("Q4_K_M", "wv", tensors)).toEqual([
      "f16 copied",
      "q6_K",
      "q4_K",
      "q4_K",
      "q6_K",
      "q4_K",
      "q4_K",
      "q6_K",
    ]);
  });
});

describe("refusals", () => {
  test.each([4, 5, 6, 19, -1, 99, 2.5])("file type %d", (ftype) => {
    const error = refusal(() => planQuantization([], ftype));
    expect(error).toMatchObject({
      code: "E_INPUT",
      message: `invalid output file type ${ftype}`,
      toolText: `invalid output file type ${ftype}\n`,
      notice: [],
      tensor: undefined,
    });
  });

  test("a K type whose blocks do not fit", () => {
    const tensors = llamaTensors(1, "f16", 4096, 32001);
    const error = refusal(() => planQuantization(tensors, idOf("Q4_K_M")));
    expect(error).toMatchObject({
      code: "E_TENSOR_SIZE",
      tensor: "tok_embeddings.weight",
      message: "Unsupported tensor size encountered",
      toolText: "Unsupported tensor size encountered\n",
      got: "4096 x 32001",
    });
    expect(error.notice).toEqual([
      "",
      "",
      "========================= Tensor sizes 4096 x 32001 are not divisible by 256",
      "This is required to be able to use k-quants for now!",
      "========================================================================================",
      "",
    ]);
  });

  test("a tensor that is quantised already", () => {
    const tensors: PlanTensor[] = [
      { name: "a.weight", shape: [64, 64], type: "f16" },
      { name: "b.weight", shape: [64, 64], type: "q4_0" },
    ];
    const error = refusal(() => planQuantization(tensors, idOf("Q8_0")));
    expect(error).toMatchObject({
      code: "E_REQUANTIZE",
      tensor: "b.weight",
      message: "requantizing from type q4_0 is disabled",
      toolText: "requantizing from type q4_0 is disabled",
      notice: [],
    });
    expect(isFormatError(error, "E_REQUANTIZE")).toBe(true);
    const plan = planQuantization(tensors, idOf("Q8_0"), { allowRequantize: true });
    expect(plan.map(({ targetType }) => targetType)).toEqual(["q8_0", "q8_0"]);
  });

  test("sizes are looked at before types", () => {
    const tensors: PlanTensor[] = [{ name: "a.weight", shape: [64, 64], type: "q4_0" }];
    expect(refusal(() => planQuantization(tensors, idOf("Q6_K"))).code).toBe("E_TENSOR_SIZE");
  });

  test("rows that are no whole number of blocks, which build 803 would write and could not read", () => {
    const tensors: PlanTensor[] = [{ name: "a.weight", shape: [64, 172], type: "f16" }];
    expect(refusal(() => planQuantization(tensors, 2))).toMatchObject({
      code: "E_TENSOR_SIZE",
      tensor: "a.weight",
      message: "rows of 172 values do not fill q4_0 blocks of 32",
    });
    expect(planQuantization(tensors, idOf("F32"))[0]!.targetType).toBe("f32");
  });

  test("a name full of control characters does not reach the message raw", () => {
    const tensors: PlanTensor[] = [{ name: "\u001b]0;x\u0007weight", shape: [1, 1], type: "q4_0" }];
    expect(refusal(() => planQuantization(tensors, 3)).message).not.toContain("\u001b");
  });
});
