// Vite and other bundlers look for `new Worker(new URL("FILE", import.meta.url)`, and fail where FILE is not in the package.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";
import { expect, test } from "vitest";

const ROOT = join(import.meta.dirname, "..", "..");

test.each(["llama", "convert"])("@ll/%s starts no worker but the file beside its build", async (name) => {
  const folder = join(ROOT, "packages", name);
  const entryPoints = [join(folder, "src/index.ts")];
  const built = await build({ entryPoints, bundle: true, format: "esm", packages: "external", write: false });
  const files = [...(built.outputFiles[0]?.text ?? "").matchAll(/new Worker\(\s*new URL\("([^"]*)"/g)];
  expect(files.map(([, file]) => file)).toEqual(["./worker.js"]);

  const manifest = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  expect(manifest.exports["./worker"].default).toBe("./dist/worker.js");
  expect(manifest.exports["."].default).toBe("./dist/index.js");
});
