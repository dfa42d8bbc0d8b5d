// The page that runs a model in the tab, in Chromium: models are opened, converted, kept and run there, with the bytes and the text that Node
// makes; and in Firefox a conversation for each way to be isolated.

import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";
import puppeteer from "puppeteer-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { fixture } from "../../../tools/test-data.ts";
import { type MadeByNode, makeByNode, PROMPT, SETTINGS } from "./support/made-by-node.ts";
import { buildStaticPage, DIST, ISOLATED, type Site, serveStatic } from "./support/static-site.ts";

const CHROMIUM = process.env["LL_CHROMIUM"] ?? "/usr/bin/chromium";
const FIREFOX = process.env["LL_FIREFOX"] ?? "/usr/bin/firefox-esr";
const hasChromium = existsSync(CHROMIUM);
const hasFirefox = existsSync(FIREFOX);
const AXE = join(import.meta.dirname, "..", "node_modules", "axe-core", "axe.min.js");

/** What is loaded, compressed and without kernels: until the page can be used; until a model file answers; until the embedded checkpoint
 * is converted and answers. */
const MOST_BYTES = { page: 72 * 1024, running: 212 * 1024, converting: 288 * 1024 };

let made: MadeByNode;
let site: Site;
let plainSite: Site;
let policySite: Site;

beforeAll(async () => {
  if (!hasChromium && !hasFirefox) return;
  buildStaticPage();
  made = await makeByNode();
  site = await serveStatic(ISOLATED);
  plainSite = await serveStatic({});
  policySite = await serveStatic({ "document-isolation-policy": "isolate-and-credentialless" });
});

afterAll(() => {
  site?.close();
  plainSite?.close();
  policySite?.close();
  made?.remove();
});

describe.skipIf(!hasChromium)(
  `the static page in Chromium${hasChromium ? "" : " (not installed: set LL_CHROMIUM)"}`,
  () => {
    let browser: Browser;

    beforeAll(async () => {
      browser = await chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox", "--disable-gpu"] });
    });

    afterAll(() => browser?.close());

    interface Visit {
      readonly page: Page;
      readonly context: BrowserContext;
      /** Method and address of every request. */
      readonly asked: string[];
      /** Closes it, after a look at what must not have happened. */
      end(): Promise<void>;
    }

    async function visit(url: string, serviceWorkers: "allow" | "block" = "allow"): Promise<Visit> {
      const context = await browser.newContext({ serviceWorkers });
      const page = await context.newPage();
      const wrong: string[] = [];
      const asked: string[] = [];
      page.on("console", (message) => {
        if (/Content Security Policy|Trusted/.test(message.text())) wrong.push(message.text());
      });
      page.on("pageerror", (error) => wrong.push(String(error)));
      context.on("request", (request) => asked.push(`${request.method()} ${request.url()}`));
      await page.goto(url);
      await page.getByRole("button", { name: "Choose files" }).waitFor();
      return {
        page,
        context,
        asked,
        async end() {
          expect(wrong).toEqual([]);
          // nothing but files of the page itself is asked for, and nothing is sent
          expect(asked.filter((one) => !one.startsWith(`GET ${url}`) && !one.startsWith("GET blob:"))).toEqual([]);
          await context.close();
        },
      };
    }

    const pick = (page: Page, ...paths: string[]): Promise<void> => page.locator(".pick-files").setInputFiles(paths);
    const pickFolder = (page: Page): Promise<void> => page.locator(".pick-folder").setInputFiles(fixture("tiny/hf"));

    async function chooseTarget(page: Page, target: string, to: "kept" | "memory" | "disk"): Promise<void> {
      const find = page.getByRole("button", { name: "What can be made of it?" });
      await page.getByLabel("Make").or(find).waitFor();
      if (await find.isVisible()) await find.click();
      await page.getByLabel("Make").waitFor();
      const labels = await page.getByLabel("Make").locator("option").allTextContents();
      await page
        .getByLabel("Make")
        .selectOption({ label: labels.find((one) => one.startsWith(`${target}:`)) ?? target });
      await page.getByLabel("Write to").selectOption(to);
    }

    /** Writes a file, and returns its hash. */
    async function convert(page: Page, target: string, to: "kept" | "memory" | "disk"): Promise<string | null> {
      await chooseTarget(page, target, to);
      await page.getByRole("button", { name: "Write the file" }).click();
      return page.locator(".sha256").textContent();
    }

    /** Runs what is open; with two threads, if the page lets one choose. */
    async function runModel(page: Page): Promise<string | null> {
      const threads = page.getByLabel("Threads");
      if (await threads.isEnabled()) await threads.selectOption("2");
      await page.getByRole("button", { name: "Run", exact: true }).click();
      await page.getByLabel("Message", { exact: true }).waitFor();
      return page.locator(".running-text").textContent();
    }

    /** What the model goes on with in the tab for raw text. */
    async function generate(page: Page): Promise<string> {
      await page.getByRole("button", { name: "Settings", exact: true }).click();
      for (const [name, value] of Object.entries(SETTINGS)) await page.locator(`#setting-${name}`).fill(String(value));
      await page.keyboard.press("Escape");
      await page.getByRole("button", { name: "Raw text" }).click();
      const field = page.getByLabel("Text that the model goes on with");
      await field.fill(PROMPT);
      await page.keyboard.press("Control+Enter");
      await page.locator(".raw .figures").waitFor();
      return (await field.inputValue()).slice(PROMPT.length);
    }

    const kept = (page: Page): Promise<string[]> =>
      page.evaluate(async () => {
        const folder = await (await navigator.storage.getDirectory()).getDirectoryHandle("models", { create: true });
        const names: string[] = [];
        for await (const name of folder.keys()) names.push(name);
        return names;
      });

    async function axe(page: Page): Promise<unknown> {
      await page.evaluate(readFileSync(AXE, "utf8"));
      return page.evaluate(async () => {
        const { axe } = globalThis as unknown as {
          axe: { run(): Promise<{ violations: { id: string; nodes: { html: string }[] }[] }> };
        };
        return (await axe.run()).violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)]);
      });
    }

    const META = ["consolidated.00.pth", "params.json", "tokenizer.model"].map((name) => fixture(`tiny/meta/${name}`));
    const HF = ["model.safetensors", "config.json", "tokenizer.model"].map((name) => fixture(`tiny/hf/${name}`));

    it.each<[string, (page: Page) => Promise<void>, string, "ggjtHash" | "metaHash" | "ggufHash"]>([
      ["a Hugging Face folder", pickFolder, "GGUF Q4_0", "ggufHash"],
      ["a PyTorch file and what lies beside it", (page) => pick(page, ...META), "ggjt Q4_0", "metaHash"],
      ["a safetensors file and what lies beside it", (page) => pick(page, ...HF), "ggjt Q4_0", "ggjtHash"],
      ["a ggjt file", (page) => pick(page, made.f16), "ggjt Q4_0", "ggjtHash"],
      ["a GGUF file", (page) => pick(page, made.gguf), "GGUF Q4_0", "ggufHash"],
    ])("makes of %s what the programs make", async (_, open, target, hash) => {
      const { page, end } = await visit(site.url);
      await open(page);
      expect(await convert(page, target, "memory")).toBe(made[hash]);
      await end();
    });

    it.each<[string, () => string, "allow" | "block", RegExp, RegExp | undefined]>([
      ["both headers", () => site.url, "allow", /2 threads, /, undefined],
      ["a service worker", () => plainSite.url, "allow", /2 threads, /, undefined],
      ["a policy of its document", () => policySite.url, "block", /2 threads, /, undefined],
      ["neither", () => plainSite.url, "block", /1 thread, /, /One thread: the host does not send/],
    ])("runs a picked file on a page with %s, and says what Node says", async (_, url, workers, threads, line) => {
      const { page, end } = await visit(url(), workers);
      if (line !== undefined) await page.getByText(line).waitFor();
      await pick(page, made.q4_0);
      expect(await runModel(page)).toMatch(threads);
      expect(await generate(page)).toBe(made.text);
      await page.getByRole("button", { name: "Unload" }).click();
      await page.getByRole("button", { name: "Go on" }).and(page.locator(":disabled")).waitFor();
      await end();
    });

    it("opens what is dropped on it", async () => {
      const { page, end } = await visit(site.url);
      await page.evaluate(async (base64) => {
        const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
        const dataTransfer = new DataTransfer();
        dataTransfer.items.add(new File([bytes], "dropped.bin"));
        const drag = (type: string): boolean =>
          document.body.dispatchEvent(new DragEvent(type, { dataTransfer, bubbles: true, cancelable: true }));
        // a page that takes a drop says so beforehand; else the browser opens the file
        if (drag("dragover")) throw new Error("not taken");
        if (drag("drop")) throw new Error("not taken");
      }, readFileSync(made.f16).toString("base64"));
      await page.getByRole("heading", { name: "dropped.bin" }).waitFor();
      expect(await page.locator(".is-over").count()).toBe(0);
      expect(await convert(page, "ggjt Q4_0", "memory")).toBe(made.ggjtHash);
      await end();
    });

    it("writes to a place on disk, whole or not at all, and nothing if no place is chosen", async () => {
      const { page, end } = await visit(site.url);
      // the dialog is the browser's; what it gives is a handle such as this
      await page.evaluate(() => {
        const answers = [undefined, "made.bin"];
        Object.assign(globalThis, {
          showSaveFilePicker: async ({ suggestedName }: { suggestedName: string }) => {
            const name = answers.shift();
            if (name === undefined) throw new DOMException(suggestedName, "AbortError");
            return (await navigator.storage.getDirectory()).getFileHandle(name, { create: true });
          },
        });
      });
      await pick(page, made.f16);
      await chooseTarget(page, "ggjt Q4_0", "disk");
      await page.getByRole("button", { name: "Write the file" }).click();
      expect(await page.getByRole("alert").count()).toBe(0);
      expect(await page.locator(".sha256").count()).toBe(0);
      expect(await convert(page, "ggjt Q4_0", "disk")).toBe(made.ggjtHash);
      const bytes = await page.evaluate(async () => {
        const handle = await (await navigator.storage.getDirectory()).getFileHandle("made.bin");
        return [...new Uint8Array(await (await handle.getFile()).arrayBuffer())];
      });
      expect(createHash("sha256").update(new Uint8Array(bytes)).digest("hex")).toBe(made.ggjtHash);
      expect(await kept(page)).toEqual([]);
      await end();
    });

    it("is small, and tells a story with the embedded model at one click", async () => {
      const loadedBytes = (asked: readonly string[]): number =>
        [...new Set(asked)]
          .map((one) => one.slice(`GET ${site.url}`.length))
          .filter((name) => !/wasm-|\.(?:model|safetensors|json)$/.test(name))
          .reduce((sum, name) => sum + gzipSync(readFileSync(join(DIST, name || "index.html"))).byteLength, 0);
      const one = await visit(site.url);
      expect(loadedBytes(one.asked)).toBeLessThan(MOST_BYTES.page);
      await pick(one.page, made.gguf);
      await runModel(one.page);
      await generate(one.page);
      const running = loadedBytes(one.asked);
      await one.end();
      const { page, asked, end } = await visit(site.url);
      await page.getByRole("button", { name: "Try the embedded model" }).click();
      await page.getByLabel("Message", { exact: true }).waitFor();
      expect(await generate(page)).toBe(made.text);
      expect(running).toBeLessThan(MOST_BYTES.running);
      expect(loadedBytes(asked)).toBeLessThan(MOST_BYTES.converting);
      await end();
    });

    it("keeps what it made, and runs it after the page was loaded anew", async () => {
      const { page, end } = await visit(site.url);
      await pickFolder(page);
      expect(await convert(page, "ggjt Q4_0", "kept")).toBe(made.ggjtHash);
      expect(await axe(page)).toEqual([]);
      expect(await kept(page)).toEqual([expect.stringMatching(/^[0-9a-f]{64}~hf-Q4_0\.bin$/)]);
      await page.reload();
      await page.locator(".kept-item .conversation").click();
      await runModel(page);
      expect(await generate(page)).toBe(made.text);
      await page.getByRole("button", { name: "Models" }).click();
      expect(await axe(page)).toEqual([]);
      await page.getByRole("button", { name: "Remove hf-Q4_0.bin" }).click();
      expect(await axe(page)).toEqual([]);
      await page.getByRole("button", { name: "Remove", exact: true }).click();
      await expect.poll(() => kept(page)).toEqual([]);
      await end();
    });

    it("says both numbers where there is not enough room, and writes nothing", async () => {
      const { page, context, end } = await visit(site.url);
      const session = await context.newCDPSession(page);
      const { origin } = new URL(site.url);
      await session.send("Storage.overrideQuotaForOrigin", { origin, quotaSize: 1_000_000 });
      await pick(page, made.f16);
      await page.getByRole("button", { name: "Keep in this browser" }).click();
      const alert = page.getByRole("alert");
      await alert.waitFor();
      expect(await alert.textContent()).toMatch(
        /the file has 29\d{5} bytes, and the browser lets this page keep \d+ more/,
      );
      expect(await axe(page)).toEqual([]);
      expect(await kept(page)).toEqual([]);
      await end();
    });

    it("leaves nothing of a conversion that was stopped", async () => {
      const { page, end } = await visit(site.url);
      await pickFolder(page);
      await chooseTarget(page, "GGUF Q4_0", "kept");
      await page.evaluate(async () => {
        const button = (name: string): HTMLButtonElement | undefined =>
          [...document.querySelectorAll("button")].find(({ textContent }) => textContent === name);
        button("Write the file")?.click();
        while (button("Stop") === undefined) await new Promise((resolve) => setTimeout(resolve));
        button("Stop")?.click();
      });
      await page.getByRole("button", { name: "Write the file" }).waitFor();
      expect(await page.locator(".sha256").count()).toBe(0);
      expect(await page.getByRole("alert").count()).toBe(0);
      expect(await kept(page)).toEqual([]);
      await end();
    });

    it("fetches of a model on the hub what is read, keeps what the hub states, and nothing else", async () => {
      const { page, context, asked, end } = await visit(site.url);
      const bytes = readFileSync(made.q4_0);
      const hub = { sha256: made.ggjtHash };
      await context.route("https://huggingface.co/**", async (route) => {
        const { pathname } = new URL(route.request().url());
        const headers = { "access-control-allow-origin": "*", "access-control-expose-headers": "content-range, etag" };
        if (pathname.includes("/revision/")) return route.fulfill({ headers, json: { sha: "0".repeat(40) } });
        if (pathname.includes("/tree/")) {
          const lfs = { oid: hub.sha256, size: bytes.byteLength };
          const file = { type: "file", path: "tiny-Q8_0.gguf", size: bytes.byteLength, oid: "1".repeat(40), lfs };
          return route.fulfill({ headers, json: [file] });
        }
        const [, start = "0", end = "0"] = /^bytes=(\d+)-(\d+)$/.exec(route.request().headers()["range"] ?? "") ?? [];
        const part = bytes.subarray(Number(start), Number(end) + 1);
        const range = `bytes ${start}-${Number(start) + part.length - 1}/${bytes.byteLength}`;
        return route.fulfill({ status: 206, headers: { ...headers, "content-range": range }, body: part });
      });
      await page.getByLabel(/^Address/).fill("hf:someone/tiny");
      await page.getByRole("button", { name: "Open", exact: true }).click();
      await page.getByText("ggjt v3", { exact: false }).waitFor();
      hub.sha256 = "2".repeat(64);
      await page.getByRole("button", { name: "Keep in this browser" }).click();
      await page.getByText(/is not what the hub states/).waitFor();
      expect(await kept(page)).toEqual([]);
      hub.sha256 = made.ggjtHash;
      await page.getByRole("button", { name: "Keep in this browser" }).click();
      await page.getByText("kept in this browser", { exact: true }).waitFor();
      expect(await kept(page)).toEqual([expect.stringMatching(/^[0-9a-f]{64}~tiny-Q8_0\.gguf$/)]);
      const others = asked.filter((one) => one.includes("huggingface.co"));
      expect(others.every((one) => one.startsWith("GET https://huggingface.co/"))).toBe(true);
      asked.splice(0);
      await end();
    });

    it("says of a hostile file what is wrong with it, and of a lonely one what is missing", async () => {
      const { page, end } = await visit(site.url);
      const alert = page.getByRole("alert");
      const hostile = readFileSync(made.gguf);
      hostile.writeBigUInt64LE(2n ** 60n, 8); // so many tensors
      await page.locator(".pick-files").setInputFiles({ name: "hostile.gguf", mimeType: "", buffer: hostile });
      expect(await alert.textContent()).toMatch(/cannot be opened:.*hostile\.gguf/);
      await pick(page, fixture("tiny/hf/model.safetensors"));
      await page.getByText(/tokenizer\.model/).waitFor();
      expect(await axe(page)).toEqual([]);
      await page.evaluate(() => sessionStorage.setItem("ll-loading", "large.gguf"));
      await page.reload();
      await page.getByText(/The tab ended while it loaded large\.gguf/).waitFor();
      await end();
    });
  },
);

describe.skipIf(!hasFirefox)(
  `the static page in Firefox${hasFirefox ? "" : " (not installed: set LL_FIREFOX)"}`,
  () => {
    it.each([
      ["both headers", () => site.url],
      ["a service worker", () => plainSite.url],
    ])("is isolated by %s, and says what Node says", async (_, url) => {
      const browser = await puppeteer.launch({ browser: "firefox", executablePath: FIREFOX, headless: true });
      try {
        const page = await browser.newPage();
        await page.goto(url());
        const input = await page.waitForSelector("input.pick-files");
        await input?.uploadFile(made.q4_0);
        await page.locator("aria/Threads").fill("2");
        await page.locator("aria/Run").click();
        await page.waitForSelector("aria/Message");
        expect(await page.$eval(".running-text", ({ textContent }) => textContent)).toMatch(/2 threads, /);
        await page.locator("aria/Settings").click();
        for (const [name, value] of Object.entries(SETTINGS))
          await page.locator(`#setting-${name}`).fill(String(value));
        await page.keyboard.press("Escape");
        await page.locator("aria/Raw text").click();
        await page.locator(".raw .field").fill(PROMPT);
        await page.locator(".raw .primary").click();
        await page.waitForSelector(".raw .figures");
        const text = await page.$eval(".raw .field", (field) => (field as HTMLTextAreaElement).value);
        expect(text.slice(PROMPT.length)).toBe(made.text);
      } finally {
        await browser.close();
      }
    });
  },
);
