// Pages of other sites in a real browser, which try to use the server of whoever looks at them: nothing of theirs reaches the model, and
// they can read nothing.

import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startServer, type TestServer } from "../../server/test/support/test-server.ts";
import { FOREIGN_HOST, missingChromium, startChromium } from "./support/browser.ts";

interface Tried {
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string;
  readonly mode?: RequestMode;
}

describe.skipIf(missingChromium !== undefined)(`a page of another site ${missingChromium ?? ""}`, () => {
  let browser: Browser;
  let server: TestServer;
  let foreign: Server;
  let page: Page;

  beforeAll(async () => {
    server = await startServer();
    foreign = createServer((_, response) => response.setHeader("content-type", "text/html").end("<h1>Hello</h1>"));
    await new Promise<void>((resolve) => foreign.listen(0, "127.0.0.1", resolve));
    browser = await startChromium();
    page = await browser.newPage();
  });

  afterAll(async () => {
    await browser?.close();
    foreign?.close();
    await server?.close();
  });

  /** What a page gets of a request: a status, "opaque" for an answer that it may not read, or the name of an error. */
  const tries = (url: string, init: Tried): Promise<string | number> =>
    page.evaluate(
      ([address, options]) =>
        fetch(address, options).then(
          ({ type, status }) => (type === "opaque" ? type : status),
          (error: Error) => error.name,
        ),
      [url, init] as const,
    );

  const body = JSON.stringify({ messages: [{ role: "user", content: "Hi" }], max_tokens: 1 });
  const asJson = { method: "POST", headers: { "content-type": "application/json" }, body };
  const asText = { method: "POST", headers: { "content-type": "text/plain" }, body, mode: "no-cors" as const };

  /** Of requests since the last look. */
  const statuses = (): number[] => server.lines.splice(0).map(({ status }) => status);

  test("that asks for it by its address is refused before anything is read", async () => {
    await page.goto(`http://${FOREIGN_HOST}:${(foreign.address() as AddressInfo).port}/`);
    const url = `${server.url}/v1/chat/completions`;
    expect(await tries(url, asJson)).toBe("TypeError");
    expect(await tries(url, asText)).toMatch(/opaque|TypeError/);
    expect(await tries(`${server.url}/v1/models`, {})).toBe("TypeError");
    expect(await tries(`${server.url}/v1/models`, { mode: "no-cors" })).toMatch(/opaque|TypeError/);
    const seen = statuses();
    // the preflight is answered without a header that allows anything; all else is refused, unless the browser does so
    expect(seen.filter((status) => status !== 204 && status !== 403)).toEqual([]);
  });

  test("whose name leads to this machine is refused by its name", async () => {
    const own = `http://${FOREIGN_HOST}:${server.port}`;
    const answer = await page.goto(`${own}/health/live`);
    expect(answer?.status()).toBe(403);
    // it is its own origin here, so the browser holds nothing back
    expect(await tries(`${own}/v1/chat/completions`, asJson)).toBe(403);
    expect(await tries(`${own}/v1/models`, {})).toBe(403);
    expect(statuses().every((status) => status === 403)).toBe(true);
    expect(server.host.model?.stats().evaluatedTokens).toBe(0);
  });
});
