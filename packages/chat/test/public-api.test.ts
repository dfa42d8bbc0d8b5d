import { readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { buildSync } from "esbuild";
import { expect, test } from "vitest";
import * as conversation from "../src/conversation.ts";
import * as formats from "../src/formats.ts";
import * as api from "../src/index.ts";
import * as jinja from "../src/jinja.ts";
import * as node from "../src/node.ts";
import * as templates from "../src/templates.ts";

test("what the package exports", () => {
  expect(Object.keys(api).sort()).toMatchInlineSnapshot(`
    [
      "AnswerError",
      "DEFAULT_DRAFT_TOKENS",
      "MAX_DRAFT_TOKENS",
      "createChatModel",
      "isAnswerError",
      "openModel",
      "restoreSession",
    ]
  `);
  expect(Object.keys(conversation).sort()).toMatchInlineSnapshot(`
    [
      "ConversationError",
      "createConversation",
      "fittingContext",
      "isConversationError",
      "isSameVocabulary",
    ]
  `);
  expect(Object.keys(formats).sort()).toMatchInlineSnapshot(`
    [
      "PLAIN_FORMAT",
      "createOutputParser",
      "endsInThought",
      "outputFormatOf",
    ]
  `);
  expect(Object.keys(jinja).sort()).toMatchInlineSnapshot(`
    [
      "TemplateError",
      "isTemplateError",
      "jinjaTemplate",
    ]
  `);
  expect(Object.keys(templates).sort()).toMatchInlineSnapshot(`
    [
      "TEMPLATES",
      "patternTemplate",
    ]
  `);
  expect(Object.keys(node).sort()).toMatchInlineSnapshot(`
    [
      "openModel",
      "restoreSession",
    ]
  `);
});

test("of its own, at most 25 KB minified are loaded at first; formats, templates and grammars when they are needed", () => {
  const { outputFiles } = buildSync({
    entryPoints: [join(import.meta.dirname, "../src/node.ts")],
    bundle: true,
    minify: true,
    splitting: true,
    write: false,
    outdir: "out",
    format: "esm",
    external: ["@ll/*", "@huggingface/jinja", "node:*"],
  });
  const sizes = new Map(
    outputFiles.map(({ path, contents, text }) => [basename(path), { size: contents.length, text }]),
  );
  const first = new Set(["node.js"]);
  for (const name of first) {
    for (const [, other] of sizes.get(name)!.text.matchAll(/(?:from|import)"\.\/([^"]+)"/g)) first.add(other!);
  }
  const sum = (names: Iterable<string>) => [...names].reduce((total, name) => total + sizes.get(name)!.size, 0);
  expect(sum(first)).toBeLessThan(25_000);
  expect([...first].filter((name) => sizes.get(name)!.text.includes("@huggingface/jinja"))).toEqual([]);
  expect(sum(sizes.keys())).toBeLessThan(74_000);
});

test("stands on packages of its own project, and on an engine of templates", () => {
  const { dependencies } = JSON.parse(readFileSync(join(import.meta.dirname, "../package.json"), "utf8"));
  expect(Object.keys(dependencies).filter((name) => !name.startsWith("@ll/"))).toEqual(["@huggingface/jinja"]);
});
