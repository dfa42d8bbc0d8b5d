import { describe, expect, test } from "vitest";
import { isHubError, parseModelName } from "../src/index.ts";

describe("names of models", () => {
  test.each([
    ["hf:Qwen/Qwen3-0.6B-GGUF", "Qwen/Qwen3-0.6B-GGUF", undefined, undefined],
    ["hf:o/r:Q4_K_M", "o/r", undefined, "Q4_K_M"],
    ["hf:o/r:Q4_K_M@v1.0", "o/r", "v1.0", "Q4_K_M"],
    ["hf:o/r@v1.0:Q4_K_M", "o/r", "v1.0", "Q4_K_M"],
    ["hf:o/r@refs/pr/1", "o/r", "refs/pr/1", undefined],
    ["hf:o/r@refs/pr/1:Q8_0", "o/r", "refs/pr/1", "Q8_0"],
    ["hf:o/r:sub/file.gguf@refs/pr/1", "o/r", "refs/pr/1", "sub/file.gguf"],
    ["hf:o/r/sub/file.gguf", "o/r", undefined, "sub/file.gguf"],
    ["hf://o/r", "o/r", undefined, undefined],
    ["hf://models/o/r@main/sub/file.gguf", "o/r", "main", "sub/file.gguf"],
    ["hf.co/o/r:Q8_0", "o/r", undefined, "Q8_0"],
    ["huggingface.co/o/r", "o/r", undefined, undefined],
    ["https://huggingface.co/o/r", "o/r", undefined, undefined],
    ["https://huggingface.co/o/r/", "o/r", undefined, undefined],
    ["https://hf.co/o/r/tree/main", "o/r", "main", undefined],
    ["https://huggingface.co/o/r/blob/main/a/b%20c.gguf", "o/r", "main", "a/b c.gguf"],
    ["https://huggingface.co/o/r/resolve/refs%2Fpr%2F1/x.gguf?download=true", "o/r", "refs/pr/1", "x.gguf"],
  ])("%s", (text, repo, revision, selector) => {
    expect(parseModelName(text)).toMatchObject({ kind: "hub", repo, revision, selector });
  });

  test("an @ in a file's name is kept beside", () => {
    expect(parseModelName("hf:o/r:a@b.gguf")).toMatchObject({ literal: "a@b.gguf", selector: "a", revision: "b.gguf" });
  });

  test.each(["model.gguf", "/a/hf:b", "./hf:o/r", "C:\\models\\a.gguf", "o/r", "~/x", ""])("%j is a path", (path) => {
    expect(parseModelName(path)).toEqual({ kind: "path", path });
  });

  test.each(["https://example.com/model.gguf", "http://localhost:1/x", "https://huggingface.co/datasets/o/r"])(
    "%s is an address",
    (url) => {
      expect(parseModelName(url)).toEqual({ kind: "url", url });
    },
  );

  test.each([
    "hf:",
    "hf:o",
    "hf:/r",
    "hf:o/",
    "hf:../r",
    "hf:o/..",
    "hf:o/r:",
    "hf:o/r@",
    "hf:o/r:Q8_0@",
    "hf:o r/x",
    `hf:o/${"r".repeat(300)}`,
    "hf:o/r:a\u0000b",
    "https://huggingface.co/o/r/settings/x",
    "https://huggingface.co/o",
  ])("%j is refused", (text) => {
    expect(() => parseModelName(text)).toThrow(expect.toSatisfy((error) => isHubError(error, "E_NAME")));
  });
});
