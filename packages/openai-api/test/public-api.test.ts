import { readFileSync } from "node:fs";
import { join } from "node:path";
import { buildSync } from "esbuild";
import { expect, test } from "vitest";
import * as api from "../src/index.ts";

test("what the package exports", () => {
  expect(Object.keys(api).sort()).toMatchInlineSnapshot(`
    [
      "ApiError",
      "createHandler",
      "jsonObjectOf",
      "methodNotAllowed",
      "propertiesOf",
    ]
  `);
});

test("at most 45 KB minified, with what checks requests", () => {
  const { outputFiles } = buildSync({
    entryPoints: [join(import.meta.dirname, "../src/index.ts")],
    bundle: true,
    minify: true,
    write: false,
    format: "esm",
    external: ["@ll/*"],
  });
  const [file] = outputFiles;
  expect(file!.contents.length).toBeLessThan(45_000);
  expect(file!.text).not.toMatch(/from"node:/);
});

test("stands on packages of its own project, and on one that checks values", () => {
  const { dependencies } = JSON.parse(readFileSync(join(import.meta.dirname, "../package.json"), "utf8"));
  expect(Object.keys(dependencies).filter((name) => !name.startsWith("@ll/"))).toEqual(["valibot"]);
});
