// Two pages of one code base: `--mode served` is embedded in ll-serve, `--mode static` works from any folder of any web server.

import { join } from "node:path";
import { defineConfig, type UserConfig } from "vite";

export default defineConfig(({ mode }): UserConfig => {
  const page = mode === "static" ? "static" : "served";
  return {
    root: join(import.meta.dirname, "src", page),
    base: page === "static" ? "./" : "/",
    publicDir: false,
    resolve: { conditions: ["@ll/source", "module", "browser", "development|production"] },
    oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
    build: {
      outDir: join(import.meta.dirname, "dist", page),
      emptyOutDir: true,
      target: "es2024",
      assetsInlineLimit: 0,
      modulePreload: { polyfill: false },
      reportCompressedSize: false,
    },
    worker: { format: "es" },
    server: { proxy: page === "served" ? { "/v1": LL_SERVE, "/props": LL_SERVE } : {} },
  };
});

/** Where `pnpm dev` finds a server to talk to. */
const LL_SERVE = "http://127.0.0.1:8080";
