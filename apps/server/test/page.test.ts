// The page in the server: a table of files, in the encoding that is asked for, for browsers alone, and small.

import { gunzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createPage } from "../src/page.ts";
import { PAGE_FILES } from "../src/page-files.ts";
import { ask, startServer, type TestServer } from "./support/test-server.ts";

const HTML = { accept: "text/html,application/xhtml+xml,*/*;q=0.8" };
const script = PAGE_FILES.find(({ path }) => path.endsWith(".js"))?.path ?? "";

/** Bytes of the whole page as a browser gets them. */
const BUDGET = 60 * 1024;

describe("the page", () => {
  let server: TestServer;

  beforeAll(async () => {
    server = await startServer({ page: createPage(PAGE_FILES), keys: ["secret"], isLoaded: false });
  });

  afterAll(() => server.close());

  test("is for whoever wants HTML, without a key and before the model is there", async () => {
    const { status, headers, body } = await ask(server.port, "/", { headers: HTML });
    expect(status).toBe(200);
    expect(body).toContain('<div id="app">');
    expect(headers).toMatchObject({
      "content-type": "text/html; charset=utf-8",
      "cache-control": "no-cache",
      "referrer-policy": "no-referrer",
      "x-content-type-options": "nosniff",
    });
    expect(headers["content-security-policy"]).toContain("default-src 'none'; script-src 'self';");
    expect(headers["content-security-policy"]).not.toContain("wasm");
    expect((await ask(server.port, "/")).status).toBe(404);
    expect((await ask(server.port, "/v1/models", { headers: HTML })).status).toBe(401);
  });

  test.each([
    ["br, gzip", "br"],
    ["gzip, deflate", "gzip"],
    ["br;q=0, gzip;q=0.5", "gzip"],
    ["", undefined],
  ])("comes in what is accepted: %s", async (accepted, encoding) => {
    const answer = await fetch(`${server.url}${script}`, { headers: { "accept-encoding": accepted || "identity" } });
    expect(answer.headers.get("content-encoding") ?? undefined).toBe(encoding);
    expect(answer.headers.get("cache-control")).toBe("public, max-age=31536000, immutable");
    const whole = gunzipSync(Buffer.from(PAGE_FILES.find(({ path }) => path === script)?.gzip ?? "", "base64"));
    expect(Buffer.from(await answer.arrayBuffer()).equals(whole)).toBe(true);
  });

  test("is not sent again to whoever has it", async () => {
    const { headers } = await ask(server.port, "/", { headers: HTML });
    const again = await ask(server.port, "/", { headers: { ...HTML, "if-none-match": headers.etag ?? "" } });
    expect([again.status, again.body]).toEqual([304, ""]);
  });

  test("is led to by links of other sites, which cannot ask", async () => {
    const foreign = { "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate" };
    expect((await ask(server.port, "/", { headers: { ...HTML, ...foreign } })).status).toBe(200);
    expect((await ask(server.port, "/v1/models", { headers: foreign })).status).toBe(403);
    expect((await ask(server.port, "/", { headers: { ...HTML, host: "evil.example" } })).status).toBe(403);
  });

  test.each(["/index.html", "/assets/", "/assets/x.js", "/assets/../package.json", `${script}/`])(
    "has no %s",
    async (path) => {
      const headers = { ...HTML, authorization: "Bearer secret" };
      expect((await ask(server.port, path, { headers })).status).toBeGreaterThanOrEqual(404);
    },
  );

  test("is small", () => {
    const sizes = PAGE_FILES.map(({ path, gzip }) => [path, Buffer.from(gzip, "base64").length] as const);
    const total = sizes.reduce((sum, [, bytes]) => sum + bytes, 0);
    expect(total, JSON.stringify(sizes)).toBeLessThanOrEqual(BUDGET);
  });
});

test("without it there is nothing at /", async () => {
  const server = await startServer();
  expect((await ask(server.port, "/", { headers: HTML })).status).toBe(404);
  await server.close();
});
