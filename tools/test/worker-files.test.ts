// The worker's file is what bundlers and people have to find: one address in one form, one file without imports.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";
import { describe, expect, test } from "vitest";

const ROOT = join(import.meta.dirname, "..", "..");

describe.each([
  ["llama", "worker"],
  ["convert", "convert-worker"],
])("@ll/%s", (name, worker) => {
  const folder = join(ROOT, "packages", name);

  test("looks for its worker beside its build, in the one form that bundlers follow", async () => {
    const entryPoints = [join(folder, "src/index.ts")];
    const built = await build({ entryPoints, bundle: true, format: "esm", packages: "external", write: false });
    const text = built.outputFiles[0]?.text ?? "";
    // Vite and webpack fail where any other file stands in this form that is not there
    const files = [...text.matchAll(/new URL\(([^()]*), import\.meta\.url\)/g)];
    expect(files.map(([, file]) => file)).toEqual([`"./${worker}.js"`]);

    const manifest = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
    expect(manifest.exports["./worker"].default).toBe(`./dist/${worker}.js`);
    expect(manifest.exports["."].default).toBe("./dist/index.js");
    expect(manifest.sideEffects).toContain(`./dist/${worker}.js`);
  });

  test("has a worker that imports nothing, for workers have no import map", async () => {
    const { metafile } = await build({
      entryPoints: [join(folder, "src", `${worker}.ts`)],
      bundle: true,
      format: "esm",
      conditions: ["@ll/source"],
      metafile: true,
      write: false,
    });
    const outputs = Object.values(metafile.outputs);
    expect(outputs.length).toBe(1);
    expect(outputs[0]?.imports).toEqual([]);
    expect(
      Object.keys(metafile.inputs).filter(
        (path) => /wasm-(simd|relaxed)\.ts$/.test(path) && (outputs[0]?.inputs[path]?.bytesInOutput ?? 0) > 0,
      ),
    ).toEqual([]);
  });
});
