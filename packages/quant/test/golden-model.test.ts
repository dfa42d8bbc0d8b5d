// Build 803's `quantize` on the synthetic golden model: every byte of all 17 recorded output files.

import { createHash } from "node:crypto";
import { beforeAll, describe, expect, test } from "vitest";
import { goldenModelBytes } from "../../../tools/golden-model.ts";
import { blockInfo, FTYPES, packRows, planQuantization, toolHistogram, unpackRows } from "../src/index.ts";
import { assembleGgjt, type GgjtFile, parseGgjt } from "./ggjt-records.ts";

// file type, bytes, sha256
const RECORDED: readonly [name: string, byteLength: number, sha256: string][] = [
  ["Q4_0", 1151328, "fc77f0ad2a2148bad120a3c1b24755549c0fd5ff74ffdd5305668e1afb91beee"],
  ["Q4_1", 1266016, "cb2e4e1f2eb968f2929cdca4fab64ac0e29128c0ad50e374f5070955ca64e81c"],
  ["Q5_0", 1380704, "3c68c62e8c26bf247a86142d7986b12e19db2069206d2ddf2b1d4962eca3af28"],
  ["Q5_1", 1495392, "1e4730e94107545298886e90ebe4dca449a76d7ff6701e489fadaf62e3be0cc4"],
  ["Q8_0", 2068832, "9bd652868da57fe41d58a427ac0409a0189679ef8d675aa9cbb4f588dbfed139"],
  ["Q2_K", 874848, "216815fa3862d8a1f65c362a01ec646279d86455692227c1adcf910a9edc71f0"],
  ["Q3_K_S", 907616, "598b14a35567625ba3119659b72a0c9bcc81684d59165323a862d7b0c332daf0"],
  ["Q3_K_M", 994656, "7f2fa6d5920cfb0ba7fe0f0421885ca80872a935c8fcd372bf2e6d0fc9155167"],
  ["Q3_K_L", 1076576, "1bdc084bd506511a3b508c9f5fd421721c941d27aa045e14f107d29665cb9ed2"],
  ["Q4_K_S", 1151328, "fc926c5c8ca56e71df4573c4c814214fec04b5424eaf40a0b04fc9fc18ae9295"],
  ["Q4_K_M", 1218912, "1abb98fadad15dac8cef776d974cc30653b8d61ef24a5f38815a95c1913f5b3e"],
  ["Q5_K_S", 1380704, "0a78f8fc2ad6dc19c3751792ce3e0bd1f45525febc6dc2916323c33981d1d856"],
  ["Q5_K_M", 1415520, "5f516b5bc0510b72d6b8cc021902897594d5f0a740fa63b3ff0326dff4695062"],
  ["Q6_K", 1624416, "b50cf1f3212e57fb8d20a238458e5d5a6e04c166401e289dd1f883274a0bdc63"],
  ["F16", 3943776, "81f045204268df5a3b954f8c58bf6aa52910cf7dd746bd3b3d32eebca8a06db5"],
  ["F32", 7459168, "76e9cff0a2babdcd6e44e25640234ef8812ba9bc21fa942fbfb12ed6debe8eea"],
];

let model: GgjtFile;

beforeAll(() => {
  model = parseGgjt(goldenModelBytes());
});

function quantize(typeName: string, leaveOutputTensor = false): Uint8Array {
  const ftype = FTYPES.find(({ name }) => name === typeName)!.id;
  const plan = planQuantization(model.tensors, ftype, { leaveOutputTensor });
  const tensors = plan.map((planned, i) => {
    const { data } = model.tensors[i]!;
    if (planned.isCopied) return { ...planned, data };
    return { ...planned, type: planned.targetType, data: packRows(planned.targetType, unpackRows("f16", data)) };
  });
  return assembleGgjt(model, ftype, tensors);
}

const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

test("the generator makes the recorded model file", () => {
  const bytes = goldenModelBytes();
  expect(bytes.length).toBe(3943776);
  expect(sha256(bytes)).toBe("2c4cb8a7b7a0d197bad00b220351e5ef22c4ad610478e7559ef32765d88617d9");
});

describe("quantised as build 803 does", () => {
  test.each(RECORDED)("%s", (name, byteLength, hash) => {
    const bytes = quantize(name);
    expect(bytes.length).toBe(byteLength);
    expect(sha256(bytes)).toBe(hash);
  });

  test("Q4_0 with the output tensor left alone", () => {
    const bytes = quantize("Q4_0", true);
    expect(bytes.length).toBe(1305952);
    expect(sha256(bytes)).toBe("ca21be7933feeee152b1b4a9ba7fe6fd4a5ded4174279694b86fb2b50780fb2d");
  });

  test("prints the recorded histogram for Q4_0", () => {
    const counts = new Float64Array(16);
    let nValues = 0;
    for (const [i, planned] of planQuantization(model.tensors, 2).entries()) {
      if (planned.isCopied) continue;
      const values = unpackRows("f16", model.tensors[i]!.data);
      nValues += values.length;
      toolHistogram(planned.targetType, packRows(planned.targetType, values), counts);
    }
    // the program divides by the number of all counts, in which the q6_K output tensor has no part
    const total = counts.reduce((sum, count) => sum + count);
    expect(total).toBe(nValues - 512 * 256);
    const printed = Array.from(counts, (count) => (count / Math.fround(total)).toFixed(3)).join(" ");
    expect(printed).toBe(
      "0.062 0.061 0.060 0.061 0.061 0.061 0.061 0.061 0.060 0.061 0.060 0.060 0.060 0.061 0.060 0.091",
    );
  });
});

describe("super-blocks that change when they are unpacked and packed again", () => {
  // of the first 64 of layers.0.attention.wq.weight, as recorded for adapters that are merged into quantised weights; the
  // further blocks show that Q2_K and Q4_K are no exception (3 and 11 of all 256)
  test.each([
    ["q2_K", 0, 3],
    ["q3_K", 51, 213],
    ["q4_K", 0, 11],
    ["q5_K", 7, 30],
    ["q6_K", 23, 89],
  ])("%s: %d of 64, %d of 256", (type, ofFirst64, ofAll) => {
    const { data } = model.tensors.find(({ name }) => name === "layers.0.attention.wq.weight")!;
    const packed = packRows(type, unpackRows("f16", data));
    const again = packRows(type, unpackRows(type, packed));
    const { blockBytes } = blockInfo(type);
    const changed = Array.from({ length: 256 }, (_, n) => {
      const [start, end] = [n * blockBytes, (n + 1) * blockBytes];
      return Buffer.compare(packed.subarray(start, end), again.subarray(start, end)) !== 0;
    });
    expect(changed.slice(0, 64).filter(Boolean).length).toBe(ofFirst64);
    expect(changed.filter(Boolean).length).toBe(ofAll);
  });

  test.each(["q4_0", "q4_1", "q5_0", "q5_1", "q8_0"])("%s: none in the whole model", (type) => {
    for (const { shape, data } of model.tensors) {
      if (shape.length !== 2) continue;
      const packed = packRows(type, unpackRows("f16", data));
      expect(Buffer.compare(packed, packRows(type, unpackRows(type, packed)))).toBe(0);
    }
  });
});
