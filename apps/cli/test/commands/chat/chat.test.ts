import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { temporaryDirectory } from "../../programs.ts";
import { ask, tinyChat } from "./tiny-chat.ts";

describe("a chat with the embedded model", () => {
  test("says the same for the same seed, and something else for another one", async () => {
    const [a, b] = [await tinyChat(), await tinyChat()];
    const first = await ask(a, "Hi");
    expect(first).not.toBe("");
    expect(await ask(b, "Hi")).toBe(first);
    expect(await ask(await tinyChat({ seed: "8" }), "Hi")).not.toBe(first);
  });

  test("goes on as if it had evaluated everything anew: what lies in the cache changes nothing", async () => {
    const chat = await tinyChat({ temp: "0" });
    await ask(chat, "Hi");
    const second = await ask(chat, "More");
    const path = join(await temporaryDirectory(), "chat.json");
    await chat.save(path);
    const saved = JSON.parse(await readFile(path, "utf8"));
    saved.turns.pop();
    await writeFile(path, JSON.stringify(saved));
    const fresh = await tinyChat({ temp: "0" });
    await fresh.load(path);
    expect(await ask(fresh, "More")).toBe(second);
  });

  test("answers again with other random numbers", async () => {
    const chat = await tinyChat();
    const first = await ask(chat, "Hi");
    let again = "";
    await chat.regenerate({
      onText: (piece) => {
        again += piece;
      },
    });
    expect(again).not.toBe(first);
    expect(chat.turns).toHaveLength(1);
  });

  test("begins anew", async () => {
    const chat = await tinyChat({ temp: "0" });
    const first = await ask(chat, "Hi");
    await ask(chat, "More");
    chat.reset();
    expect(chat.turns).toEqual([]);
    expect(await ask(chat, "Hi")).toBe(first);
  });

  test("counts", async () => {
    const chat = await tinyChat();
    expect(chat.stats).toMatchObject({ turns: 0, usedTokens: 0, contextTokens: 256, seed: 7, answerTokens: 0 });
    await ask(chat, "Hi");
    expect(chat.stats).toMatchObject({ turns: 1, answerTokens: 12 });
    expect(chat.stats.usedTokens).toBe(chat.stats.promptTokens + 12 - 1); // the last token is not evaluated
  });
});

describe("settings", () => {
  test("hold for the turns to come", async () => {
    const chat = await tinyChat();
    await chat.set("n-predict", "3");
    await chat.set("temp", "0");
    await ask(chat, "Hi");
    expect(chat.stats.answerTokens).toBe(3);
    await chat.set("seed", "99");
    expect(chat.stats.seed).toBe(99);
    expect(chat.settings).toEqual([
      ["n-predict", "3"],
      ["temp", "0"],
      ["seed", "99"],
    ]);
    await chat.set("temp", "1");
    expect(chat.settings.filter(([name]) => name === "temp")).toEqual([["temp", "1"]]);
  });

  test("the random numbers go on: a setting that changes nothing changes nothing", async () => {
    const [a, b] = [await tinyChat(), await tinyChat()];
    await ask(a, "Hi");
    await ask(b, "Hi");
    await b.set("top-k", "40"); // the default
    expect(await ask(b, "More")).toBe(await ask(a, "More"));
  });

  test("another system prompt is what the model is told first", async () => {
    const [a, b] = [await tinyChat({ temp: "0" }), await tinyChat({ temp: "0", system: "Bark." })];
    await a.set("system", "Bark.");
    expect(await ask(a, "Hi")).toBe(await ask(b, "Hi"));
  });

  test("one that cannot be leaves the others as they are", async () => {
    const [a, b] = [await tinyChat(), await tinyChat()];
    await expect(b.set("temp", "hot")).rejects.toMatchObject({ name: "UsageError" });
    await expect(b.set("mirostat", "3")).rejects.toMatchObject({ name: "UsageError" });
    await expect(b.set("nonsense", "1")).rejects.toMatchObject({ name: "UsageError" });
    expect(b.settings).toEqual(a.settings);
    expect(await ask(b, "Hi")).toBe(await ask(a, "Hi"));
  });
});

describe("a saved conversation", () => {
  test("goes on as the one that was saved would have", async () => {
    const chat = await tinyChat();
    await chat.set("top-k", "5");
    await ask(chat, "Hi");
    const path = join(await temporaryDirectory(), "chat.json");
    await chat.save(path);
    const resumed = await tinyChat({ seed: "1", system: "Other." });
    await resumed.load(path);
    expect(resumed.turns).toEqual(chat.turns);
    expect(resumed.settings).toEqual(chat.settings);
    expect(resumed.stats.seed).toBe(7);
    expect(await ask(resumed, "More")).toBe(await ask(chat, "More"));
  });

  test("with the ids that earlier versions wrote beside answers is read by its texts", async () => {
    const chat = await tinyChat({ temp: "0" });
    await ask(chat, "Hi");
    const path = join(await temporaryDirectory(), "chat.json");
    await chat.save(path);
    const saved = JSON.parse(await readFile(path, "utf8"));
    saved.turns[0].ids = [5, 6];
    await writeFile(path, JSON.stringify(saved));
    const resumed = await tinyChat({ temp: "0" });
    await resumed.load(path);
    expect(resumed.turns).toEqual(chat.turns);
    expect(await ask(resumed, "More")).toBe(await ask(chat, "More"));
  });

  test.each([
    ["no JSON", () => "{", undefined],
    ["of another program", (saved: object) => JSON.stringify({ ...saved, program: "x" }), "program"],
    ["of another version", (saved: object) => JSON.stringify({ ...saved, version: 2 }), "version"],
    [
      "with a turn that is none",
      (saved: object) => JSON.stringify({ ...saved, turns: [{ user: "a" }] }),
      "turns.0.answer",
    ],
    [
      "with an id that is none",
      (saved: object) => JSON.stringify({ ...saved, turns: [{ user: "", answer: "", ids: [-1] }] }),
      "turns.0.ids.0",
    ],
    ["without random numbers", (saved: object) => JSON.stringify({ ...saved, rng: "1 2 3" }), "rng"],
    ["with something else in it", (saved: object) => JSON.stringify({ ...saved, extra: 1 }), "extra"],
    ["with a template that is none", (saved: object) => JSON.stringify({ ...saved, template: {} }), "template.system"],
  ])("%s is refused, and nothing has changed", async (_name, spoil, field) => {
    const chat = await tinyChat();
    await ask(chat, "Hi");
    const path = join(await temporaryDirectory(), "chat.json");
    await chat.save(path);
    await writeFile(path, spoil(JSON.parse(await readFile(path, "utf8"))));
    const other = await tinyChat();
    await ask(other, "Hi");
    await expect(other.load(path)).rejects.toMatchObject({ code: "E_SESSION", file: path, field });
    expect(other.turns).toEqual(chat.turns);
    expect(await ask(other, "More")).toBe(await ask(chat, "More"));
  });

  test("with a setting that is none is refused", async () => {
    const chat = await tinyChat();
    const path = join(await temporaryDirectory(), "chat.json");
    await chat.save(path);
    const saved = JSON.parse(await readFile(path, "utf8"));
    await writeFile(path, JSON.stringify({ ...saved, settings: [["model", "/etc/passwd"]] }));
    await expect(chat.load(path)).rejects.toMatchObject({ name: "UsageError" });
  });
});
