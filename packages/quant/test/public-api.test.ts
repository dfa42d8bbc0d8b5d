import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import * as api from "../src/index.ts";

test("public names", () => {
  expect(Object.keys(api).sort()).toMatchInlineSnapshot(`
    [
      "ARITHMETIC_NAMES",
      "BLOCK_TYPES",
      "FTYPES",
      "GROUP_ROWS",
      "KERNEL_NAMES",
      "KERNEL_TIERS",
      "LOWEST_POINTER",
      "PACKER_SCRATCH_BYTES",
      "QuantizationError",
      "SCRATCH_BYTES",
      "WeightError",
      "assertMemorySpan",
      "bindGgufPackers",
      "bindKernels",
      "blockInfo",
      "canPackGguf",
      "checkRows",
      "compileKernels",
      "createRowReader",
      "decodeF16",
      "dot",
      "dotValues",
      "encodeF16",
      "f16ToF32",
      "f32ToF16",
      "ggufFileTypes",
      "inGgufOrder",
      "knowsImportance",
      "laneSum",
      "loadGgufPackers",
      "loadKernels",
      "packActivation",
      "packGgufRows",
      "packRows",
      "packStats",
      "packsAlike",
      "planGgufQuantization",
      "planQuantization",
      "rowBytes",
      "rowReaderBytes",
      "toolHistogram",
      "unpackRows",
      "valueLimit",
    ]
  `);
});

test("depends on nothing but @ll/bytes and the kinds of files", () => {
  const manifest = JSON.parse(readFileSync(join(import.meta.dirname, "../package.json"), "utf8"));
  expect(Object.keys(manifest.dependencies)).toEqual(["@ll/architectures", "@ll/bytes"]);
  expect(Object.keys(manifest)).not.toContain("peerDependencies");
});
