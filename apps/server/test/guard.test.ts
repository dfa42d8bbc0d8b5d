// Who may ask: names, pages of other sites, keys.

import { connect } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createGuard, isLoopback } from "../src/guard.ts";
import { ask, startServer, type TestServer } from "./support/test-server.ts";

let open: TestServer;
let locked: TestServer;

beforeAll(async () => {
  open = await startServer({ allowHosts: ["ll.example"], allowOrigins: ["https://page.example"], isLoaded: false });
  locked = await startServer({ keys: ["first", "second"], isLoaded: false });
});

afterAll(async () => {
  await open.close();
  await locked.close();
});

/** All that is sent, and the first line of what comes back. */
function raw(port: number, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1", () => socket.write(text));
    let answer = "";
    socket.on("data", (piece) => {
      answer += piece;
      socket.end();
    });
    socket.on("close", () => resolve(answer.split("\r\n")[0] ?? ""));
    socket.on("error", reject);
  });
}

describe("names of the server", () => {
  test.each([
    ["localhost", 200],
    ["LOCALHOST:1", 200],
    ["127.0.0.1:9", 200],
    ["[::1]:9", 200],
    ["ll.example", 200],
    ["evil.example", 403],
    ["127.0.0.1.evil.example", 403],
    ["localhost.evil.example:8080", 403],
    ["ll.example.evil", 403],
  ])("%s: %i", async (host, status) => {
    const answer = await ask(open.port, "/health/live", { headers: { host } });
    expect(answer.status).toBe(status);
    if (status === 403) expect(answer.body.error.code).toBe("forbidden_host");
  });

  test.each([
    ["none", "GET /health/live HTTP/1.1\r\n\r\n"],
    ["two", "GET /health/live HTTP/1.1\r\nhost: localhost\r\nhost: evil.example\r\n\r\n"],
    ["an absolute target", "GET http://localhost/health/live HTTP/1.1\r\nhost: localhost\r\n\r\n"],
    [
      "both lengths",
      "POST /v1/models HTTP/1.1\r\nhost: localhost\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n{}",
    ],
    ["no HTTP", "\x16\x03\x01\x02\r\n\r\n"],
  ])("%s: 400", async (_name, text) => {
    expect(await raw(open.port, text)).toMatch(/^HTTP\/1\.1 400 /);
  });
});

describe("pages of other sites", () => {
  test.each<[string, Record<string, string>, number]>([
    ["no page", {}, 503],
    ["its own", { origin: "http://localhost" }, 503],
    ["an allowed one", { origin: "https://page.example", "sec-fetch-site": "cross-site" }, 503],
    ["another", { origin: "https://evil.example" }, 403],
    ["no origin to tell", { origin: "null" }, 403],
    ["another without an origin", { "sec-fetch-site": "cross-site" }, 403],
    ["another port", { "sec-fetch-site": "same-site" }, 403],
    ["typed by hand", { "sec-fetch-site": "none" }, 503],
    ["fetch of Node", { "sec-fetch-mode": "cors" }, 503],
  ])("%s", async (_name, headers, status) => {
    const answer = await ask(open.port, "/v1/models", { headers: { host: "localhost", ...headers } });
    expect(answer.status).toBe(status); // 503: the model is not loaded here
    const isAllowed = headers["origin"] === "https://page.example";
    expect(answer.headers["access-control-allow-origin"]).toBe(isAllowed ? headers["origin"] : undefined);
    expect(answer.headers).toMatchObject({ "x-content-type-options": "nosniff", server: "ll" });
  });

  test("a preflight names what may be sent, to an allowed page alone", async () => {
    const asks = { "access-control-request-headers": "authorization,x-stainless-os, x-evil" };
    const preflight = (origin: string) =>
      ask(open.port, "/v1/chat/completions", { method: "OPTIONS", headers: { host: "localhost", origin, ...asks } });
    const allowed = await preflight("https://page.example");
    expect(allowed.status).toBe(204);
    expect(allowed.headers["access-control-allow-headers"]).toBe(
      "authorization, content-type, x-api-key, x-request-id, x-stainless-os",
    );
    expect(allowed.headers["access-control-allow-credentials"]).toBeUndefined();
    expect((await preflight("https://evil.example")).headers["access-control-allow-headers"]).toBeUndefined();
  });
});

describe("all of it together", () => {
  let server: TestServer;

  beforeAll(async () => {
    const allowed = { allowOrigins: ["https://page.example"], proxies: ["127.0.0.1"] };
    server = await startServer({ ...allowed, keys: ["secret"] });
  });

  afterAll(() => server.close());

  const HOSTS = ["localhost", "127.0.0.1:8080", "evil.example"];
  const ORIGINS = [undefined, "http://localhost", "https://page.example", "https://evil.example", "null"];
  const SITES = [undefined, "same-origin", "none", "same-site", "cross-site"];
  const TYPES = [
    "application/json",
    "application/json; charset=utf-8",
    "text/plain",
    "multipart/form-data; boundary=x",
  ];
  const KEYS = [undefined, "Bearer secret", "Bearer wrong"];

  const CASES = HOSTS.flatMap((host) =>
    ORIGINS.flatMap((origin) =>
      SITES.flatMap((site) => TYPES.flatMap((type) => KEYS.map((key) => ({ host, origin, site, type, key })))),
    ),
  );

  /** The first rule that is broken. */
  function expectedOf({ host, origin, site, type, key }: (typeof CASES)[number]): [number, string | undefined] {
    if (host === "evil.example") return [403, "forbidden_host"];
    const isOwn = origin === undefined || origin === `http://${host}`;
    const isForeign = site === "same-site" || site === "cross-site";
    if (origin !== "https://page.example" && (!isOwn || isForeign)) return [403, "forbidden_origin"];
    if (key !== "Bearer secret") return [401, "invalid_api_key"];
    return type.startsWith("application/json") ? [200, undefined] : [415, "unsupported_media_type"];
  }

  test(`${CASES.length} requests`, async () => {
    for (const [i, one] of CASES.entries()) {
      const { host, origin, site, type, key } = one;
      const headers = {
        ...{ host, "content-type": type, "x-forwarded-for": `10.0.${i >> 8}.${i & 255}` }, // keys are counted by address
        ...(origin !== undefined && { origin }),
        ...(site !== undefined && { "sec-fetch-site": site }),
        ...(key !== undefined && { authorization: key }),
      };
      const { status, body } = await ask(server.port, "/tokenize", { headers, body: { content: "a" } });
      expect([status, body.error?.code], JSON.stringify(one)).toEqual(expectedOf(one));
    }
  });
});

describe("keys", () => {
  const PATHS = ["/v1/models", "/v1/chat/completions", "/tokenize", "/metrics", "/slots", "/props", "/", "/nothing"];

  test.each(PATHS)("%s needs one", async (path) => {
    const { status, body } = await ask(locked.port, path);
    expect([status, body.error.code]).toEqual([401, "invalid_api_key"]);
  });

  test.each(["/health", "/health/live", "/health/ready", "/v1/health"])("%s needs none", async (path) => {
    expect((await ask(locked.port, path)).status).not.toBe(401);
  });

  test("all of them, in both headers; others are counted by address", () => {
    let ms = 0;
    const guard = createGuard({
      host: "127.0.0.1",
      allowHosts: [],
      allowOrigins: [],
      keys: ["first", "second"],
      now: () => ms,
    });
    const admit = (headers: Record<string, string>, remoteAddress = "10.0.0.1") =>
      guard.admit({
        headers: { host: "localhost", ...headers },
        rawHeaders: ["host", "localhost"],
        url: "/v1/models",
        method: "GET",
        socket: { remoteAddress },
      } as never);
    expect(admit({ authorization: "Bearer first" })).toEqual({ key: 1, client: "key 1" });
    expect(admit({ "x-api-key": "second" })).toEqual({ key: 2, client: "key 2" });
    for (const wrong of ["", "firs", "firstt", "FIRST", "x".repeat(1_000_000)]) {
      expect(() => admit({ authorization: `Bearer ${wrong}` })).toThrow(/Send a key/);
    }
    for (let i = 0; i < 5; i++) expect(() => admit({})).toThrow(/Send a key/);
    expect(() => admit({ authorization: "Bearer first" })).toThrow(/Too many/);
    expect(admit({ authorization: "Bearer first" }, "10.0.0.2").key).toBe(1);
    ms = 60_000;
    expect(admit({ authorization: "Bearer first" }).key).toBe(1);
  });
});

describe("behind a proxy", () => {
  const guard = createGuard({
    ...{ host: "0.0.0.0", allowHosts: [], allowOrigins: [], keys: [], proxies: ["10.0.0.9"] },
  });
  const admit = (remoteAddress: string, headers: Record<string, string> = {}, socket = {}) =>
    guard.admit({
      headers: { host: "localhost", ...headers },
      ...{ rawHeaders: ["host", "localhost"], url: "/v1/models", method: "GET" },
      socket: { remoteAddress, localAddress: "10.0.0.1", ...socket },
    } as never);

  test.each([
    ["says nothing", "10.0.0.9", undefined, "10.0.0.9"],
    ["says who asks", "10.0.0.9", "192.0.2.7", "192.0.2.7"],
    ["is told of others by its client", "10.0.0.9", "192.0.2.1, 10.0.0.9,  192.0.2.7", "192.0.2.7"],
    ["comes by IPv6", "::ffff:10.0.0.9", "2001:db8::7", "2001:db8::7"],
    ["says less than nothing", "10.0.0.9", " , ", "10.0.0.9"],
    ["is none", "10.0.0.8", "192.0.2.7", "10.0.0.8"],
  ])("that %s", (_name, address, forwarded, client) => {
    const headers = forwarded === undefined ? {} : { "x-forwarded-for": forwarded };
    expect(admit(address, headers)).toEqual({ key: 0, client });
  });

  test("a server on all addresses knows the one that was asked", () => {
    expect(admit("10.0.0.8", { host: "10.0.0.1:8080" }).key).toBe(0);
    expect(admit("::1", { host: "[fd00::1]:8080" }, { localAddress: "fd00::1" }).key).toBe(0);
    expect(() => admit("10.0.0.8", { host: "10.0.0.2" })).toThrow(/not known/);
    expect(() => admit("10.0.0.8", { host: "" }, { localAddress: undefined })).toThrow(/not known/);
  });
});

test.each([
  ["127.0.0.1", true],
  ["127.9.9.9", true],
  ["::1", true],
  ["localhost", true],
  ["unix:/tmp/x.sock", true],
  ["0.0.0.0", false],
  ["::", false],
  ["192.168.0.2", false],
])("%s is loopback: %s", (host, expected) => {
  expect(isLoopback(host)).toBe(expected);
});

test.each([
  ["/%2e%2e/%2e%2e/etc/passwd", 404],
  ["/..%5c", 404],
  ["//", 404],
  ["/%00", 404],
  [`/${"x".repeat(2048)}`, 414],
])("path %s", async (path, status) => {
  const answer = await ask(open.port, path);
  // the model is not loaded: whatever is not known waits for it
  expect([status, 503]).toContain(answer.status);
});
