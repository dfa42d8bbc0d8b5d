// Debian's Chromium on pages of ll-serve: what a page asks for and what its policy forbids is noted.

import { existsSync } from "node:fs";
import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";

const CHROMIUM = process.env["LL_CHROMIUM"] ?? "/usr/bin/chromium";

export const missingChromium = existsSync(CHROMIUM) ? undefined : "(Chromium is not installed: set LL_CHROMIUM)";

const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** The name of this machine in another one's browser: plain HTTP under it is no secure context. */
export const LAN_HOST = "ll.test";
/** The name of somebody else, whose name server says that it is this machine. */
export const FOREIGN_HOST = "foreign.test";

export function startChromium(): Promise<Browser> {
  const args = [
    ...FLAGS,
    `--host-resolver-rules=${[LAN_HOST, FOREIGN_HOST].map((name) => `MAP ${name} 127.0.0.1`).join(",")}`,
  ];
  return chromium.launch({ executablePath: CHROMIUM, args });
}

/** What a page did that it must not do. */
export class Watch {
  readonly violations: string[] = [];
  readonly errors: string[] = [];
  readonly requests: string[] = [];
  readonly dialogs: string[] = [];

  async on(context: BrowserContext): Promise<void> {
    await context.exposeFunction("noteViolation", (what: string) => this.violations.push(what));
    await context.addInitScript(() => {
      addEventListener("securitypolicyviolation", ({ violatedDirective, blockedURI, sample }) => {
        (globalThis as unknown as { noteViolation(what: string): void }).noteViolation(
          `${violatedDirective} ${blockedURI} ${sample}`,
        );
      });
    });
    context.on("page", (page) => this.#watch(page));
  }

  #watch(page: Page): void {
    page.on("pageerror", (error) => this.errors.push(String(error)));
    page.on("request", (request) => this.requests.push(request.url()));
    page.on("dialog", (dialog) => {
      this.dialogs.push(dialog.message());
      void dialog.dismiss();
    });
  }
}
