// Two pages of one code base: `--mode served` is embedded in ll-serve, `--mode static` works from any folder of any web server.

import { join } from "node:path";
import { defineConfig, type Plugin, type UserConfig } from "vite";

/** Threads share memory, which only a page has that is isolated by these. */
const ISOLATED = {
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-embedder-policy": "require-corp",
};

/** What the static page may do, wherever it lies; a person may type the address of a model, so it asks other hosts, and sends them nothing. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self' 'wasm-unsafe-eval'",
  "worker-src 'self'",
  "style-src 'self'",
  "connect-src 'self' https: http://127.0.0.1:* http://localhost:*",
  "img-src 'self' data: blob:",
  "base-uri 'none'",
  "form-action 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types dompurify default",
].join("; ");

const policy: Plugin = {
  name: "policy",
  apply: "build",
  transformIndexHtml: () => [
    { tag: "meta", attrs: { "http-equiv": "content-security-policy", content: POLICY }, injectTo: "head-prepend" },
    { tag: "meta", attrs: { name: "referrer", content: "no-referrer" }, injectTo: "head-prepend" },
  ],
};

export default defineConfig(({ mode }): UserConfig => {
  const page = mode === "static" ? "static" : "served";
  return {
    root: join(import.meta.dirname, "src"),
    base: page === "static" ? "./" : "/",
    publicDir: page === "static" ? join(import.meta.dirname, "src", "static", "public") : false,
    plugins: page === "static" ? [policy] : [],
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
    worker: {
      format: "es",
      rolldownOptions: { output: { codeSplitting: { groups: WORKER_CHUNKS } } },
    },
    preview: { headers: ISOLATED },
    server: { proxy: page === "served" ? { "/v1": LL_SERVE, "/props": LL_SERVE } : {} },
  };
});

const WORKER_CHUNKS = [
  // kernels are files of their own, as those that are loaded by name
  { name: "wasm-llama", test: /packages\/llama\/src\/kernels\/wasm-simd\.ts$/ },
  // what every model needs: one file instead of twenty, which is smaller and comes at once
  { name: "engine", test: /apps\/web\/src\/tab\/engine\.ts$/ },
];

/** Where `pnpm dev` finds a server to talk to. */
const LL_SERVE = "http://127.0.0.1:8080";
