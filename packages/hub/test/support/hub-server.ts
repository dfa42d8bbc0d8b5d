// A hub on this machine: an API, and a server at another origin that has the contents, as the real one. It misbehaves as it is told.

import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { onTestFinished } from "vitest";

export interface HubRepo {
  readonly commit: string;
  readonly files: Readonly<Record<string, Uint8Array>>;
}

/** Takes a request over: true if it was answered. */
export type Misbehave = (request: IncomingMessage, response: ServerResponse) => boolean;

export interface TestHub {
  readonly endpoint: string;
  readonly contents: string;
  /** Method, path and the headers that matter, of all requests to both servers. */
  readonly seen: { origin: "hub" | "contents"; url: string; range: string | undefined; token: string | undefined }[];
  repos: Record<string, HubRepo>;
  onHub: Misbehave;
  onContents: Misbehave;
  /** Files to a page of the list. */
  pageFiles: number;
}

export const COMMIT = "0123456789abcdef0123456789abcdef01234567";

export function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

export async function startHub(repos: Record<string, HubRepo>): Promise<TestHub> {
  const hub: TestHub = {
    endpoint: "",
    contents: "",
    seen: [],
    repos,
    onHub: () => false,
    onContents: () => false,
    pageFiles: 1000,
  };
  const see = (origin: "hub" | "contents", { url = "", headers }: IncomingMessage): void => {
    hub.seen.push({ origin, url, range: headers.range, token: headers.authorization });
  };
  const contents = await listen((request, response) => {
    see("contents", request);
    if (!hub.onContents(request, response)) sendContents(hub, request, response);
  });
  const api = await listen((request, response) => {
    see("hub", request);
    if (!hub.onHub(request, response)) answer(hub, request, response);
  });
  return Object.assign(hub, { endpoint: api, contents });
}

async function listen(onRequest: (request: IncomingMessage, response: ServerResponse) => void): Promise<string> {
  const server: Server = createServer(onRequest);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

export function fail(
  response: ServerResponse,
  status: number,
  code?: string,
  headers: Record<string, string> = {},
): true {
  response.writeHead(status, { ...headers, "x-request-id": "request-7", ...(code && { "x-error-code": code }) });
  response.end();
  return true;
}

function answer(hub: TestHub, { url = "" }: IncomingMessage, response: ServerResponse): unknown {
  const { pathname, searchParams } = new URL(url, hub.endpoint);
  const [, id, what, revision] = /^\/api\/models\/([^/]+\/[^/]+)\/(revision|tree)\/([^/]+)$/.exec(pathname) ?? [];
  const resolved = /^\/([^/]+\/[^/]+)\/resolve\/([0-9a-f]{40})\/(.+)$/.exec(pathname);
  const repo = hub.repos[id ?? resolved?.[1] ?? ""];
  if (repo === undefined) return fail(response, 401, "RepoNotFound");
  if (what === "revision") {
    const isKnown = ["main", "refs%2Fpr%2F1", repo.commit].includes(revision ?? "");
    if (!isKnown) return fail(response, 404, "RevisionNotFound");
    return sendJson(response, { id, sha: repo.commit });
  }
  if (what === "tree") {
    const first = Number(searchParams.get("cursor") ?? 0);
    const all = Object.entries(repo.files).map(([path, bytes]) => ({
      type: "file",
      path,
      size: bytes.byteLength,
      oid: createHash("sha1").update(`blob ${bytes.byteLength}\0`).update(bytes).digest("hex"),
      ...(path.endsWith(".gguf") && { lfs: { oid: sha256(bytes), size: bytes.byteLength } }),
    }));
    const next = first + hub.pageFiles;
    // mirrors name the hub itself in their links
    const link = `<https://huggingface.co${pathname}?recursive=true&cursor=${next}>; rel="next"`;
    return sendJson(response, all.slice(first, next), next < all.length ? { link } : {});
  }
  if (resolved === null || repo.files[decodeURIComponent(resolved[3] ?? "")] === undefined) {
    return fail(response, 404, "EntryNotFound");
  }
  const bytes = repo.files[decodeURIComponent(resolved[3] ?? "")] as Uint8Array;
  response.writeHead(302, {
    location: `${hub.contents}${pathname}?signature=secret`,
    "accept-ranges": "bytes",
    "x-repo-commit": repo.commit,
    "x-linked-size": bytes.byteLength,
    "x-linked-etag": `"${sha256(bytes)}"`,
  });
  return response.end();
}

function sendJson(response: ServerResponse, value: unknown, headers: Record<string, string> = {}): void {
  response.writeHead(200, { "content-type": "application/json", ...headers });
  response.end(JSON.stringify(value));
}

interface Part {
  readonly bytes: Uint8Array;
  /** Its `Content-Range`. */
  readonly header: string;
  /** Of the file: as long as a SHA-256, and another number, as the real one has it. */
  readonly etag: string;
}

/** The bytes that a request for a part asks for. */
export function partOf(hub: TestHub, { url = "", headers }: IncomingMessage): Part {
  const [, id = "", path = ""] = /^\/([^/]+\/[^/]+)\/resolve\/[0-9a-f]{40}\/([^?]+)/.exec(url) ?? [];
  const all = hub.repos[id]?.files[decodeURIComponent(path)] as Uint8Array;
  const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(headers.range ?? "") ?? [];
  const bytes = all.subarray(Number(first), Number(last) + 1);
  const header = `bytes ${first}-${Number(first) + bytes.byteLength - 1}/${all.byteLength}`;
  return { bytes, header, etag: `"${sha256(all.subarray(0, 1000))}"` };
}

function sendContents(hub: TestHub, request: IncomingMessage, response: ServerResponse): void {
  const { bytes, header, etag } = partOf(hub, request);
  const headers = { "accept-ranges": "bytes", etag, "access-control-allow-origin": "*" };
  response.writeHead(206, { ...headers, "content-range": header, "content-length": bytes.byteLength });
  response.end(bytes);
}
