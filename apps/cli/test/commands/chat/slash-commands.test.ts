import { join } from "node:path";
import { expect, test } from "vitest";
import { isSlashCommand, runSlashCommand } from "../../../src/commands/chat/slash-commands.ts";
import { temporaryDirectory } from "../../programs.ts";
import { ask, tinyChat } from "./tiny-chat.ts";

/** Runs a line; what it is about to do, and what it said. */
async function run(
  chat: Awaited<ReturnType<typeof tinyChat>>,
  line: string,
): Promise<{ outcome: string; said: string[] }> {
  const said: string[] = [];
  const outcome = await runSlashCommand(chat, line, (text) => said.push(text));
  return { outcome, said };
}

test("a slash is a command, two are a turn that begins with one", () => {
  expect(["/x", "//x", "x/", "/"].map(isSlashCommand)).toEqual([true, false, false, true]);
});

test("/help lists every command and the keys", async () => {
  const { outcome, said } = await run(await tinyChat(), "/help");
  expect(outcome).toBe("done");
  expect(said.join("\n")).toMatchInlineSnapshot(`
    "/help              show this
    /reset             begin anew
    /regenerate        answer the last turn again
    /save FILE         save the conversation
    /load FILE         go on with a saved conversation
    /set [NAME VALUE]  change a setting, such as temp 0.7; alone: list them
    /stats             show speed and the state of the context
    /exit              leave; so does Ctrl-D
    A line that ends in \\ goes on with the next; """ begins and ends a text of several lines; // begins one with /.
    Ctrl-C ends an answer, and leaves if there is none; Ctrl-D leaves."
  `);
});

test("/exit and /regenerate are for whoever reads the lines", async () => {
  const chat = await tinyChat();
  expect(await run(chat, "/exit")).toEqual({ outcome: "exit", said: [] });
  expect(await run(chat, "  /regenerate  ")).toEqual({ outcome: "regenerate", said: [] });
});

test("/reset, /save and /load", async () => {
  const chat = await tinyChat();
  await ask(chat, "Hi");
  const path = join(await temporaryDirectory(), "with space.json");
  expect((await run(chat, `/save ${path}`)).said).toEqual([`saved 1 turns to ${path}`]);
  expect((await run(chat, "/reset")).said).toEqual(["the conversation begins anew"]);
  expect(chat.turns).toEqual([]);
  expect((await run(chat, `/load ${path}`)).said).toEqual([`loaded 1 turns from ${path}`]);
  expect(chat.turns).toHaveLength(1);
});

test("/set changes a setting by any of its names; alone, it lists them with their values", async () => {
  const chat = await tinyChat();
  expect((await run(chat, "/set temp 0.5")).said).toEqual(["temp = 0.5"]);
  expect((await run(chat, "/set n 3")).said).toEqual(["n-predict = 3"]);
  expect((await run(chat, "/set system Be  brief.")).said).toEqual(["system = Be  brief."]);
  expect((await run(chat, "/set ignore-eos")).said).toEqual(["ignore-eos = on"]);
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
  ["/set temp", "error: invalid parameter for argument: --temp", 'expected a number, got ""'],
  ["/set __proto__ 1", "no setting __proto__", "/set lists them"],
])("%s is refused", async (line, message, hint) => {
  const error = await run(await tinyChat(), line).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ name: "UsageError", message, ...(hint === undefined ? {} : { hint }) });
});
