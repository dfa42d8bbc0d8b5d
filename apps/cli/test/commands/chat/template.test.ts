import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { isFormatError } from "@ll/bytes";
import { describe, expect, test } from "vitest";
import { loadTemplate, type PatternTemplate, parseTemplate } from "../../../src/commands/chat/template.ts";
import { temporaryDirectory } from "../../programs.ts";

const PLAIN: PatternTemplate = {
  system: "",
  systemBlock: "{text}",
  start: "",
  user: "{text}",
  answerEnd: "",
  stop: [],
  special: [],
};

describe("files", () => {
  test("a template from a file", async () => {
    const path = join(await temporaryDirectory(), "mine.json");
    await writeFile(path, JSON.stringify({ ...PLAIN, user: "Q: {text}\nA:" }));
    expect((await loadTemplate(path)).user).toBe("Q: {text}\nA:");
  });

  test("a name that is none comes with a suggestion; a path that is none is an I/O error", async () => {
    await expect(loadTemplate("alpacca")).rejects.toMatchObject({ name: "UsageError", hint: "Did you mean alpaca?" });
    await expect(loadTemplate("x")).rejects.toMatchObject({ name: "UsageError" });
    await expect(loadTemplate("./x.json")).rejects.toMatchObject({ code: "E_IO" });
    const folder = join(await temporaryDirectory(), "x.json");
    await mkdir(folder);
    await expect(loadTemplate(folder)).rejects.toMatchObject({ code: "E_IO" });
  });

  test.each([
    ["no JSON", "{", undefined],
    ["no object", "null", undefined],
    ["a missing pattern", JSON.stringify({ ...PLAIN, start: undefined }), "start"],
    ["a pattern that is no text", JSON.stringify({ ...PLAIN, start: 1 }), "start"],
    ["a turn without its text", JSON.stringify({ ...PLAIN, user: "User:" }), "user"],
    ["an unknown name", JSON.stringify({ ...PLAIN, usr: "" }), "usr"],
    ["a stop text that is none", JSON.stringify({ ...PLAIN, stop: ["a", 1] }), "stop.1"],
    ["too long a pattern", JSON.stringify({ ...PLAIN, start: "x".repeat(20_000) }), "start"],
    ["too long a stop text", JSON.stringify({ ...PLAIN, stop: ["x".repeat(300)] }), "stop.0"],
    ["too long a special text", JSON.stringify({ ...PLAIN, special: ["x".repeat(300)] }), "special.0"],
    ["too many stop texts", JSON.stringify({ ...PLAIN, stop: Array(100).fill("x") }), "stop"],
  ])("%s is refused", (_name, content, field) => {
    let error: unknown;
    try {
      parseTemplate(content, "t.json");
    } catch (thrown) {
      error = thrown;
    }
    expect(isFormatError(error, "E_TEMPLATE")).toBe(true);
    expect(error).toMatchObject({ file: "t.json", field });
  });
});
