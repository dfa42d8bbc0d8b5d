import { randomFillSync } from "node:crypto";
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { IoError } from "@ll/bytes";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type HubFile, type HubName, openHub, parseModelName } from "../src/index.ts";
import {
  hubSettings,
  listModels,
  type OtherStores,
  type PullEvent,
  type PullOptions,
  pullModel,
  removeModel,
} from "../src/node.ts";
import { COMMIT, fail, partOf, sha256, startHub, type TestHub } from "./support/hub-server.ts";

const KIB = 1024;
const CHUNK = 64 * KIB;
let cache: string;

beforeEach(async () => {
  cache = await mkdtemp(join(tmpdir(), "ll-hub-"));
});

afterEach(() => rm(cache, { recursive: true }));

function random(bytes: number): Uint8Array {
  return randomFillSync(new Uint8Array(bytes));
}

async function hubWith(files: Record<string, Uint8Array>): Promise<TestHub> {
  return startHub({ "o/r": { commit: COMMIT, files } });
}

/** As Node's fetch has it. */
function networkError(code: string): Error {
  return Object.assign(new TypeError("fetch failed"), { cause: Object.assign(new Error(code), { code }) });
}

const refused = (): Error => Object.assign(new Error("connect"), { code: "ECONNREFUSED" });

interface Pulls {
  readonly events: PullEvent[];
  readonly waits: number[];
  pull(name?: string, options?: Partial<PullOptions>): ReturnType<typeof pullModel>;
}

function pulls({ endpoint }: TestHub): Pulls {
  const [events, waits]: [PullEvent[], number[]] = [[], []];
  return {
    events,
    waits,
    pull: (name = "hf:o/r", options = {}) =>
      pullModel(parseModelName(name) as HubName, {
        cache,
        endpoint,
        chunkBytes: CHUNK,
        onEvent: (event) => events.push(event),
        wait: async (ms) => void waits.push(ms),
        ...options,
      }),
  };
}

/** Names of files that a download left, whole or not. */
async function leftovers(): Promise<string[]> {
  const names = await readdir(cache, { recursive: true });
  return names.filter((name) => /\.(?:part|done|lock)$/.test(name));
}

describe("a model by name", () => {
  test("is downloaded in parts, checked, kept and found again", async () => {
    const bytes = random(2 * CHUNK + 5);
    const hub = await hubWith({ "m-Q8_0.gguf": bytes, "README.md": random(10) });
    const { pull, events } = pulls(hub);
    const model = await pull("hf:o/r", { token: "hf_secret" });
    expect(model).toMatchObject({ isNew: true, repo: "o/r", commit: COMMIT, bytes: bytes.byteLength });
    expect(await readFile(model.paths[0] as string)).toEqual(Buffer.from(bytes));
    expect(await leftovers()).toEqual([]);

    expect(events.find(({ kind }) => kind === "chosen")).toMatchObject({ files: [{ path: "m-Q8_0.gguf" }] });
    const progress = events.filter((event) => event.kind === "progress");
    expect(progress.at(-1)).toEqual({ kind: "progress", bytes: bytes.byteLength, total: bytes.byteLength });
    // the token is for the hub alone
    expect(hub.seen.filter(({ origin }) => origin === "hub").every(({ token }) => token === "Bearer hf_secret")).toBe(
      true,
    );
    expect(hub.seen.filter(({ origin }) => origin === "contents").map(({ token }) => token)).toEqual(
      Array(3).fill(undefined),
    );

    hub.seen.length = 0;
    expect(await pull()).toEqual({ ...model, isNew: false });
    expect(hub.seen.every(({ url }) => url.startsWith("/api/"))).toBe(true);
    expect(await pull("hf:o/r", { offline: true, endpoint: "http://127.0.0.1:1" })).toEqual({ ...model, isNew: false });

    expect(await listModels(cache)).toEqual([{ paths: model.paths, repo: "o/r", commit: COMMIT, bytes: model.bytes }]);
    expect(await removeModel(model)).toBe(bytes.byteLength);
    expect(await listModels(cache)).toEqual([]);
    await expect(pull("hf:o/r", { offline: true })).rejects.toMatchObject({ code: "E_OFFLINE" });
  });

  test("all parts of a set, from a list of several pages", async () => {
    const files = Object.fromEntries([1, 2].map((n) => [`sub dir/m-Q8_0-0000${n}-of-00002.gguf`, random(1000 * n)]));
    const hub = await hubWith({ a: random(1), b: random(1), ...files });
    hub.pageFiles = 1;
    const { paths } = await pulls(hub).pull("hf:o/r@refs/pr/1:Q8_0");
    expect(paths.map((path) => path.slice(dirname(path).length + 1))).toEqual([
      "m-Q8_0-00001-of-00002.gguf",
      "m-Q8_0-00002-of-00002.gguf",
    ]);
    expect(await Promise.all(paths.map((path) => readFile(path)))).toEqual(
      Object.values(files).map((x) => Buffer.from(x)),
    );
  });

  test("a small file is checked by git's hash", async () => {
    const hub = await hubWith({ "config.json": new TextEncoder().encode("{}") });
    const { paths } = await pulls(hub).pull("hf:o/r:config.json");
    expect(await readFile(paths[0] as string, "utf8")).toBe("{}");
  });

  test("a connection that is cut is taken up where it broke off", async () => {
    const bytes = random(CHUNK);
    const hub = await hubWith({ "m.gguf": bytes });
    let cuts = 0;
    hub.onContents = (request, response) => {
      if (cuts === 12) return false;
      cuts += 1;
      const { bytes: part, header } = partOf(hub, request);
      response.writeHead(206, { "content-range": header, "content-length": part.byteLength });
      response.write(part.subarray(0, 4 * KIB), () => response.destroy());
      return true;
    };
    const { pull, waits } = pulls(hub);
    const { paths } = await pull();
    expect(await readFile(paths[0] as string)).toEqual(Buffer.from(bytes));
    expect(waits).toEqual(Array(12).fill(1000)); // every one of them brought something
    const starts = hub.seen
      .filter(({ origin }) => origin === "contents")
      .map(({ range }) => Number(/\d+/.exec(range ?? "")));
    expect(starts).toEqual([...starts].sort((a, b) => a - b));
    expect(new Set(starts).size).toBeGreaterThan(6);
  });

  test("what a run left is there in the next one, whichever file of the same name has other contents", async () => {
    const bytes = random(3 * CHUNK);
    const hub = await hubWith({ "m.gguf": bytes });
    hub.onContents = ({ headers }, response) => {
      if (headers.range?.startsWith("bytes=0-") || headers.range?.startsWith("bytes=65536-")) return false;
      return fail(response, 403);
    };
    const first = pulls(hub);
    await expect(first.pull("hf:o/r", { parallel: 1 })).rejects.toMatchObject({ code: "E_BUSY" });
    expect((await leftovers()).length).toBe(2);

    hub.onContents = () => false;
    hub.seen.length = 0;
    const second = pulls(hub);
    const { paths } = await second.pull();
    expect(await readFile(paths[0] as string)).toEqual(Buffer.from(bytes));
    expect(hub.seen.filter(({ origin }) => origin === "contents").map(({ range }) => range)).toEqual([
      "bytes=131072-196607",
    ]);
    expect(second.events.find(({ kind }) => kind === "progress")).toMatchObject({ bytes: 2 * CHUNK });

    const others = random(3 * CHUNK);
    hub.repos = { "o/r": { commit: COMMIT.replace("0", "f"), files: { "m.gguf": others } } };
    const changed = await pulls(hub).pull();
    expect(changed.paths).not.toEqual(paths);
    expect(await readFile(changed.paths[0] as string)).toEqual(Buffer.from(others));
  });

  test("what fails on this side is not tried again", async () => {
    const hub = await hubWith({ "m.gguf": random(1000) });
    const waits: number[] = [];
    const { endpoint } = hub;
    const open = openHub({ endpoint, wait: async (ms) => void waits.push(ms) });
    const listing = await open.list("o/r");
    const [file] = listing.files;
    const full = new IoError({ code: "E_NOSPACE", message: "the disk is full" });
    const read = open.read(listing, file as HubFile, { start: 0, end: 1000 }, () => Promise.reject(full));
    await expect(read).rejects.toBe(full);
    expect(waits).toEqual([]);
  });

  test.each<[string, Error, boolean]>([
    ["a connection that was cut", networkError("ECONNRESET"), true],
    ["a name server that is busy", networkError("EAI_AGAIN"), true],
    ["a body that ended", new TypeError("terminated"), true],
    ["a browser that does not say", new TypeError("Failed to fetch"), true],
    [
      "every address of a host",
      Object.assign(new TypeError("fetch failed"), { cause: new AggregateError([refused()]) }),
      true,
    ],
    ["a name that nobody knows", networkError("ENOTFOUND"), false],
    ["a certificate", networkError("DEPTH_ZERO_SELF_SIGNED_CERT"), false],
    [
      "a port that is not allowed",
      Object.assign(new TypeError("fetch failed"), { cause: new Error("bad port") }),
      false,
    ],
    ["an error of ours", new TypeError("Failed to parse URL"), false],
  ])("%s: tried again only if it may pass", async (_name, error, passes) => {
    const hub = await hubWith({ "m.gguf": random(10) });
    let failures = 2;
    const { pull, waits } = pulls(hub);
    const flaky: typeof fetch = async (...request) => {
      if (failures-- > 0) throw error;
      return fetch(...request);
    };
    const result = await pull("hf:o/r", { fetch: flaky }).catch((reason: unknown) => reason);
    if (passes) expect([waits, result]).toEqual([[1000, 2000], expect.objectContaining({ isNew: true })]);
    else expect([waits, result]).toEqual([[], expect.objectContaining({ code: "E_IO", mayPass: false })]);
  });

  test("a port that fetch does not ask, of a real endpoint", async () => {
    const waits: number[] = [];
    const open = openHub({ endpoint: "http://127.0.0.1:1", wait: async (ms) => void waits.push(ms) });
    await expect(open.list("o/r")).rejects.toMatchObject({ code: "E_IO" });
    expect(waits).toEqual([]);
  });

  test("other contents than stated are removed", async () => {
    const hub = await hubWith({ "m.gguf": random(1000) });
    hub.onContents = (request, response) => {
      const { bytes, header } = partOf(hub, request);
      response.writeHead(206, { "content-range": header });
      response.end(random(bytes.byteLength));
      return true;
    };
    await expect(pulls(hub).pull()).rejects.toMatchObject({
      code: "E_HASH",
      message: expect.stringContaining("sha256"),
    });
    expect(await leftovers()).toEqual([]);
    expect(await listModels(cache)).toEqual([]);
  });

  test.each<[string, (hub: TestHub) => void, object]>([
    [
      "the whole file instead of a part",
      (hub) => {
        hub.onContents = (_, response) => {
          response.end(hub.repos["o/r"]?.files["m.gguf"]?.subarray(5));
          return true;
        };
      },
      { code: "E_ANSWER" },
    ],
    [
      "a login page",
      (hub) => {
        hub.onHub = (_, response) => {
          response.end("<html>");
          return true;
        };
      },
      { code: "E_ANSWER", message: expect.stringContaining("login page") },
    ],
    [
      "a repository that is not there",
      (hub) => {
        hub.repos = {};
      },
      { code: "E_ACCESS", status: 401, requestId: "request-7" },
    ],
    [
      "a gated one",
      (hub) => {
        hub.onHub = (_, response) => fail(response, 403, "GatedRepo");
      },
      { code: "E_ACCESS", message: expect.stringContaining("gated") },
    ],
    [
      "one that fails again and again",
      (hub) => {
        hub.onHub = (_, response) => fail(response, 503);
      },
      { code: "E_BUSY", status: 503 },
    ],
  ])("%s is refused with what it was", async (_name, misbehave, expected) => {
    const hub = await hubWith({ "m.gguf": random(1000) });
    misbehave(hub);
    const error = await pulls(hub)
      .pull("hf:o/r", { token: "hf_secret" })
      .catch((cause) => cause);
    expect(error).toMatchObject(expected);
    expect(error.message).not.toContain("secret");
    expect(await listModels(cache)).toEqual([]);
  });

  test("a revision and a file that are not there", async () => {
    const { pull } = pulls(await hubWith({ "m.gguf": random(10) }));
    await expect(pull("hf:o/r@v9")).rejects.toMatchObject({
      code: "E_NOT_FOUND",
      message: expect.stringContaining("revision"),
    });
    await expect(pull("hf:o/r:x.gguf")).rejects.toMatchObject({ code: "E_NOT_FOUND", files: ["m.gguf"] });
  });

  test("too many requests: it waits as long as the server says", async () => {
    const hub = await hubWith({ "m.gguf": random(10) });
    const limits = [{ ratelimit: '"resolvers";r=0;t=4' }, { "retry-after": "7" }];
    hub.onHub = (_, response) => {
      const headers = limits.shift();
      return headers !== undefined && fail(response, 429, undefined, headers);
    };
    const { pull, waits, events } = pulls(hub);
    await pull();
    expect(waits).toEqual([5000, 7000]);
    expect(events.filter(({ kind }) => kind === "retry").length).toBe(2);
    hub.onHub = (_, response) => fail(response, 429, undefined, { "retry-after": "3600" });
    await expect(pull("hf:o/r@refs/pr/1")).rejects.toMatchObject({ code: "E_BUSY" });
    expect(waits.length).toBe(2);
  });

  test("a hub that cannot be reached is no harm for a model that is there, one that refuses is", async () => {
    const hub = await hubWith({ "m.gguf": random(10) });
    const { pull, events } = pulls(hub);
    const model = await pull();
    hub.onHub = (request) => {
      request.socket.destroy();
      return true;
    };
    expect(await pull()).toEqual({ ...model, isNew: false });
    expect(events.at(-2)).toMatchObject({ kind: "warning", text: expect.stringContaining("cannot be reached") });
    hub.onHub = (_, response) => fail(response, 401);
    await expect(pull()).rejects.toMatchObject({ code: "E_ACCESS" });
  });

  test("paths that lead out of their folder are not listed", async () => {
    const paths = [
      "../x.gguf",
      "/x.gguf",
      "a/../../x.gguf",
      "a\\x.gguf",
      "C:x.gguf",
      "nul.gguf",
      "a//x.gguf",
      "x.gguf ",
    ];
    const hub = await hubWith(Object.fromEntries(paths.map((path) => [path, random(1)])));
    await expect(pulls(hub).pull()).rejects.toMatchObject({ code: "E_NOT_FOUND", files: [] });
  });

  test("two pulls of one file at once download it once", async () => {
    const hub = await hubWith({ "m.gguf": random(CHUNK) });
    const one = pulls(hub);
    const waiting = { wait: (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms / 50)) };
    const [a, b] = await Promise.all([one.pull("hf:o/r", waiting), one.pull("hf:o/r", waiting)]);
    expect(a.paths).toEqual(b.paths);
    expect(hub.seen.filter(({ origin }) => origin === "contents").length).toBe(1);
  });

  test("the lock of a process that may be alive elsewhere is waited for", async () => {
    const hub = await hubWith({ "m.gguf": random(3 * CHUNK) });
    hub.onContents = ({ headers }, response) => !headers.range?.startsWith("bytes=0-") && fail(response, 403);
    await pulls(hub)
      .pull("hf:o/r", { parallel: 1 })
      .catch(() => {});
    const [part = ""] = (await leftovers()).filter((name) => name.endsWith(".part"));
    await writeFile(join(cache, part.replace(/part$/, "lock")), "4000000 0123456789ab\n");
    hub.onContents = () => false;
    const lockless = pulls(hub);
    const controller = new AbortController();
    const wait = async (): Promise<void> => controller.abort(new Error("waited"));
    await expect(lockless.pull("hf:o/r", { wait, signal: controller.signal })).rejects.toThrow("waited");
    expect(lockless.events.at(-1)).toMatchObject({ kind: "waiting" });
  });

  test("an abort is heard, and what came stays", async () => {
    const hub = await hubWith({ "m.gguf": random(2 * CHUNK) });
    const controller = new AbortController();
    hub.onContents = ({ headers }) => {
      if (headers.range?.startsWith("bytes=0-")) return false;
      controller.abort(new Error("enough"));
      return true; // it never answers
    };
    await expect(pulls(hub).pull("hf:o/r", { signal: controller.signal, parallel: 1 })).rejects.toThrow("enough");
    expect((await leftovers()).length).toBe(2);
  });
});

describe("a model that another program has", () => {
  /** A folder of the Hugging Face cache's form with files of the commit, and one of Ollama's with a blob. */
  async function stores(files: Record<string, Uint8Array>): Promise<OtherStores> {
    const [hub, ollama] = [join(cache, "hub"), join(cache, "ollama")];
    const repo = join(hub, "models--o--r");
    await mkdir(join(repo, "blobs"), { recursive: true });
    await mkdir(join(ollama, "blobs"), { recursive: true });
    for (const [name, bytes] of Object.entries(files)) {
      const path = join(repo, "snapshots", COMMIT, name);
      await mkdir(dirname(path), { recursive: true });
      await writeFile(join(repo, "blobs", sha256(bytes)), bytes);
      await symlink(relative(dirname(path), join(repo, "blobs", sha256(bytes))), path);
    }
    return { huggingFace: [join(cache, "none"), hub], ollama: [ollama] };
  }

  const parts = { "x/m-00001-of-00002.gguf": random(1000), "x/m-00002-of-00002.gguf": random(2000) };
  const contents = (hub: TestHub) => hub.seen.filter(({ origin }) => origin === "contents").length;

  test("is checked, used where it is, and not changed; also a set", async () => {
    const hub = await hubWith(parts);
    const others = await stores(parts);
    const before = await readdir(join(cache, "hub"), { recursive: true });
    const { pull, events } = pulls(hub);
    const model = await pull("hf:o/r", { stores: others });
    expect(model).toMatchObject({ isNew: false, bytes: 3000 });
    expect(model.paths).toEqual(
      Object.keys(parts).map((name) => join(cache, "hub/models--o--r/snapshots", COMMIT, name)),
    );
    expect(events.filter(({ kind }) => kind === "checking").length).toBe(2);
    expect(contents(hub)).toBe(0);

    events.length = 0; // it is not hashed again, and nobody need be asked
    expect(await pull("hf:o/r", { stores: others, offline: true })).toEqual(model);
    expect(events.filter(({ kind }) => kind === "checking")).toEqual([]);
    expect(await readdir(join(cache, "hub"), { recursive: true })).toEqual(before);
    expect(await listModels(cache)).toEqual([]);

    await rm(model.paths[1] as string);
    const own = await pull("hf:o/r", { stores: others });
    expect(own.isNew).toBe(true);
    expect(own.paths[0]?.startsWith(join(cache, "o/r"))).toBe(true);
  });

  test("has to have the contents that the hub states, inside its folder", async () => {
    const bytes = random(1000);
    const hub = await hubWith({ "m.gguf": bytes });
    const others = await stores({ "m.gguf": bytes });
    const path = join(cache, "hub/models--o--r/snapshots", COMMIT, "m.gguf");
    const blob = join(cache, "hub/models--o--r/blobs", sha256(bytes));
    await writeFile(blob, random(1000)); // of the same size
    expect((await pulls(hub).pull("hf:o/r", { stores: others })).isNew).toBe(true);
    await rm(join(cache, "o"), { recursive: true });
    await writeFile(join(cache, "outside"), bytes);
    await rm(path);
    await symlink(join(cache, "outside"), path);
    expect((await pulls(hub).pull("hf:o/r", { stores: others })).isNew).toBe(true);
    await rm(join(cache, "o"), { recursive: true });
    await writeFile(join(cache, "ollama/blobs", `sha256-${sha256(bytes)}`), bytes);
    const { paths } = await pulls(hub).pull("hf:o/r", { stores: others });
    expect(paths).toEqual([join(cache, "ollama/blobs", `sha256-${sha256(bytes)}`)]);
  });

  test("is looked for where the programs say", async () => {
    const settings = (env: Record<string, string>) => hubSettings({ HOME: "/h", ...env });
    expect((await settings({})).stores).toEqual({
      huggingFace: ["/h/.cache/huggingface/hub"],
      ollama: ["/h/.ollama/models"],
    });
    const set = { LLAMA_CACHE: "/l", HF_HOME: "/f", OLLAMA_MODELS: "/o" };
    expect((await settings(set)).stores).toEqual({ huggingFace: ["/l", "/f/hub"], ollama: ["/o"] });
    expect((await settings({ ...set, HF_HUB_CACHE: "/c" })).stores.huggingFace).toEqual(["/l", "/c"]);
  });
});

describe("a model at an address", () => {
  /** Serves the file of the hub at /files/…, with these headers. */
  function serve(hub: TestHub, headers: (bytes: Uint8Array) => Record<string, string>): void {
    hub.onHub = (request, response) => {
      if (request.url?.startsWith("/files/") !== true) return false;
      const bytes = hub.repos["o/r"]?.files["m.gguf"] as Uint8Array;
      const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? "") ?? [];
      const part = bytes.subarray(Number(first), Number(last) + 1);
      const range = `bytes ${first}-${Number(first) + part.byteLength - 1}/${bytes.byteLength}`;
      response.writeHead(206, { "content-range": range, ...headers(bytes) });
      response.end(part);
      return true;
    };
  }
  const put = (hub: TestHub, bytes: Uint8Array): void => {
    hub.repos = { "o/r": { commit: COMMIT, files: { "m.gguf": bytes } } };
  };
  const etag = (bytes: Uint8Array) => ({ etag: `"${sha256(bytes).slice(0, 16)}"` });

  test("is kept like others, and is another one when it changes", async () => {
    const hub = await hubWith({ "m.gguf": random(500 * KIB) });
    serve(hub, etag);
    const { pull } = pulls(hub);
    const url = `${hub.endpoint}/files/m.gguf?key=secret`;
    const model = await pull(url);
    expect(await readFile(model.paths[0] as string)).toEqual(
      Buffer.from(hub.repos["o/r"]?.files["m.gguf"] as Uint8Array),
    );
    expect(await pull(url)).toEqual({ ...model, isNew: false });
    expect(await pull(url, { offline: true })).toEqual({ ...model, isNew: false });
    const names = await readdir(cache, { recursive: true });
    expect(names.join()).not.toContain("secret");
    put(hub, random(600 * KIB));
    expect((await pull(url)).paths).not.toEqual(model.paths);
  });

  test.each<[string, (bytes: Uint8Array) => Record<string, string>]>([
    ["its ETag", etag],
    ["a weak ETag", (bytes) => ({ etag: `W/${etag(bytes).etag}` })],
    ["the time of its change", (bytes) => ({ "last-modified": new Date(1e12 + 1e3 * (bytes[0] ?? 0)).toUTCString() })],
  ])("of the same size is told apart by %s", async (_name, headers) => {
    const [first, second] = [random(1000).fill(1, 0, 1), random(1000).fill(2, 0, 1)];
    const hub = await hubWith({ "m.gguf": first });
    serve(hub, headers);
    const { pull } = pulls(hub);
    const url = `${hub.endpoint}/files/m.gguf`;
    const model = await pull(url);
    put(hub, second);
    const other = await pull(url);
    expect(other).toMatchObject({ isNew: true });
    expect(await readFile(other.paths[0] as string)).toEqual(Buffer.from(second));
    put(hub, first);
    expect(await pull(url)).toEqual({ ...model, isNew: false });
  });

  test.each([
    ["its ETag says that it is the same", etag, 2],
    ["its ETag is weak", (bytes: Uint8Array) => ({ etag: `W/${etag(bytes).etag}` }), 0],
    ["nothing is said of it", () => ({}), 0],
  ])("goes on where it broke off only if it is known to be the same: %s", async (_name, headers, nKept) => {
    const bytes = random(700 * KIB);
    const hub = await hubWith({ "m.gguf": bytes });
    serve(hub, headers);
    const answer = hub.onHub;
    hub.onHub = (request, response) =>
      (request.headers.range?.startsWith("bytes=6") === true && fail(response, 403)) || answer(request, response);
    const options = { parallel: 1, chunkBytes: 300 * KIB };
    const url = `${hub.endpoint}/files/m.gguf`;
    await expect(pulls(hub).pull(url, options)).rejects.toMatchObject({ code: "E_IO" });
    expect((await leftovers()).length).toBe(2);
    hub.onHub = answer;
    const { pull, events } = pulls(hub);
    const { paths } = await pull(url, options);
    // as one number: the difference of large buffers takes minutes to print
    expect(Buffer.compare(await readFile(paths[0] as string), bytes)).toBe(0);
    expect(events.find(({ kind }) => kind === "progress")).toMatchObject({ bytes: nKept * 300 * KIB });
  });

  test("is asked for again when the server is busy or the connection is cut", async () => {
    const bytes = random(700 * KIB);
    const hub = await hubWith({ "m.gguf": bytes });
    serve(hub, etag);
    const answer = hub.onHub;
    let failures = 0;
    hub.onHub = (request, response) => {
      failures += 1;
      if (failures === 2) return fail(response, 503);
      if (failures === 4) return request.socket.destroy() !== undefined;
      return answer(request, response);
    };
    const { pull, waits } = pulls(hub);
    const { paths } = await pull(`${hub.endpoint}/files/m.gguf`, { parallel: 1, chunkBytes: 300 * KIB });
    expect(Buffer.compare(await readFile(paths[0] as string), bytes)).toBe(0);
    expect(waits).toEqual([1000, 1000]);
  });
});
