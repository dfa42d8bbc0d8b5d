// The packages in headless Chromium: the same bytes and the same tokens as in Node, with workers.

import { existsSync, readFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { openModel, restoreSession } from "@ll/chat";
import { build } from "esbuild";
import { type Browser, chromium } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runExamples } from "../../packages/chat/test/support/examples.ts";
import type { runInPage } from "../../packages/openai-api/test/support/examples-page.ts";
import type { PageResult, runPage } from "../browser/page.ts";
import { fixture } from "../test-data.ts";
import { tinyModel } from "../tiny-model.ts";

const ROOT = join(import.meta.dirname, "..", "..");
const CHROMIUM = process.env["LL_CHROMIUM"] ?? "/usr/bin/chromium";
const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** The page and its worker, each one file, as a bundler makes them. */
async function bundles(): Promise<Map<string, string>> {
  const result = await build({
    entryPoints: {
      page: join(ROOT, "tools/browser/page.ts"),
      examples: join(ROOT, "packages/openai-api/test/support/examples-page.ts"),
      worker: join(ROOT, "packages/llama/src/worker.ts"),
    },
    bundle: true,
    format: "esm",
    platform: "browser",
    target: "es2024",
    conditions: ["@ll/source"],
    external: ["node:*"],
    outdir: "/",
    write: false,
  });
  return new Map(result.outputFiles.map((file) => [file.path.replace(/^.*\//, "/"), file.text]));
}

/** Serves the page with the headers that SharedArrayBuffer needs. */
async function serve(files: ReadonlyMap<string, string | Uint8Array>): Promise<Server> {
  const server = createServer((request, response) => {
    const path = request.url === "/" ? "/index.html" : (request.url ?? "");
    const body = files.get(path);
    const types: Record<string, string> = {
      html: "text/html",
      "/examples": "text/html",
      js: "text/javascript",
      bin: "application/octet-stream",
    };
    response.writeHead(body === undefined ? 404 : 200, {
      "content-type": types[path.split(".").at(-1) ?? ""] ?? "text/plain",
      "cross-origin-opener-policy": "same-origin",
      "cross-origin-embedder-policy": "require-corp",
    });
    response.end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return server;
}

const isMissing = !existsSync(CHROMIUM);

describe.skipIf(isMissing)(`a page in Chromium${isMissing ? " (not installed: set LL_CHROMIUM)" : ""}`, () => {
  let server: Server;
  let browser: Browser;

  beforeAll(async () => {
    const files = new Map<string, string | Uint8Array>(await bundles());
    files.set("/index.html", '<!doctype html><script type="module" src="/page.js"></script>');
    files.set("/examples", '<!doctype html><script type="module" src="/examples.js"></script>');
    files.set("/model.bin", await tinyModel("f16"));
    files.set("/q4_0.bin", await tinyModel("q4_0"));
    server = await serve(files);
    browser = await chromium.launch({ executablePath: CHROMIUM, args: FLAGS });
  });

  afterAll(async () => {
    await browser?.close();
    server?.close();
  });

  it.each([1, 2, 3])("reads, tokenises, quantises and generates with %i threads as Node does", async (threads) => {
    const page = await browser.newPage();
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    await page.waitForFunction("globalThis.runPage !== undefined");
    const result: PageResult = await page.evaluate(async (nThreads) => {
      const blob = await (await fetch("/model.bin")).blob();
      const run = (globalThis as unknown as { runPage: typeof runPage }).runPage;
      return run(blob, " Once upon a time", 1, { threads: nThreads });
    }, threads);
    await page.close();

    const golden = JSON.parse(readFileSync(fixture("tiny/golden/tiny-main.json"), "utf8"));
    const recorded = golden.cases.find((one: { name: string }) => one.name === "default/q4_0/seed-1");
    expect(result.text).toBe(recorded.stdout.text);
    expect(result.isIsolated).toBe(true);
    expect(result.nTensors).toBe(57);
    expect(result.promptIds).toEqual([1, 385, 386, 261, 370]);
    expect(result.quantizedBytes).toBe((await tinyModel("q4_0")).byteLength);
    expect(result.threads).toBe(threads);
    expect(result.kernels).toMatch(/^(simd|relaxed)$/);
  });

  it("gives what the examples of @ll/chat give in Node, and talks through a client of OpenAI's API", async () => {
    const page = await browser.newPage();
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/examples`);
    await page.waitForFunction("globalThis.runInPage !== undefined");
    const made = await page.evaluate(() => (globalThis as unknown as { runInPage: typeof runInPage }).runInPage());
    await page.close();
    expect(made.examples).toEqual(await runExamples({ openModel, restoreSession }, await tinyModel("q4_0")));
    expect(made.page).toMatchObject({ loaded: 1, text: made.page.expected, outputTokens: 12 });
    expect(made.page.text).not.toBe("");
  });
});
