// Writes the page that Vite made of apps/web into the package that it is run in, as a module with its files as text: src/page-files.ts. It is
// not committed. Each file is there in the two encodings that browsers ask for, compressed as far as they go.

import { createHash } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { extname, join } from "node:path";
import { brotliCompressSync, gzipSync } from "node:zlib";

const BUILT = join("..", "web", "dist", "served");
const TYPES = {
  ".css": "text/css; charset=utf-8",
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".svg": "image/svg+xml",
};

const files = readdirSync(BUILT, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile())
  .map((entry) => join(entry.parentPath, entry.name))
  .sort();

const entries = files.map((file) => {
  const bytes = readFileSync(file);
  const path = file.slice(BUILT.length).replaceAll("\\", "/").replace("/index.html", "/");
  const type = TYPES[extname(file)];
  if (type === undefined) throw new Error(`${file}: tools/build-page.mjs knows no type for it`);
  return {
    path,
    type,
    sha256: createHash("sha256").update(bytes).digest("hex"),
    brotli: brotliCompressSync(bytes).toString("base64"),
    gzip: gzipSync(bytes, { level: 9 }).toString("base64"),
  };
});

const lines = [
  "// Made by tools/build-page.mjs; not committed.",
  "",
  'import type { PageFile } from "./page.ts";',
  "",
  `export const PAGE_FILES: readonly PageFile[] = ${JSON.stringify(entries, null, 2)};`,
  "",
];
writeFileSync(join("src", "page-files.ts"), lines.join("\n"));
