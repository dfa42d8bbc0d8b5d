// The static page as a build makes it, from a web server that sends the headers it is told to.

import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, statSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join } from "node:path";

const WEB = join(import.meta.dirname, "..", "..");
export const DIST: string = join(WEB, "dist", "static");

/** Makes the page, from the sources. */
export function buildStaticPage(): void {
  const vite = join(WEB, "node_modules", "vite", "bin", "vite.js");
  execFileSync(process.execPath, [vite, "build", "--mode", "static", "--logLevel", "error"], { cwd: WEB });
}

/** What isolates a page in every browser. */
export const ISOLATED = {
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-embedder-policy": "require-corp",
} as const;

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".css": "text/css",
  ".svg": "image/svg+xml",
};

export interface Site {
  readonly url: string;
  close(): void;
}

export async function serveStatic(headers: Readonly<Record<string, string>>): Promise<Site> {
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? "", "http://localhost");
    const path = join(DIST, pathname.endsWith("/") ? `${pathname}index.html` : pathname);
    const isThere = existsSync(path) && statSync(path).isFile();
    const type = TYPES[extname(path)] ?? "application/octet-stream";
    response.writeHead(isThere ? 200 : 404, { "content-type": type, ...headers });
    response.end(isThere ? readFileSync(path) : undefined);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}
