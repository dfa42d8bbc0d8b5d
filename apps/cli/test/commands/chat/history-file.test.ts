import { mkdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { cacheFolder } from "../../../src/cache-folder.ts";
import { openHistory } from "../../../src/commands/chat/history-file.ts";
import { temporaryDirectory } from "../../programs.ts";

test("lines come back in the next chat; the file is for its owner only", async () => {
  const folder = join(await temporaryDirectory(), "new");
  const history = await openHistory({ LL_CACHE: folder });
  expect(history.lines).toEqual([]);
  await history.append("a");
  await history.append("b");
  expect((await openHistory({ LL_CACHE: folder })).lines).toEqual(["a", "b"]);
  expect((await stat(join(folder, "chat-history"))).mode & 0o777).toBe(0o600);
  expect((await stat(folder)).mode & 0o777).toBe(0o700);
});

test("what somebody wrote into it reaches no terminal", async () => {
  const folder = await temporaryDirectory();
  await writeFile(join(folder, "chat-history"), "a\x1b]0;title\x07b\n\n");
  expect((await openHistory({ LL_CACHE: folder })).lines).toEqual(["a]0;titleb"]);
});

test("the last thousand lines are offered; a file of twice as many is cut", async () => {
  const folder = await temporaryDirectory();
  const path = join(folder, "chat-history");
  const lines = (n: number): string => Array.from({ length: n }, (_, i) => `${i}\n`).join("");
  await writeFile(path, lines(2000));
  expect((await openHistory({ LL_CACHE: folder })).lines).toHaveLength(1000);
  expect(await readFile(path, "utf8")).toBe(lines(2000));
  await writeFile(path, lines(2001));
  expect((await openHistory({ LL_CACHE: folder })).lines.at(0)).toBe("1001");
  expect((await readFile(path, "utf8")).split("\n")).toHaveLength(1001);
});

test("a history that cannot be read or written is none, and no error", async () => {
  const folder = await temporaryDirectory();
  await mkdir(join(folder, "chat-history"));
  for (const env of [{ LL_CACHE: folder }, { LL_CACHE: "/dev/null/x" }, {}]) {
    const history = await openHistory(env);
    await history.append("a");
    expect(history.lines).toEqual([]);
  }
});

test("the folder: LL_CACHE, then XDG's, then the platform's own", () => {
  const home = { HOME: "/h", LOCALAPPDATA: "L" };
  expect(cacheFolder({ ...home, LL_CACHE: "/c", XDG_CACHE_HOME: "/x" }, "linux")).toBe("/c");
  expect(cacheFolder({ ...home, XDG_CACHE_HOME: "/x" }, "linux")).toBe("/x/ll");
  expect(cacheFolder(home, "linux")).toBe("/h/.cache/ll");
  expect(cacheFolder(home, "darwin")).toBe("/h/Library/Caches/ll");
  expect(cacheFolder(home, "win32")).toBe(join("L", "ll", "Cache"));
  expect(cacheFolder({}, "linux")).toBeUndefined();
  expect(cacheFolder({}, "win32")).toBeUndefined();
});
