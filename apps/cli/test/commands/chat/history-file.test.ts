import { spawnSync } from "node:child_process";
import { chmod, mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
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

test.each(["opened", "written"])("a file that all could read is for its owner only once it is %s", async (when) => {
  const folder = await temporaryDirectory();
  const path = join(folder, "chat-history");
  await writeFile(path, "a\n");
  const history = when === "written" ? await openHistory({ LL_CACHE: folder }) : undefined;
  await chmod(path, 0o666);
  await (history === undefined ? openHistory({ LL_CACHE: folder }) : history.append("b"));
  expect((await stat(path)).mode & 0o777).toBe(0o600);
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

test("an input of several lines comes back as one", async () => {
  const env = { LL_CACHE: await temporaryDirectory() };
  const history = await openHistory(env);
  for (const input of ["a\nb\\\nc", "d"]) await history.append(input);
  expect((await openHistory(env)).lines).toEqual(["a\nb\\\nc", "d"]);
});

test("a file that cannot be cut, as on a full disk, stays whole, and nothing is left beside it", async () => {
  const folder = await temporaryDirectory();
  const path = join(folder, "chat-history");
  const text = Array.from({ length: 2500 }, (_, i) => `line ${i} as long as lines are\n`).join("");
  await writeFile(path, text);
  const script = `import { openHistory } from "${join(import.meta.dirname, "../../../src/commands/chat/history-file.ts")}";
    const history = await openHistory({ LL_CACHE: "${folder}" });
    await history.append("last");
    console.log(history.lines.length, history.lines.at(-1));`;
  const argv = ["--conditions=@ll/source", "--no-warnings", "--input-type=module-typescript", "-e", script];
  const { stdout } = spawnSync("bash", ["-c", 'ulimit -f 16; exec "$@"', "bash", process.execPath, ...argv], {
    encoding: "utf8",
  });
  expect(stdout).toBe("1000 line 2499 as long as lines are\n");
  expect((await readFile(path, "utf8")).startsWith(text)).toBe(true);
  expect(await readdir(folder)).toEqual(["chat-history"]);
});

test("what another chat writes while the file is cut is not lost", async () => {
  const folder = await temporaryDirectory();
  const path = join(folder, "chat-history");
  await writeFile(path, Array.from({ length: 2001 }, (_, i) => `${i}\n`).join(""));
  const other = await openHistory({ LL_CACHE: folder });
  await writeFile(path, Array.from({ length: 2001 }, (_, i) => `${i}\n`).join(""));
  const typed = Array.from({ length: 50 }, (_, i) => `typed ${i}`);
  await Promise.all([openHistory({ LL_CACHE: folder }), ...typed.map((line) => other.append(line))]);
  const lines = (await readFile(path, "utf8")).split("\n");
  expect(lines).toEqual(expect.arrayContaining(typed));
});

test("a FIFO in its place is none, and keeps nobody waiting", async () => {
  const folder = await temporaryDirectory();
  expect(spawnSync("mkfifo", [join(folder, "chat-history")]).status).toBe(0);
  const history = await openHistory({ LL_CACHE: folder });
  await history.append("a");
  expect(history.lines).toEqual([]);
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
