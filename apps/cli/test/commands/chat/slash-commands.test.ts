import { copyFile, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { isSlashCommand, runSlashCommand } from "../../../src/commands/chat/slash-commands.ts";
import { expandHome } from "../../../src/configuration.ts";
import { widthOf } from "../../../src/text-wrap.ts";
import { temporaryDirectory } from "../../programs.ts";
import { ask, tinyChat } from "./tiny-chat.ts";

type Chat = Awaited<ReturnType<typeof tinyChat>>;

/** Runs a line; what it is about to do, and what it said and asked. Questions are answered with no, or so. */
async function run(
  chat: Chat,
  line: string,
  yes = false,
  columns = Number.POSITIVE_INFINITY,
): Promise<{ outcome: string; said: string[] }> {
  const said: string[] = [];
  const confirm = async (question: string): Promise<boolean> => {
    said.push(question);
    return yes;
  };
  const outcome = await runSlashCommand(chat, line, { say: (text) => said.push(text), columns, confirm });
  return { outcome, said };
}

test("a slash is a command, two are a turn that begins with one", () => {
  expect(["/x", "//x", "x/", "/"].map(isSlashCommand)).toEqual([true, false, false, true]);
});

test("/help lists every command and the keys", async () => {
  const { outcome, said } = await run(await tinyChat(), "/help");
  expect(outcome).toBe("done");
  expect(said.join("\n")).toMatchInlineSnapshot(`
    "/help                 show this
    /reset /clear         begin anew
    /regenerate           answer the last turn again
    /save FILE            save the conversation
    /load FILE            go on with a saved conversation
    /set [NAME [VALUE]]   change a setting, such as temp 0.7; alone: list them
    /think [on|off|hide]  whether the model thinks first, and shows it; alone: tell
    /stats                show speed and the state of the context
    /exit /quit /bye      leave; so does Ctrl-D
    A line that ends in \\ goes on with the next; """ begins and ends a text of several lines; // begins one with /.
    Ctrl-C ends an answer, and leaves if there is none; Ctrl-D leaves."
  `);
});

test.each(["/help", "/set", "/stats"])("the table of %s is as wide as the terminal", async (line) => {
  const { said } = await run(await tinyChat(), line, false, 48);
  const table = said.filter((one) => !/^(A line|Ctrl-C)/.test(one));
  expect(Math.max(...table.map(widthOf))).toBeLessThanOrEqual(48);
});

test("/exit and /regenerate are for whoever reads the lines", async () => {
  const chat = await tinyChat();
  for (const line of ["/exit", "/quit", "/bye"]) expect(await run(chat, line)).toEqual({ outcome: "exit", said: [] });
  expect(await run(chat, "  /regenerate  ")).toEqual({ outcome: "regenerate", said: [] });
});

test("/reset, /save and /load", async () => {
  const chat = await tinyChat();
  await ask(chat, "Hi");
  const path = join(await temporaryDirectory(), "with space.json");
  expect((await run(chat, `/save ${path}`)).said).toEqual([`saved 1 turn to ${path}`]);
  expect((await run(chat, "/reset")).said).toEqual(["the conversation begins anew"]);
  expect(chat.turns).toEqual([]);
  expect((await run(chat, `/load ${path}`)).said).toEqual([`loaded 1 turn from ${path}`]);
  expect(chat.turns).toHaveLength(1);
});

test("/save asks before it replaces a file, but not one that it wrote itself for this conversation", async () => {
  const chat = await tinyChat();
  await ask(chat, "Hi");
  const folder = await temporaryDirectory();
  const path = join(folder, "chat.json");
  await writeFile(path, "mine");
  const question = `${path} is there already. Replace it?`;
  expect((await run(chat, `/save ${path}`)).said).toEqual([question, "not saved"]);
  expect(await readFile(path, "utf8")).toBe("mine");
  expect((await run(chat, `/save ${path}`, true)).said).toEqual([question, `saved 1 turn to ${path}`]);
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  await ask(chat, "More");
  expect((await run(chat, `/save ${path}`)).said).toEqual([`saved 2 turns to ${path}`]);
  await run(chat, "/reset");
  expect((await run(chat, `/save ${path}`)).said).toEqual([question, "not saved"]);
});

test("/save never replaces a file that the chat was made of", async () => {
  const folder = await temporaryDirectory();
  const files = { model: join(folder, "m.bin"), lora: join(folder, "a.bin"), template: join(folder, "t.json") };
  for (const path of Object.values(files)) await writeFile(path, "x");
  await copyFile(files.model, join(folder, "other.bin"));
  const chat = await tinyChat({}, files);
  for (const path of Object.values(files)) {
    const error = await run(chat, `/save ${path}`, true).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ name: "IoError", code: "E_SAME_FILE" });
    expect(await readFile(path, "utf8")).toBe("x");
  }
});

test("/load asks if turns would be lost that no file holds", async () => {
  const chat = await tinyChat();
  await ask(chat, "Hi");
  expect(chat.isUnsaved).toBe(true);
  const path = join(await temporaryDirectory(), "chat.json");
  await run(chat, `/save ${path}`);
  expect(chat.isUnsaved).toBe(false);
  await ask(chat, "More");
  expect((await run(chat, `/load ${path}`)).said).toEqual([
    "2 turns will be lost that no file holds. Go on?",
    "not loaded",
  ]);
  expect(chat.turns).toHaveLength(2);
  await run(chat, `/load ${path}`, true);
  expect(chat.turns).toHaveLength(1);
  expect(chat.isUnsaved).toBe(false);
});

test("~ is the home folder, where a shell takes it for that", () => {
  expect(expandHome("~/a b.json", "/home")).toBe(join("/home", "a b.json"));
  expect(expandHome("~", "/home")).toBe(join("/home"));
  expect(["a~/b", "~x/b", "./~"].map((path) => expandHome(path, "/home"))).toEqual(["a~/b", "~x/b", "./~"]);
  expect(expandHome("~/a", undefined)).toBe("~/a");
});

test("/set changes a setting by any of its names; alone, it lists them with their values", async () => {
  const chat = await tinyChat();
  expect((await run(chat, "/set temp 0.5")).said).toEqual(["temp = 0.5"]);
  expect((await run(chat, "/set n 3")).said).toEqual(["n-predict = 3"]);
  expect((await run(chat, "/set system Be  brief.")).said).toEqual(["system = Be  brief."]);
  expect((await run(chat, "/set ignore-eos")).said).toEqual(["ignore-eos = on"]);
  expect((await run(chat, "/set temp")).said).toEqual(["temp = 0.5"]);
  expect((await run(chat, "/set top-k")).said).toEqual(["top-k = 40"]);
  const { said } = await run(chat, "/set");
  expect(said.find((line) => line.startsWith("temp "))).toMatch(/^temp +0\.5 +temperature; /);
  expect(said.find((line) => line.startsWith("top-k "))).toMatch(/^top-k +40 +/);
});

test("/stats", async () => {
  const chat = await tinyChat();
  expect((await run(chat, "/stats")).said).toEqual([
    "turns    0",
    "context  0 of 256 tokens",
    "prompt   none yet",
    "answers  none yet",
    "seed     7",
  ]);
  await ask(chat, "Hi");
  const { said } = await run(chat, "/stats");
  expect(said[0]).toBe("turns    1");
  expect(said[3]).toMatch(/^answers {2}12 tokens, \d+\.\d\d per second$/);
});

test.each([
  ["/hlep", "no command /hlep", "Did you mean /help?"],
  ["/", "no command /", "/help lists the commands"],
  ["/save", "/save expected FILE", undefined],
  ["/reset all", "/reset takes no argument", undefined],
  ["/set tmep 1", "no setting tmep", "Did you mean temp?"],
  ["/set model x", "no setting model", undefined],
  ["/set temp hot", "error: invalid parameter for argument: --temp", 'expected a number, got "hot"'],
  ["/set ignore-eos off", "ignore-eos takes no value", undefined],
  ["/set __proto__ 1", "no setting __proto__", "/set lists them"],
])("%s is refused", async (line, message, hint) => {
  const error = await run(await tinyChat(), line).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ name: "UsageError", message, ...(hint === undefined ? {} : { hint }) });
});
