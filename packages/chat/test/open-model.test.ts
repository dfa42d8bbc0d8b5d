// The template of a file that is opened.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import { tinyGguf, withKeys } from "../../../apps/cli/test/gguf-model.ts";
import { fixture } from "../../../tools/test-data.ts";
import { type ChatModel, type OpenOptions, openModel } from "../src/index.ts";
import { openModel as openPath } from "../src/node.ts";

async function opened(source: string | undefined, options: OpenOptions = {}): Promise<ChatModel> {
  const value = source === undefined ? undefined : ({ type: "string", value: source } as const);
  const bytes = await withKeys(await tinyGguf(), { "tokenizer.chat_template": value });
  return openModel(bytes, { contextTokens: 64, parallel: 1, threads: 1, ...options });
}

test("a file with a template is talked to by it", async () => {
  const model = await opened("{{ bos_token }}{% for m in messages %}{{ m.content }}{% endfor %}{{ mood }}");
  expect(model.info).toMatchObject({ template: "file", warnings: [] });
  const options = { maxTokens: 8, temperature: 0 };
  const told = await model.chat("Once upon", { ...options, templateArguments: { mood: " a time" } }).text();
  const ids = model.tokenizer.encode("Once upon a time", { prompt: true });
  expect(told).toBe((await model.complete(ids, options).text()).trim());
  expect(model.countTokens([{ role: "user", content: "Once upon a time" }])).toBe(ids.length);
  await model.dispose();
});

test("a prompt that its template refuses fails", async () => {
  const model = await opened("{{ raise_exception('not today') }}");
  await expect(model.chat("Hello").text()).rejects.toMatchObject({ name: "TemplateError", code: "E_TEMPLATE_RAISED" });
  await model.dispose();
});

test.each([
  [undefined, "the file has no chat template: conversations are written as a plain transcript"],
  ["{% if %}", expect.stringMatching(/^the chat template cannot be read: .*: conversations are written as a plain/)],
])("with %s, a conversation is a plain transcript", async (source, warning) => {
  const model = await opened(source);
  expect(model.info.template).toBe("plain");
  expect(model.info.warnings).toContainEqual(warning);
  await model.dispose();
});

test("another template goes before that of the file", async () => {
  const model = await opened("{{ 1 }}", { template: "alpaca" });
  expect(model.info.template).toBe("alpaca");
  await model.dispose();
});

test.each([
  ["tiny/hf", /is a directory: name a model file in it; of a checkpoint, @ll\/convert makes one first$/],
  ["tiny/hf/model.safetensors", /it is a safetensors file: convert it first, with ll-convert/],
  ["tiny/meta/consolidated.00.pth", /a PyTorch checkpoint: convert it first, with ll-convert/],
])("of %s, which is no model yet, the error says how it becomes one", async (path, message) => {
  await expect(openPath(fixture(path))).rejects.toThrow(message);
});

test("a file: address is opened as its path", async () => {
  const folder = mkdtempSync(join(tmpdir(), "ll-chat-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const path = join(folder, "tiny model.gguf");
  writeFileSync(path, await tinyGguf());
  const options = { parallel: 1, threads: 1 };
  const models = [
    await openPath(path, options),
    await openPath(pathToFileURL(path), { ...options, draft: { from: pathToFileURL(path) } }),
  ];
  const [told, toldByAddress] = await Promise.all(
    models.map((model) => model.complete("Once", { seed: 1, maxTokens: 8 }).text()),
  );
  expect(toldByAddress).toBe(told);
  for (const model of models) await model.dispose();
});

test.each<[unknown, string, string]>([
  ["hf:OWNER/REPO", "IoError", "hf:OWNER/REPO is no path: pullModel of @ll/hub/node gives one"],
  ["https://a.invalid/b.gguf", "IoError", "https://a.invalid/b.gguf is no path: pullModel"],
  [pathToFileURL("/none.gguf"), "IoError", "failed to open /none.gguf: No such file or directory"],
  [pathToFileURL("/tmp/"), "IoError", " is a directory: name a model file in it"],
  [null, "TypeError", '"from" expected bytes, a Blob, a URL or a ByteSource, got null'],
  [5, "TypeError", '"from" expected bytes, a Blob, a URL or a ByteSource, got number 5'],
])("%s is refused by what it is", async (from, name, message) => {
  const error = await openPath(from as string).catch((caught: Error) => caught);
  expect(error).toMatchObject({ name, message: expect.stringContaining(message) });
});
