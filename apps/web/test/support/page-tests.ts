// What tests of pages of a server share: the server, the browser, and behind each test a look at what its pages must not have done.

import type { Browser, BrowserContext, BrowserContextOptions } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, expect } from "vitest";
import { startChromium, Watch } from "./browser.ts";
import { servePage } from "./served-page.ts";

type PageServer = Awaited<ReturnType<typeof servePage>>;

export interface PageTests {
  readonly server: PageServer;
  readonly browser: Browser;
  /** Of the test that runs. */
  readonly watch: Watch;
  /** One that is watched, and closed behind the test. */
  newContext(options?: BrowserContextOptions): Promise<BrowserContext>;
}

/** Is called in a `describe`; what it gives is there in its tests. */
export function pageTests(): PageTests {
  const shared: { server?: PageServer; browser?: Browser; watch: Watch } = { watch: new Watch() };
  let contexts: BrowserContext[] = [];

  beforeAll(async () => {
    shared.server = await servePage();
    shared.browser = await startChromium();
  });
  afterAll(async () => {
    await shared.browser?.close();
    await shared.server?.close();
  });
  beforeEach(() => {
    shared.watch = new Watch();
    if (shared.server !== undefined) shared.server.pace.ms = 0;
  });
  afterEach(async () => {
    if (shared.server !== undefined) shared.server.pace.ms = 0;
    for (const context of contexts) await context.close();
    contexts = [];
    const { violations, errors, dialogs, requests } = shared.watch;
    expect({ violations, errors, dialogs }).toEqual({ violations: [], errors: [], dialogs: [] });
    expect(new Set(requests.map((url) => new URL(url).hostname)).size).toBeLessThanOrEqual(1);
  });

  return {
    get server() {
      return shared.server as PageServer;
    },
    get browser() {
      return shared.browser as Browser;
    },
    get watch() {
      return shared.watch;
    },
    async newContext(options) {
      const context = await this.browser.newContext(options);
      contexts.push(context);
      await shared.watch.on(context);
      return context;
    },
  };
}
