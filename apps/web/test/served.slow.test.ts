// The page of a real ll-serve in Chromium, as a person uses it: on loopback, and over plain HTTP under a name, which is no secure context.

import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { BrowserContext } from "playwright-core";
import { beforeEach, describe, expect, test } from "vitest";
import { tinyModel } from "../../../tools/tiny-model.ts";
import { ask } from "../../server/test/support/test-server.ts";
import { LAN_HOST, missingChromium } from "./support/browser.ts";
import { pageTests } from "./support/page-tests.ts";
import { Hands, PATIENCE, plain, servePage, text } from "./support/served-page.ts";

const BIN = join(import.meta.dirname, "../../server/src/bin.ts");
const poll = { timeout: PATIENCE };

describe.skipIf(missingChromium !== undefined)(`the served page ${missingChromium ?? ""}`, () => {
  const tests = pageTests();
  let context: BrowserContext;

  beforeEach(async () => {
    context = await tests.newContext({ acceptDownloads: true });
  });

  describe.each([
    ["on this machine", "127.0.0.1", true],
    ["over plain HTTP in a network", LAN_HOST, false],
  ])("%s", (_where, host, isSecure) => {
    const open = (settings?: object) => Hands.open(context, `http://${host}:${tests.server.port}/`, settings);

    test("an answer is the API's; stop, continue, answer again, edit, branches, delete and undo", async () => {
      const hands = await open({ seed: 1, max_tokens: 60 });
      expect(await hands.page.evaluate(() => isSecureContext)).toBe(isSecure);
      await hands.say("Who is it?");
      const first = await hands.answered(1);
      const messages = [{ role: "user", content: "Who is it?" }];
      const { body } = await ask(tests.server.port, "/v1/chat/completions", {
        body: { messages, seed: 1, max_tokens: 60 },
      });
      expect(first).toBe(plain(body.choices[0].message.content));
      await expect
        .poll(() => hands.lastAnswer.locator(".figures").textContent(), poll)
        .toMatch(/\d+ tokens.*tokens\/s.*seed 1/s);

      tests.server.pace.ms = 250;
      await hands.say("And then?");
      await hands.writing();
      await hands.button(text.stop).click();
      const cut = await hands.answered(2);
      tests.server.pace.ms = 0;
      expect(cut.length).toBeGreaterThan(0);
      await expect.poll(() => hands.lastAnswer.textContent(), poll).toContain(text.cut);
      await hands.button(text.goOn, hands.lastAnswer).click();
      await expect.poll(() => hands.answered(2), poll).not.toBe(cut);
      const whole = await hands.answered(2);
      expect(whole.startsWith(cut)).toBe(true);

      await hands.button(text.regenerate, hands.lastAnswer).click();
      await hands.lastAnswer.getByText(text.branch(2, 2)).waitFor();
      await hands.answered(2);
      await hands.button(text.previousBranch, hands.lastAnswer).click();
      await hands.lastAnswer.getByText(text.branch(1, 2)).waitFor();
      await expect.poll(() => hands.textOf(hands.lastAnswer), poll).toBe(whole);

      await hands.button(text.edit).first().click();
      await hands.page.getByRole("textbox", { name: text.edit }).fill("Where is it?");
      await hands.button(text.saveEdit).click();
      await hands.answered(1);
      expect((await hands.path())[0]).toBe("Where is it?");
      await hands.button(text.previousBranch).first().click();
      await expect.poll(() => hands.path(), poll).toHaveLength(4);
      expect((await hands.path()).slice(0, 2)).toEqual(["Who is it?", first]);

      const before = await hands.path();
      await hands.button(text.removeTurn).nth(2).click();
      await expect.poll(() => hands.path(), poll).toEqual(before.slice(0, 2));
      await hands.button(text.undo).click();
      await expect.poll(() => hands.path(), poll).toEqual(before);
    });

    test("a reload in the middle keeps what there was; what is copied and exported is what was said", async () => {
      const hands = await open({ seed: 2, max_tokens: 200 });
      tests.server.pace.ms = 60;
      await hands.say("Tell me a *story*");
      await hands.writing();
      await hands.page.waitForTimeout(1500); // longer than it takes to keep it
      await hands.page.reload();
      tests.server.pace.ms = 0;
      await hands.lastAnswer.getByText(text.cut).waitFor();
      const [said, kept] = await hands.path();
      expect(said).toBe("Tell me a *story*");
      expect(kept?.length).toBeGreaterThan(0);

      await hands.button(text.copy).first().click();
      await hands.page.getByText(text.copied).waitFor();
      await hands.field.press("ControlOrMeta+V");
      await expect.poll(() => hands.field.inputValue(), poll).toBe("Tell me a *story*");
      await hands.page.reload();
      await expect.poll(() => hands.field.inputValue(), poll).toBe("Tell me a *story*"); // the draft

      const exported = hands.page.waitForEvent("download");
      await hands.button(text.exportAll).click();
      const file = await (await exported).path();
      const json = JSON.parse(readFileSync(file, "utf8"));
      expect(json.messages).toHaveLength(2);
      await hands.page.getByRole("listitem").hover();
      await hands.button(`${text.remove}: ${json.conversations[0].name}`).click();
      await expect.poll(() => hands.path(), poll).toEqual([]);
      const fresh = await tests.browser.newContext();
      const elsewhere = await Hands.open(fresh, `http://${host}:${tests.server.port}/`);
      await elsewhere.page.locator('input[type="file"]').setInputFiles(file);
      await elsewhere.button(json.conversations[0].name).click();
      await expect.poll(() => elsewhere.path(), poll).toEqual([said, kept]);
      await fresh.close();
    });
  });

  const address = () => `http://127.0.0.1:${tests.server.port}/`;

  test("two tabs show the same conversations", async () => {
    const one = await Hands.open(context, address());
    await one.say("Hello");
    const answer = await one.answered(1);
    const other = await Hands.open(context, address());
    await other.button("Hello").click();
    await expect.poll(() => other.path(), poll).toEqual(["Hello", answer]);
    await other.say("Again");
    await other.answered(2);
    await expect.poll(() => one.path(), poll).toEqual(await other.path());
    // what one tab took over from the other is no news: they would tell each other for ever, and what is removed would come back
    const news = one.page.evaluate(
      () =>
        new Promise<number>((resolve) => {
          let n = 0;
          new BroadcastChannel("ll-served").onmessage = () => n++;
          setTimeout(() => resolve(n), 500);
        }),
    );
    expect(await news).toBe(0);
    await other.page.getByRole("listitem").hover();
    await other.button(`${text.remove}: Hello`).click();
    await expect.poll(() => one.page.locator(".conversation").count(), poll).toBe(0);
  });

  test("lists, searches and renames conversations; raw text goes on by itself; only changed settings are sent", async () => {
    const hands = await Hands.open(context, address(), {});
    const sent: Record<string, unknown>[] = [];
    hands.page.on("request", (request) => {
      if (request.method() === "POST") sent.push(request.postDataJSON());
    });
    await hands.button(text.settings).click();
    await hands.page.getByLabel("max_tokens").fill("4");
    await hands.page.getByLabel("seed").fill("3");
    await hands.page.getByLabel(text.systemPrompt).fill("Be brief.");
    await hands.button(text.close).click();
    await hands.say("Of foxes");
    await hands.answered(1);
    const { messages, stream, stream_options, return_progress, ...fields } = sent[0] ?? {};
    expect(fields).toEqual({ max_tokens: 4, seed: 3 });
    expect(messages).toEqual([
      { role: "system", content: "Be brief." },
      { role: "user", content: "Of foxes" },
    ]);
    await hands.page.keyboard.press("ControlOrMeta+Shift+O");
    await expect.poll(() => hands.path(), poll).toEqual([]);
    await hands.say("Of bears");
    await hands.answered(1);
    await hands.page.keyboard.press("ControlOrMeta+K");
    await hands.page.keyboard.type("FOXES");
    await expect.poll(() => hands.page.locator(".conversation").allInnerTexts(), poll).toEqual(["Of foxes"]);
    await hands.page.getByRole("listitem").hover();
    await hands.button(`${text.rename}: Of foxes`).click();
    await hands.page.getByLabel(text.name, { exact: true }).fill("Foxes, red");
    await hands.page.keyboard.press("Enter");
    await hands.page.getByLabel(text.search).fill("");
    await expect
      .poll(() => hands.page.locator(".conversation").allInnerTexts(), poll)
      .toEqual(["Of bears", "Foxes, red"]);

    await hands.button(text.raw).click();
    const raw = hands.page.getByLabel(text.rawLabel);
    await raw.fill("Once upon a time");
    await hands.button(text.generate).click();
    await hands.button(text.takeBack).waitFor();
    await expect.poll(() => raw.inputValue(), poll).toMatch(/^Once upon a time,? \w+/);
    await hands.page.locator('textarea[aria-busy="false"]').waitFor();
    await hands.button(text.takeBack).click();
    expect(await raw.inputValue()).toBe("Once upon a time");
  });

  test("an answer by a schema is JSON", async () => {
    const schema = JSON.stringify({
      type: "object",
      properties: { n: { enum: [7] } },
      required: ["n"],
      additionalProperties: false,
    });
    const hands = await Hands.open(context, address(), { schema, seed: 1, max_tokens: 60 });
    await hands.say("A number?");
    expect(JSON.parse(await hands.answered(1))).toEqual({ n: 7 });
  });

  test("a full server is asked again, with a countdown", async () => {
    const full = await servePage({ slots: 1, maxWaiting: 0 });
    full.pace.ms = 20;
    const endless = { messages: [{ role: "user", content: "Hi" }], ignore_eos: true, stream: true };
    const holder = new AbortController();
    const headers = { "content-type": "application/json" };
    const body = JSON.stringify(endless);
    const held = await fetch(`${full.url}/v1/chat/completions`, {
      method: "POST",
      headers,
      body,
      signal: holder.signal,
    });
    const hands = await Hands.open(context, `${full.url}/`);
    await hands.say("Hello");
    await hands.page.getByText(/trying again in \d+ s/).waitFor();
    holder.abort();
    await held.body?.cancel().catch(() => undefined);
    full.pace.ms = 0;
    expect((await hands.answered(1)).length).toBeGreaterThan(0);
    await full.close();
  });

  test("a key is asked for, refused when it is wrong, and kept for the tab", async () => {
    const keyed = await servePage({ keys: ["secret"] });
    const hands = await Hands.open(context, `${keyed.url}/`);
    for (const key of ["wrong", "secret"]) {
      await hands.page.getByLabel(text.keyLabel).fill(key);
      await hands.button(text.keySave).click();
    }
    await hands.page.getByText(text.greetingWith("tiny")).waitFor();
    await hands.page.reload();
    await hands.page.getByText(text.greetingWith("tiny")).waitFor();
    await hands.say("Hello");
    expect((await hands.answered(1)).length).toBeGreaterThan(0);
    expect(tests.watch.requests.filter((url) => url.includes("secret"))).toEqual([]);
    expect(await hands.page.evaluate(() => JSON.stringify(localStorage))).not.toContain("secret");
    await keyed.close();
  });

  test("a server that is killed in the middle: the text stays, the reason is said, old conversations open", async () => {
    const folder = mkdtempSync(join(tmpdir(), "ll-web-"));
    const model = join(folder, "tiny.bin");
    writeFileSync(model, await tinyModel("q4_0"));
    const args = ["--conditions=@ll/source", "--no-warnings", BIN, model, "--port", "0", "--log", "none", "-c", "2048"];
    const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "ignore"] });
    try {
      const url = await new Promise<string>((resolve) => child.stdout.setEncoding("utf8").once("data", resolve));
      const hands = await Hands.open(context, `${url.trim()}/`, { seed: 1, max_tokens: 8 });
      await hands.say("Hello");
      await hands.answered(1);
      await hands.page.keyboard.press("ControlOrMeta+Shift+O");
      // an answer without an end of its own
      await hands.page.route("**/v1/chat/completions", async (route) => {
        const asked = { ...route.request().postDataJSON(), ignore_eos: true, max_tokens: undefined };
        await route.continue({ postData: JSON.stringify(asked) });
      });
      await hands.say("Go on for ever");
      await hands.writing();
      child.kill("SIGKILL");
      await hands.lastAnswer.getByText(text.torn).waitFor();
      expect((await hands.answered(1)).length).toBeGreaterThan(0);
      await hands.button(text.tryAgain, hands.lastAnswer).click();
      await hands.lastAnswer.getByText(text.unreachable).waitFor();
      await hands.button("Hello").click();
      await expect.poll(() => hands.path(), poll).toHaveLength(2);
    } finally {
      child.kill("SIGKILL");
      rmSync(folder, { recursive: true });
    }
  });

  test("without a database everything works from memory, and says so", async () => {
    await context.addInitScript(() => Object.defineProperty(globalThis, "indexedDB", { value: undefined }));
    const hands = await Hands.open(context, address());
    await hands.page.getByText(text.notKept).waitFor();
    await hands.say("Hello");
    const answer = await hands.answered(1);
    await hands.page.keyboard.press("ControlOrMeta+Shift+O");
    await hands.button("Hello").click();
    await expect.poll(() => hands.path(), poll).toEqual(["Hello", answer]);
  });
});
