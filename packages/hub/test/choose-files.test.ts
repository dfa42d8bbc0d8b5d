import { describe, expect, test } from "vitest";
import { chooseFiles, type HubName, isHubError, parseModelName } from "../src/index.ts";

function chosen(name: string, ...paths: string[]): readonly string[] {
  const files = paths.map((path) => ({ path, bytes: 1e9, hash: undefined }));
  return chooseFiles(files, parseModelName(name) as HubName).map(({ path }) => path);
}

const REPO = [
  "README.md",
  "mmproj-model-F16.gguf",
  "imatrix.gguf",
  "m-F16.gguf",
  "m-BF16.gguf",
  "m-Q4_K_M.gguf",
  "m-Q8_0.gguf",
  "m-UD-Q4_K_XL.gguf",
  "m-TQ1_0.gguf",
];

describe("the file that is meant", () => {
  test.each([
    ["hf:o/r", "m-Q4_K_M.gguf"],
    ["hf:o/r:q8_0", "m-Q8_0.gguf"],
    ["hf:o/r:F16", "m-F16.gguf"], // not BF16
    ["hf:o/r:Q4_K_XL", "m-UD-Q4_K_XL.gguf"],
    ["hf:o/r:UD-Q4_K_XL", "m-UD-Q4_K_XL.gguf"],
    ["hf:o/r:m-BF16.gguf", "m-BF16.gguf"],
    ["hf:o/r:mmproj-model-F16.gguf", "mmproj-model-F16.gguf"],
  ])("%s is %s", (name, path) => {
    expect(chosen(name, ...REPO)).toEqual([path]);
  });

  test.each([
    ["hf:o/r:Q1_0", "E_NOT_FOUND"], // not TQ1_0
    ["hf:o/r:Q4", "E_NOT_FOUND"],
    ["hf:o/r:nothing.gguf", "E_NOT_FOUND"],
  ])("%s is none", (name, code) => {
    expect(() => chosen(name, ...REPO)).toThrow(expect.objectContaining({ code }));
  });

  test("Q8_0 without Q4_K_M, the only model without both, and no guess among several", () => {
    expect(chosen("hf:o/r", "m-Q8_0.gguf", "m-F16.gguf")).toEqual(["m-Q8_0.gguf"]);
    expect(chosen("hf:o/r", "m-F32.gguf", "mmproj.gguf")).toEqual(["m-F32.gguf"]);
    expect(() => chosen("hf:o/r", "m-F32.gguf", "m-F16.gguf")).toThrow(
      "o/r has several models: m-F32.gguf (1.00 GB), m-F16.gguf (1.00 GB); name one: hf:o/r:FILE",
    );
    expect(() => chosen("hf:o/r", "config.json")).toThrow("o/r has no GGUF file");
  });

  test("two models with one tag are not guessed either; names of files go before those of folders", () => {
    expect(() => chosen("hf:o/r:Q8_0", "a-Q8_0.gguf", "b-Q8_0.gguf")).toThrow(
      expect.toSatisfy((error) => isHubError(error, "E_CHOICE") && error.files.length === 2),
    );
    expect(chosen("hf:o/r:Q8_0", "Q8_0/b.gguf", "Q4_0/a-Q8_0.gguf")).toEqual(["Q4_0/a-Q8_0.gguf"]);
    expect(chosen("hf:o/r:Q8_0", "Q8_0/b.gguf", "Q4_0/a.gguf")).toEqual(["Q8_0/b.gguf"]);
  });

  test("all parts of a set, or none", () => {
    const parts = [1, 2, 3].map((n) => `d/m-Q8_0-0000${n}-of-00003.gguf`);
    expect(chosen("hf:o/r:Q8_0", ...parts)).toEqual(parts);
    expect(chosen(`hf:o/r:${parts[1]}`, ...parts)).toEqual(parts);
    expect(() => chosen("hf:o/r:Q8_0", ...parts.slice(0, 2))).toThrow(`only some parts of ${parts[0]}: ${parts[2]} is`);
  });

  test("an @ that belongs to a file", () => {
    expect(chosen("hf:o/r:a@b.gguf", "a@b.gguf", "a.gguf")).toEqual(["a@b.gguf"]);
  });
});
