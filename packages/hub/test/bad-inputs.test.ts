// The bad-input corpus of what a hub answers (HA): every refusal is typed, says what was answered, and ends soon.

import type { Fetch } from "@ll/bytes";
import { isIoError } from "@ll/bytes";
import { expect, test } from "vitest";
import { type Hub, type HubFile, isHubError, openHub } from "../src/index.ts";
import { COMMIT } from "./support/hub-server.ts";

const INFO = JSON.stringify({ sha: COMMIT });
const FILE = { type: "file", path: "m.gguf", size: 10, oid: COMMIT, lfs: { oid: "0".repeat(64), size: 10 } };
const file = (changes: object): string => JSON.stringify([{ ...FILE, ...changes }]);

interface Answers {
  readonly info?: string | Uint8Array;
  readonly tree?: string | Uint8Array;
  readonly headers?: Record<string, string>;
  readonly status?: number;
}

/** A hub that gives these answers, whatever is asked for. */
function hub({ info = INFO, tree = file({}), headers = {}, status = 200 }: Answers): { hub: Hub; asked: string[] } {
  const asked: string[] = [];
  const fetch: Fetch = async (url) => {
    asked.push(String(url));
    const body = String(url).includes("/revision/") ? info : tree;
    return new Response(body as string, { status, headers });
  };
  return { hub: openHub({ fetch, endpoint: "https://hub.example", wait: async () => undefined }), asked };
}

/** A body that never ends. */
function endless(): Fetch {
  return async () => {
    const pull = (controller: ReadableStreamDefaultController): void =>
      controller.enqueue(new Uint8Array(65_536).fill(0x20));
    return new Response(new ReadableStream({ pull }));
  };
}

const NO_JSON = [
  ["HA01 nothing", ""],
  ["HA01 a login page", "<html><body>Sign in</body></html>"],
  ["HA01 half of it", INFO.slice(0, 20)],
  ["HA01 a byte order mark and more", `\ufeff\ufeff${INFO}`],
  ["HA01 no UTF-8", Uint8Array.of(0x22, 0xff, 0x22)],
] as const;

test.each(NO_JSON)("%s", async (_name, info) => {
  await expectRefused(hub({ info }).hub.list("o/r"), "no JSON");
});

test.each([
  ["HA02 null", "null"],
  ["HA02 a list", "[]"],
  ["HA02 a commit that is a number", '{"sha":7}'],
  ["HA02 a short commit", '{"sha":"abc"}'],
  ["HA02 a commit that is a path", JSON.stringify({ sha: "../".repeat(13) })],
  ["HA02 a commit from __proto__", `{"__proto__":${INFO}}`],
])("%s", async (_name, info) => {
  await expectRefused(hub({ info }).hub.list("o/r"), "a repository without commit");
});

test.each([
  ["HA03 an object in place of a list", "{}"],
  ["HA03 a file without a path", file({ path: undefined })],
  ["HA03 a path that is a list", file({ path: ["m.gguf"] })],
  ["HA03 a size below 0", file({ size: -1 })],
  ["HA03 half a size", file({ size: 1.5 })],
  ["HA03 a size of 2^53", file({ size: 2 ** 53 })],
  ["HA03 a size as text", file({ size: "10" })],
  ["HA03 no size", file({ size: null })],
])("%s", async (_name, tree) => {
  await expectRefused(hub({ tree }).hub.list("o/r"), /no list of files|a file without path or size/);
});

test("HA04 + what is no file, or leads out of its folder, is passed over", async () => {
  const paths = ["../x", "/x", "a/../x", "C:x", "nul", "a\\x", "x\u0000", "a/./x", "", "y".repeat(2000)];
  const others = [null, 7, "x", [], { type: "directory", path: "a" }, { type: "unknown" }];
  const tree = JSON.stringify([...others, ...paths.map((path) => ({ ...FILE, path })), FILE]);
  expect((await hub({ tree }).hub.list("o/r")).files.map(({ path }) => path)).toEqual(["m.gguf"]);
});

test("HA05 + a hash that is none is no hash", async () => {
  const hashes = [null, 7, {}, { oid: 7 }, { oid: "x" }, { oid: "0".repeat(65) }].map((lfs) => ({
    ...FILE,
    lfs,
    oid: "x",
  }));
  const { files } = await hub({ tree: JSON.stringify(hashes) }).hub.list("o/r");
  expect(files.map(({ hash }) => hash)).toEqual(Array(6).fill(undefined));
});

test("HA06 a body without end", async () => {
  const open = openHub({ fetch: endless(), endpoint: "https://hub.example" });
  await expectRefused(open.list("o/r"), /more than \d+ bytes/);
});

test("HA07 pages without end", async () => {
  const link = '<https://elsewhere.example/api/models/o/r/tree/x?cursor=1>; rel="next"';
  const { hub: open, asked } = hub({ headers: { link } });
  await expectRefused(open.list("o/r"), "a list of files without end");
  expect(asked.length).toBeLessThanOrEqual(201);
  expect(asked.every((url) => url.startsWith("https://hub.example/"))).toBe(true);
});

test("HA07 + a link that is none", async () => {
  for (const link of [
    "<",
    "<>; rel=next",
    "<http://[>; rel=next",
    "x".repeat(8000),
    "<".repeat(8000),
    "<a>; rel=prev",
  ]) {
    expect((await hub({ headers: { link } }).hub.list("o/r")).files.length).toBe(1);
  }
});

test("HA08 lists in lists", async () => {
  const tree = `${"[".repeat(100_000)}${"]".repeat(100_000)}`;
  expect((await hub({ tree }).hub.list("o/r")).files).toEqual([]);
  await expectRefused(hub({ tree: "[".repeat(100_000) }).hub.list("o/r"), "no JSON");
});

test.each([401, 403, 404, 410, 418])("HA09 what is said with %i is shown inert and short", async (status) => {
  const said = `\x85]0;title\x85 ${"x".repeat(4000)}`;
  const headers = { "x-error-message": said, "x-request-id": `r${"\x85".repeat(10)}`, "x-error-code": "Odd" };
  const error = await hub({ status, headers })
    .hub.list("o/r")
    .catch((reason: unknown) => reason);
  expect(isHubError(error)).toBe(true);
  const { message } = error as Error;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: that there are none is the point
  expect(message).not.toMatch(/[\x00-\x1f\x7f-\x9f]/);
  expect(message.length).toBeLessThanOrEqual(2048);
});

test.each<[string, (range: string) => Response]>([
  ["HA10 another part", () => part("bytes 1-9/10", 9)],
  ["HA10 a part of another size", () => part("bytes 0-9/11", 10)],
  ["HA10 no Content-Range", () => new Response(new Uint8Array(10), { status: 206 })],
  [
    "HA10 the whole file of another size",
    () => new Response(new Uint8Array(10), { headers: { "content-length": "11" } }),
  ],
  ["HA10 more than was asked for", () => part("bytes 0-9/10", 11)],
  ["HA10 a page in place of it", () => new Response("<html>", { headers: { "content-length": "6" } })],
])("%s", async (_name, answer) => {
  const fetch: Fetch = async (url) => (String(url).includes("/resolve/") ? answer("") : hubAnswer(String(url)));
  const open = openHub({ fetch, endpoint: "https://hub.example", wait: async () => undefined });
  const listing = await open.list("o/r");
  const read = open.read(listing, listing.files[0] as HubFile, { start: 0, end: 10 }, () => undefined);
  await expectRefused(read, /another part|instead of a part|more bytes than asked for/);
});

test.each([
  ["HA11 a redirect to a file", "file:///etc/passwd"],
  ["HA11 a redirect from https to http", "http://hub.example/x"],
  ["HA11 a redirect to this machine", "https://127.0.0.1/x"],
  ["HA11 a redirect to itself", "https://hub.example/x"],
  ["HA11 a redirect to nowhere", ""],
])("%s", async (_name, location) => {
  let asked = 0;
  const fetch: Fetch = async () => {
    asked += 1;
    return new Response(null, { status: 302, headers: { location } });
  };
  const waits: number[] = [];
  const wait = async (ms: number): Promise<void> => void waits.push(ms);
  const open = openHub({ fetch, endpoint: "https://hub.example", wait, token: "hf_secret" });
  const error = await open.list("o/r").catch((reason: unknown) => reason);
  expect([isIoError(error), waits]).toEqual([true, []]);
  expect((error as Error).message).not.toContain("secret");
  expect(asked).toBeLessThanOrEqual(11);
});

function part(range: string, bytes: number): Response {
  return new Response(new Uint8Array(bytes), { status: 206, headers: { "content-range": range } });
}

function hubAnswer(url: string): Response {
  return new Response(url.includes("/revision/") ? INFO : file({}));
}

async function expectRefused(work: Promise<unknown>, message: string | RegExp): Promise<void> {
  const error = await work.catch((reason: unknown) => reason);
  expect(error).toMatchObject({ name: "HubError", code: "E_ANSWER", message: expect.stringMatching(message) });
  expect((error as Error).message.length).toBeLessThanOrEqual(512);
}
