import { readFileSync } from "node:fs";
import { defineConfig } from "tsup";

const { name, version } = JSON.parse(readFileSync("package.json", "utf8")) as { name: string; version: string };

/** What the worker says that it is: two builds that do not belong together must not talk to each other. */
const define = { LL_BUILD: JSON.stringify(`${name} ${version}`) };

export default defineConfig([
  {
    entry: ["src/index.ts"],
    format: ["esm"],
    dts: { entry: ["src/index.ts", "src/worker.ts"] },
    clean: ["!**/worker.js"],
    target: "es2024",
    define,
  },
  {
    // one file without imports, to be put beside any bundle
    entry: ["src/worker.ts"],
    format: ["esm"],
    noExternal: [/^@ll\//],
    splitting: false,
    minify: true,
    target: "es2024",
    define,
  },
]);
