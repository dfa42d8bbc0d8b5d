// What a web server may not learn, where it may not lead, and how long it may take.

import { createServer, type IncomingMessage, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { inspect } from "node:util";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { type HttpSourceOptions, httpSource } from "../src/index.ts";
import { isPrivateHost, isPrivateName } from "../src/private-address.ts";

const file = Uint8Array.from({ length: 300_000 }, (_, i) => i % 251);

/** A server at 127.0.0.1 that keeps the headers of what it is asked. Resolves to its origin. */
async function serve(answer: RequestListener): Promise<{ origin: string; seen: IncomingMessage["headers"][] }> {
  const seen: IncomingMessage["headers"][] = [];
  const server = createServer((request, response) => {
    seen.push(request.headers);
    answer(request, response);
  });
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  onTestFinished(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return { origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, seen };
}

const sendFile: RequestListener = (request, response) => {
  const [, first = 0, last = 0] = (/^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? "") ?? []).map(Number);
  const end = Math.min(last + 1, file.length);
  response.writeHead(206, { "content-range": `bytes ${first}-${end - 1}/${file.length}`, etag: '"1"' });
  response.end(file.subarray(first, end));
};
const redirect =
  (location: string, status = 302): RequestListener =>
  (_request, response) =>
    void response.writeHead(status, { location }).end();

/** What `fetch` gives, for what no server at 127.0.0.1 can be. */
type Send = NonNullable<HttpSourceOptions["fetch"]>;
const answered = (answers: Record<string, Response>, asked: [string, RequestInit | undefined][] = []): Send =>
  (async (url: string, init?: RequestInit) => {
    asked.push([url, init]);
    return answers[url] ?? new Response(null, { status: 404 });
  }) as Send;
const led = (location: string): Response => new Response(null, { status: 302, headers: { location } });

const failureOf = (work: Promise<unknown>): Promise<Error & { code?: string; file?: string }> =>
  work.then(
    () => expect.unreachable("it was taken"),
    (reason: unknown) => reason as Error,
  );

describe("secrets", () => {
  const headers = { authorization: "Bearer SECRET-A", "x-api-key": "SECRET-B" };
  const places: [string, (host: string) => string][] = [
    ["user and password", (host) => `http://SECRET-USER:SECRET%2DWORD@${host}/m.gguf`],
    ["a signed query", (host) => `http://${host}/m.gguf?X-Amz-Signature=SECRET-SIG`],
    ["a fragment", (host) => `http://${host}/m.gguf#SECRET-FRAGMENT`],
  ];

  const answers: [string, RequestListener | undefined][] = [
    ["is not there", (_request, response) => void response.writeHead(404).end()],
    ["sends no parts", (_request, response) => void response.writeHead(200).end("x")],
    ["leads to a refused place", redirect("ftp://SECRET-USER:SECRET-WORD@example.com/?SECRET-SIG")],
    ["leads round in circles", (request, response) => redirect(request.url ?? "/")(request, response)],
    ["hangs up", (request) => void request.socket.destroy()],
    [
      "sends too much",
      (_request, response) => void response.writeHead(206, { "content-range": "bytes 0-0/1" }).end("xyz"),
    ],
  ];
  describe.each(places)("%s", (_place, urlAt) => {
    test.each(answers)("stand in no error if the server %s", async (_what, answer) => {
      const { origin } = await serve(answer!);
      const error = await failureOf(httpSource(urlAt(new URL(origin).host), { headers }));
      expect(error).toMatchObject({ name: "IoError", code: "E_IO", file: expect.stringMatching(/\/m\.gguf(?:\?…)?$/) });
      expect(inspect(error, { depth: 9, showHidden: true })).not.toContain("SECRET");
    });

    test("stand in no error of a fetch that tells everything", async () => {
      const tell = (async (url: string, init: RequestInit) => {
        throw new TypeError(`${url} ${urlAt("example.com")} ${JSON.stringify(init.headers)}`);
      }) as Send;
      const error = await failureOf(httpSource(urlAt("example.com"), { headers, fetch: tell }));
      expect(inspect(error, { depth: 9, showHidden: true }).replaceAll("SECRET-FRAGMENT", "")).not.toContain("SECRET");
    });

    test("are not in the name of the source", async () => {
      const { origin } = await serve(sendFile);
      const source = await httpSource(urlAt(new URL(origin).host));
      expect(source.name).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/m\.gguf(?:\?…)?$/);
    });
  });

  test.each(["no address: SECRET", "http//user:SECRET@host/", "file:///SECRET", "ftp://user:SECRET@host/"])(
    "an address that is none is refused without showing it",
    async (url) => {
      const error = await failureOf(httpSource(url));
      expect(error.message).toBe('"url" expected an address that begins with http:// or https://');
    },
  );

  test.each([{ authorization: "a\nSECRET" }, { "x-key": "SECRET\u{1f999}" }])(
    "a header that cannot be sent",
    async (bad) => {
      const error = await failureOf(httpSource("http://127.0.0.1/", { headers: bad as Record<string, string> }));
      expect(error.message).toMatch(/^"headers": "(?:authorization|x-key)" or its value cannot be sent$/);
    },
  );

  test("user and password are sent as authorization, which an own header goes before", async () => {
    const { origin, seen } = await serve(sendFile);
    const url = `http://us%40er:p%C3%A4ss@${new URL(origin).host}/m`;
    await httpSource(url);
    await httpSource(url, { headers: { Authorization: "own" } });
    const basic = `Basic ${Buffer.from("us@er:päss").toString("base64")}`;
    expect(seen.map(({ authorization }) => authorization)).toEqual([basic, "own"]);
  });
});

describe("redirects", () => {
  const headers = { authorization: "A", "x-api-key": "B", cookie: "C" };
  const ownOf = (all: IncomingMessage["headers"] | undefined): unknown[] =>
    ["authorization", "x-api-key", "cookie", "range"].map((name) => all?.[name]);

  test.each([301, 302, 303, 307, 308])("%i: headers stay at their origin, the range goes along", async (status) => {
    const other = await serve(sendFile);
    const { origin, seen } = await serve((request, response) => {
      const to = request.url === "/m" ? "/same" : `${other.origin}/file`;
      redirect(to, status)(request, response);
    });
    const source = await httpSource(`${origin}/m`, { headers });
    expect(source.name).toBe(`${origin}/m`);
    expect(seen.map(ownOf)).toEqual([
      ["A", "B", "C", "bytes=0-262143"],
      ["A", "B", "C", "bytes=0-262143"],
    ]);
    expect(other.seen.map(ownOf)).toEqual([[undefined, undefined, undefined, "bytes=0-262143"]]);
    const target = new Uint8Array(10);
    await source.read(290_000, target);
    expect(target).toEqual(file.subarray(290_000, 290_010));
    expect(other.seen.map(ownOf)[1]).toEqual([undefined, undefined, undefined, "bytes=290000-290009"]);
  });

  test("a user and password in the place it leads to are not sent", async () => {
    const other = await serve(sendFile);
    const { origin } = await serve(redirect(`http://u:p@${new URL(other.origin).host}/`));
    await httpSource(origin);
    expect(ownOf(other.seen[0])[0]).toBeUndefined();
  });

  test.each([
    ["http://example.com/", "a redirect from https to http (http://example.com)"],
    ["file:///etc/passwd", "a redirect to no http or https address"],
    ["data:,x", "a redirect to no http or https address"],
    ["https://", "a redirect to no http or https address"],
  ])("from https to %s is refused", async (location, message) => {
    const error = await failureOf(
      httpSource("https://a.example/m", { fetch: answered({ "https://a.example/m": led(location) }) }),
    );
    expect(error.message).toBe(`cannot read https://a.example/m: ${message}`);
  });

  test("more than ten are refused", async () => {
    const { origin, seen } = await serve((request, response) => redirect(`${request.url}x`)(request, response));
    await expect(httpSource(`${origin}/m`)).rejects.toThrow("more than 10 redirects");
    expect(seen).toHaveLength(11);
  });

  test("from outside to a private address are refused, unless asked for", async () => {
    for (const to of [
      "http://127.0.0.1/",
      "http://169.254.169.254/latest/meta-data",
      "http://[::1]/",
      "http://db.internal/",
    ]) {
      const asked: [string, RequestInit | undefined][] = [];
      const fetch = answered({ "http://a.example/m": led(to) }, asked);
      const error = await failureOf(httpSource("http://a.example/m", { fetch }));
      expect(error.message).toContain(`a redirect to the private address ${new URL(to).origin}`);
      expect(asked).toHaveLength(1);
      await failureOf(httpSource("http://a.example/m", { fetch, allowPrivateRedirects: true }));
      expect(asked.map(([url]) => url)).toEqual(["http://a.example/m", "http://a.example/m", to]);
    }
  });

  test("between private addresses are followed, unless that is forbidden", async () => {
    const other = await serve(sendFile);
    const { origin } = await serve(redirect(`${other.origin}/`));
    await httpSource(origin);
    const error = await failureOf(httpSource(origin, { allowPrivateRedirects: false }));
    expect(error.message).toContain("a redirect to the private address");
    expect(other.seen).toHaveLength(1);
  });

  describe("in a browser, which does not show them", () => {
    const opaque = Object.defineProperty(new Response(null), "type", { value: "opaqueredirect" });
    const found = () => new Response(Uint8Array.of(1), { status: 206, headers: { "content-range": "bytes 0-0/1" } });
    const browser = (asked: (RequestInit | undefined)[]): Send =>
      (async (_url: string, init?: RequestInit) => {
        asked.push(init);
        return init?.redirect === "manual" ? opaque : found();
      }) as Send;

    test("are followed with authorization, which the browser keeps at its origin", async () => {
      const asked: (RequestInit | undefined)[] = [];
      await httpSource("https://a.example/m", { fetch: browser(asked), headers: { authorization: "A" } });
      expect(asked.map((init) => init?.redirect)).toEqual(["manual", "follow"]);
    });

    test.each<HttpSourceOptions>([{ headers: { "x-api-key": "B" } }, { allowPrivateRedirects: false }])(
      "are refused with %o",
      async (options) => {
        const asked: (RequestInit | undefined)[] = [];
        await expect(httpSource("https://a.example/m", { fetch: browser(asked), ...options })).rejects.toThrow(
          "a redirect",
        );
        expect(asked).toHaveLength(1);
      },
    );
  });
});

describe("private addresses", () => {
  const hostOf = (text: string): string => new URL(`http://${text}/`).hostname;
  const inside = ["localhost", "LOCALHOST.", "a.localhost", "db.internal", "printer.local", "nas", "router.home.arpa"];
  const inside4 = [
    "127.0.0.1",
    "127.255.255.255",
    "0.0.0.0",
    "10.1.2.3",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.0.1",
  ];
  const more4 = ["169.254.169.254", "100.64.0.1", "198.19.0.1", "224.0.0.1", "255.255.255.255", "2130706433", "0x7f.1"];
  const inside6 = ["[::]", "[::1]", "[fe80::1]", "[fd00::1]", "[ff02::1]", "[::ffff:127.0.0.1]", "[64:ff9b::10.0.0.1]"];
  const more6 = ["[2002:7f00:1::]", "[2001:0::1]", "[fec0::1]", "[::127.0.0.1]"];
  test.each([...inside, ...inside4, ...more4, ...inside6, ...more6])("%s", (text) => {
    expect(isPrivateName(hostOf(text))).toBe(true);
  });

  const outside = [
    "example.com",
    "localhost.example.com",
    "8.8.8.8",
    "11.0.0.1",
    "172.32.0.1",
    "192.169.0.1",
    "100.128.0.1",
  ];
  test.each([...outside, "[2606:4700::1]", "[::ffff:8.8.8.8]", "[64:ff9b::8.8.8.8]", "169.253.0.1", "223.0.0.1"])(
    "not %s",
    (text) => {
      expect(isPrivateName(hostOf(text))).toBe(false);
    },
  );

  test("a name is what its addresses are", async () => {
    let addresses = ["93.184.216.34"];
    const lookup = async () => addresses.map((address) => ({ address }));
    const original = process.getBuiltinModule;
    const builtin = vi.spyOn(process, "getBuiltinModule");
    onTestFinished(() => builtin.mockRestore());
    builtin.mockImplementation(((name: string) =>
      name === "node:dns/promises" ? { lookup } : original(name)) as never);
    expect(await isPrivateHost("rebound.example")).toBe(false);
    for (const address of ["10.0.0.1", "::1", "::ffff:10.0.0.1"]) {
      addresses = ["93.184.216.34", address];
      expect(await isPrivateHost("rebound.example"), address).toBe(true);
    }
  });
});

describe("time", () => {
  const start = { "content-range": `bytes 0-262143/${file.length}`, "content-length": "262144" };
  test.each<[string, RequestListener]>([
    ["never answers", () => undefined],
    ["sends no body", (_request, response) => void response.writeHead(206, start).flushHeaders()],
    [
      "sends a byte now and then",
      (_request, response) => {
        response.writeHead(206, start);
        const timer = setInterval(() => response.write("x"), 20);
        response.on("close", () => clearInterval(timer));
      },
    ],
    [
      "leads on and on, slowly",
      (request, response) => void setTimeout(() => redirect(`${request.url}x`)(request, response), 60),
    ],
  ])("a server that %s is E_TIMEOUT", async (_what, answer) => {
    const { origin } = await serve(answer);
    const error = await failureOf(httpSource(`${origin}/m`, { timeoutMs: 300 }));
    expect(error).toMatchObject({ name: "IoError", code: "E_TIMEOUT", file: `${origin}/m` });
    expect(error.message).toBe(`cannot read ${origin}/m: the server sent too little for 0.3 s`);
  });

  test("30 s for an answer, then for each 32 KiB; what keeps that up may take as long as it wants", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    onTestFinished(() => void vi.useRealTimers());
    let send: (bytes: number) => void = () => undefined;
    const body = new ReadableStream({
      start(controller) {
        send = (bytes) => controller.enqueue(new Uint8Array(bytes));
      },
    });
    const headers = { "content-range": `bytes 0-262143/${file.length}` };
    const opened = httpSource("https://a.example/m", {
      fetch: (async () => new Response(body, { status: 206, headers })) as Send,
    });
    const failed = failureOf(opened);
    const settle = () => new Promise((resolve) => setImmediate(resolve));
    for (let i = 0; i < 5; i++) {
      await settle();
      vi.advanceTimersByTime(29_000);
      send(32 * 1024);
    }
    await settle();
    vi.advanceTimersByTime(20_000);
    send(32 * 1024 - 1);
    await settle();
    vi.advanceTimersByTime(10_001);
    expect(await failed).toMatchObject({ code: "E_TIMEOUT" });
    expect(vi.getTimerCount()).toBe(0);
  });

  test("no timer and no listener is left behind", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    onTestFinished(() => void vi.useRealTimers());
    const headers = { "content-range": "bytes 0-0/1" };
    const { signal } = new AbortController();
    const removed = vi.spyOn(signal, "removeEventListener");
    const added = vi.spyOn(signal, "addEventListener");
    for (const status of [206, 404]) {
      const fetch = (async () => new Response("x", { status, headers })) as Send;
      await httpSource("https://a.example/m", { fetch, signal }).catch(() => undefined);
    }
    expect([vi.getTimerCount(), added.mock.calls.length, removed.mock.calls.length]).toEqual([0, 2, 2]);
  });

  test.each([0, -1, Number.NaN])("a limit of %d is refused", async (timeoutMs) => {
    await expect(httpSource("http://127.0.0.1/", { timeoutMs })).rejects.toThrow(RangeError);
  });

  test("an abort ends also a fetch that does not listen", async () => {
    const controller = new AbortController();
    const failed = failureOf(
      httpSource("https://a.example/", {
        signal: controller.signal,
        fetch: (() => new Promise(() => undefined)) as Send,
      }),
    );
    controller.abort(new Error("enough"));
    expect((await failed).message).toBe("enough");
    await expect(httpSource("https://a.example/", { signal: controller.signal })).rejects.toThrow("enough");
  });
});
