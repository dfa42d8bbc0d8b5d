// A page of a real ll-serve over the embedded model, and hands that use it as a person does: by names that are read aloud.

import { openModel } from "@ll/chat";
import type { BrowserContext, Locator, Page, Route } from "playwright-core";
import { expect } from "vitest";
import { SHORT_TEMPLATE, tinyModel } from "../../../../tools/tiny-model.ts";
import { createPage } from "../../../server/src/page.ts";
import { PAGE_FILES } from "../../../server/src/page-files.ts";
import { startServer, type TestOptions, type TestServer } from "../../../server/test/support/test-server.ts";
import { text } from "../../src/text.ts";
import { LAN_HOST } from "./browser.ts";

/** Much longer than the slowest step takes, on a busy machine as well: only what hangs is ended. */
export const PATIENCE = 200_000;

/** Milliseconds that the engine rests after each step: a test that wants to interrupt an answer makes it slow. */
export interface Pace {
  ms: number;
}

export async function servePage(options: TestOptions = {}): Promise<TestServer & { readonly pace: Pace }> {
  const pace: Pace = { ms: 0 };
  const bytes = await tinyModel("q4_0");
  const { slots = 4, maxWaiting = 64 } = options;
  const rest = new Int32Array(new SharedArrayBuffer(4));
  const server: TestServer = await startServer({
    page: createPage(PAGE_FILES),
    allowHosts: [LAN_HOST],
    open: () =>
      openModel(bytes, {
        ...{ template: SHORT_TEMPLATE, contextTokens: 512, parallel: slots },
        scheduler: {
          ...{ contexts: 2 * slots, maxWaiting },
          onStep: (step) => {
            server?.onStep(step);
            if (pace.ms > 0) Atomics.wait(rest, 0, 0, pace.ms);
          },
        },
      }),
    ...options,
  });
  return { ...server, pace };
}

export class Hands {
  readonly page: Page;

  constructor(page: Page) {
    this.page = page;
    page.setDefaultTimeout(PATIENCE);
  }

  static async open(
    context: BrowserContext,
    url: string,
    settings: object = { seed: 1, max_tokens: 24 },
  ): Promise<Hands> {
    const page = await context.newPage();
    const hands = new Hands(page);
    await page.addInitScript(
      (json) => localStorage.setItem("ll-served:defaults", json),
      JSON.stringify({ system: "", settings }),
    );
    await page.goto(url);
    await hands.field.waitFor();
    return hands;
  }

  get field(): Locator {
    return this.page.locator("#field");
  }

  get said(): Locator {
    return this.page.locator(".turn.user .said");
  }

  get answers(): Locator {
    return this.page.locator(".turn.answer");
  }

  get lastAnswer(): Locator {
    return this.answers.last();
  }

  button(name: string, within: Locator | Page = this.page): Locator {
    return within.getByRole("button", { name, exact: true });
  }

  async say(words: string): Promise<void> {
    await this.field.fill(words);
    await this.field.press("Enter");
  }

  /** Until the answer is there, whole or not. */
  async answered(n: number): Promise<string> {
    await expect.poll(() => this.answers.count(), { timeout: PATIENCE }).toBe(n);
    await this.page.locator('.turn.answer[aria-busy="true"]').waitFor({ state: "detached" });
    return this.textOf(this.lastAnswer);
  }

  /** Until some of the answer is there, and the rest not yet. */
  async writing(): Promise<void> {
    await this.page.locator('.turn.answer[aria-busy="true"] .prose').waitFor();
  }

  async textOf(answer: Locator): Promise<string> {
    return plain((await answer.locator(".prose").allInnerTexts()).join("\n"));
  }

  /** Every turn that is shown. */
  async path(): Promise<string[]> {
    return (await this.page.locator(".turn .said, .turn > .prose").allInnerTexts()).map(plain);
  }
}

/** White space is the layout's. */
export function plain(words: string): string {
  return words.replace(/\s+/g, " ").trim();
}

/** Answers chats with what is given, as a stream of the API has it. */
export async function answerWith(page: Page, content: string, reasoning = "", usage?: object): Promise<void> {
  const chunk = (delta: object, more: object = {}): string =>
    `data: ${JSON.stringify({ choices: [{ index: 0, delta, finish_reason: null, ...more }] })}\n\n`;
  const body = [
    chunk({ role: "assistant", content: "" }),
    reasoning === "" ? "" : chunk({ reasoning_content: reasoning }),
    chunk({ content }),
    chunk({}, { finish_reason: "stop" }),
    usage === undefined ? "" : `data: ${JSON.stringify({ choices: [], usage })}\n\n`,
    "data: [DONE]\n\n",
  ].join("");
  await page.route("**/v1/chat/completions", (route: Route) =>
    route.fulfill({ status: 200, contentType: "text/event-stream", body }),
  );
}

export { text };
