// Who may ask: the names of this server, the pages of other sites, and keys. Checked before anything of a request is read.

import { createHash, timingSafeEqual } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { ApiError } from "@ll/openai-api";

const MAX_URL_CHARS = 2048;

/** Failed keys of an address in a minute; beyond, it is not listened to. */
const MAX_FAILURES = 10;
const FAILURES_MS = 60_000;

/** Addresses that are remembered. */
const MAX_ADDRESSES = 10_000;

const LOOPBACK = ["localhost", "127.0.0.1", "[::1]"];

/** Answered without a key: whoever starts, stops and balances servers asks them. */
const OPEN_PATHS = new Set(["/health", "/health/live", "/health/ready", "/v1/health"]);

export interface GuardOptions {
  /** The address that is bound. */
  readonly host: string;
  readonly allowHosts: readonly string[];
  readonly allowOrigins: readonly string[];
  /** Addresses of proxies in front, which say who asks. */
  readonly proxies?: readonly string[];
  /** None: nobody needs one. */
  readonly keys: readonly string[];
  /** Of the page: nothing there is secret, and links from elsewhere may lead to it. */
  readonly pagePaths?: ReadonlySet<string> | undefined;
  readonly now?: () => number;
}

export interface Admission {
  /** Number of the key, from 1; 0 without keys. */
  readonly key: number;
  /** Who asks, for the queue: the key, else the address. */
  readonly client: string;
}

export interface Guard {
  /** @throws ApiError */
  admit(request: IncomingMessage): Admission;
  /** Headers for a page of another origin that may ask; undefined for no such page. */
  corsHeaders(request: IncomingMessage): Readonly<Record<string, string>> | undefined;
}

export function createGuard(options: GuardOptions): Guard {
  const { host, allowHosts, allowOrigins, proxies = [], keys, pagePaths, now = Date.now } = options;
  const hosts = new Set([...LOOPBACK, bracketed(host), ...allowHosts].map(lower));
  const origins = new Set(allowOrigins.map(lower));
  const hashes = keys.map(sha256);
  const failures = new Map<string, { n: number; since: number }>();

  function checkHost({ headers, rawHeaders, socket }: IncomingMessage): void {
    const nHosts = rawHeaders.filter((name, i) => i % 2 === 0 && lower(name) === "host").length;
    if (nHosts !== 1) throw refused(400, "invalid_host", `Expected one host header, got ${nHosts}`);
    const name = lower(headers.host ?? "").replace(/:\d*$/, "");
    // the address that was asked is no name that a stranger's DNS could give us
    const own = bracketed(plainAddress(socket.localAddress));
    if (!hosts.has(name) && (own === "" || name !== own)) {
      throw refused(403, "forbidden_host", `This server is not known under this name; --allow-host NAME makes it so`);
    }
  }

  /** Pages of other sites may not ask: only browsers send these headers. */
  function checkOrigin(request: IncomingMessage): void {
    const { origin, host: name } = request.headers;
    const site = request.headers["sec-fetch-site"];
    const isAllowed = origin !== undefined && origins.has(lower(origin));
    const isOwn = origin === undefined || origin === `http://${name}` || origin === `https://${name}`;
    const isForeign = site === "cross-site" || site === "same-site";
    if (isAllowed || (isOwn && !isForeign)) return;
    throw refused(403, "forbidden_origin", "Pages of other sites may not ask; --allow-origin ORIGIN lets one");
  }

  /** Who asks: of a proxy's request, whom that took it from. */
  function addressOf({ headers, socket }: IncomingMessage): string {
    const address = plainAddress(socket.remoteAddress) || "unix";
    if (!proxies.includes(address)) return address;
    const [last = ""] = String(headers["x-forwarded-for"] ?? "")
      .split(",")
      .slice(-1); // those before it, anybody may have sent
    return last.trim() || address;
  }

  /** Number of the key from 1; all keys are compared every time. */
  function keyOf({ headers }: IncomingMessage): number {
    const [, bearer] = /^bearer (.*)$/i.exec(headers.authorization ?? "") ?? [];
    const given = sha256(bearer ?? String(headers["x-api-key"] ?? ""));
    return hashes.reduce((found, hash, i) => (timingSafeEqual(hash, given) ? i + 1 : found), 0);
  }

  function checkKey(request: IncomingMessage, address: string): number {
    const failed = failures.get(address);
    const isRecent = failed !== undefined && now() - failed.since < FAILURES_MS;
    if (isRecent && failed.n >= MAX_FAILURES) {
      throw refused(429, "too_many_failures", "Too many wrong keys from this address", { "retry-after": "60" });
    }
    const key = keyOf(request);
    if (key > 0) return key;
    if (isRecent) failed.n++;
    else {
      if (failures.size >= MAX_ADDRESSES) failures.delete(failures.keys().next().value as string);
      failures.delete(address); // the oldest stand in front
      failures.set(address, { n: 1, since: now() });
    }
    throw refused(401, "invalid_api_key", "Send a key of this server as authorization: Bearer KEY");
  }

  return {
    admit(request) {
      const { url = "", method } = request;
      const address = addressOf(request);
      if (!url.startsWith("/")) throw refused(400, "invalid_path", "Expected a path that begins with /");
      checkHost(request);
      if (url.length > MAX_URL_CHARS)
        throw refused(414, "uri_too_long", `Expected at most ${MAX_URL_CHARS} characters`);
      const path = url.replace(/\?.*$/s, "");
      const isPage = pagePaths?.has(path) === true;
      if (!isPage) checkOrigin(request);
      const isOpen = isPage || method === "OPTIONS" || OPEN_PATHS.has(path);
      if (hashes.length === 0 || isOpen) return { key: 0, client: address };
      const key = checkKey(request, address);
      return { key, client: `key ${key}` };
    },
    corsHeaders({ headers, method }) {
      const { origin } = headers;
      if (origin === undefined || !origins.has(lower(origin))) return undefined;
      const own = {
        "access-control-allow-origin": origin,
        "access-control-expose-headers": "x-request-id, retry-after",
        vary: "origin",
      };
      if (method !== "OPTIONS") return own;
      const asked = String(headers["access-control-request-headers"] ?? "").split(",");
      const stainless = asked.map((name) => lower(name.trim())).filter((name) => /^x-stainless-[\w-]+$/.test(name));
      const names = ["authorization", "content-type", "x-api-key", "x-request-id", ...stainless];
      return {
        ...own,
        "access-control-allow-methods": "GET, HEAD, POST, OPTIONS",
        "access-control-allow-headers": names.join(", "),
        "access-control-max-age": "600",
      };
    },
  };
}

/** True for an address that only this machine reaches. */
export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127\./.test(host) || host.startsWith("unix:");
}

/** As it stands in a host header. */
function bracketed(address: string): string {
  return address.includes(":") ? `[${address}]` : address;
}

/** Without what marks an IPv4 address that came in over IPv6. */
function plainAddress(address = ""): string {
  return address.replace(/^::ffff:(?=[\d.]+$)/, "");
}

function lower(text: string): string {
  return text.toLowerCase();
}

function sha256(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}

function refused(
  status: 400 | 401 | 403 | 414 | 429,
  code: string,
  message: string,
  headers: Readonly<Record<string, string>> = {},
): ApiError {
  return new ApiError({ status, code, message, headers });
}
