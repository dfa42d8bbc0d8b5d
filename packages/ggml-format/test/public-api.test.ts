import { expect, test } from "vitest";
import * as api from "../src/index.ts";

test("public names", () => {
  expect(Object.keys(api).sort()).toMatchInlineSnapshot(`
    [
      "GGJT_MAGIC",
      "GGMF_MAGIC",
      "GGML_MAGIC",
      "GgmlFormatError",
      "HYPER_PARAM_NAMES",
      "checkLlamaTensors",
      "createGgmlWriter",
      "createLoraWriter",
      "decodeF16",
      "encodeF16",
      "f16ToF32",
      "f32ToF16",
      "ggmlFileBytes",
      "isGgmlFormatError",
      "llamaTensorShapes",
      "loraFileBytes",
      "modelSizeLabel",
      "openGgml",
      "openLora",
      "tensorBytes",
      "tensorChunks",
      "tensorType",
      "tensorTypeById",
    ]
  `);
});
