// Chromium and Firefox without a driver: a browser is started once and goes from page to page. A page does its job (browser/job.ts),
// reports the result to the server here, and is told the address of the next page in the answer.

import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { extname, join } from "node:path";
import type { Job, JobResult } from "./browser/job.ts";

interface Program {
  readonly path: string;
  args(profile: string, url: string): string[];
}

const PROGRAMS: Readonly<Record<"Chromium" | "Firefox", Program>> = {
  Chromium: {
    path: process.env["LL_CHROMIUM"] ?? "/usr/bin/chromium",
    args: (profile, url) => [
      "--headless",
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      `--user-data-dir=${profile}`,
      url,
    ],
  },
  Firefox: {
    path: process.env["LL_FIREFOX"] ?? "/usr/bin/firefox-esr",
    args: (profile, url) => ["--headless", "--no-remote", "--profile", profile, url],
  },
};

export type BrowserName = keyof typeof PROGRAMS;
export const BROWSERS = Object.keys(PROGRAMS) as BrowserName[];

export const hasBrowser = (name: BrowserName): boolean => existsSync(PROGRAMS[name].path);

/** A page that has reported nothing for so long is hung; the usual is one or two seconds. */
const JOB_MS = 120_000;

/** Headers of cross-origin isolation, without which a page has no shared memory. */
export const ISOLATED: Readonly<Record<string, string>> = {
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-embedder-policy": "require-corp",
  "cross-origin-resource-policy": "cross-origin",
};

export interface Browser {
  /** Does a job on the page at `url`. @throws Error if the page reports nothing */
  visit(url: string, job: Job): Promise<JobResult>;
  close(): Promise<void>;
}

/** @param files what pages get from the server of jobs, by path */
export async function startBrowser(name: BrowserName, files: ReadonlyMap<string, Uint8Array>): Promise<Browser> {
  const { path, args } = PROGRAMS[name];
  let program: ChildProcess | undefined;
  let profile = "";
  /** The request of a page that waits to be sent on. */
  let waiting: ServerResponse | undefined;
  /** The job under way. */
  let current: { readonly id: number; readonly url: string; report(result: JobResult): void } | undefined;
  let nJobs = 0;

  const server = await listen(async (request, response) => {
    const file = files.get(request.url ?? "");
    response.writeHead(200, { ...ISOLATED, "access-control-allow-origin": "*", "content-type": "text/plain" });
    if (request.method === "POST") {
      const result = JSON.parse(await bodyOf(request));
      if (current === undefined) {
        waiting = response;
      } else if (request.url === `/done/${current.id}`) {
        waiting = response;
        current.report(result);
      } else {
        response.end(current.url); // a page that was loaded twice, as Vite's server does, and came too late
      }
    } else {
      response.end(file);
    }
  });
  const address = addressOf(server);

  async function stop(): Promise<void> {
    waiting = undefined;
    if (program !== undefined) {
      const ended = new Promise((resolve) => program?.once("exit", resolve));
      program.kill("SIGKILL");
      await ended;
    }
    program = undefined;
    if (profile !== "") rmSync(profile, { recursive: true, force: true, maxRetries: 10 });
    profile = "";
  }

  function go(url: string): void {
    if (waiting !== undefined) {
      waiting.end(url);
      waiting = undefined;
      return;
    }
    profile = mkdtempSync(join(tmpdir(), "ll-browser-"));
    program = spawn(path, args(profile, url), { stdio: "ignore" });
  }

  async function visitOnce(url: string, job: Job): Promise<JobResult> {
    const target = new URL(url);
    target.searchParams.set("server", address);
    target.searchParams.set("job", JSON.stringify(job));
    const id = ++nJobs;
    target.searchParams.set("id", String(id));
    let timer: ReturnType<typeof setTimeout> | undefined;
    try {
      return await new Promise<JobResult>((resolve, reject) => {
        current = { id, url: target.href, report: resolve };
        timer = setTimeout(() => reject(new Error(`${name} reports nothing from ${target}`)), JOB_MS);
        go(target.href);
      });
    } catch (error) {
      await stop();
      throw error;
    } finally {
      current = undefined;
      clearTimeout(timer);
    }
  }

  return {
    async visit(url, job) {
      // a page that is loaded again when it has reported, as Vite's server may do, and finds its server gone, leads nowhere: then the next
      // page is not to blame, and a new browser is started for it
      const isFresh = program === undefined;
      return visitOnce(url, job).catch((error) => (isFresh ? Promise.reject(error) : visitOnce(url, job)));
    },
    async close() {
      await stop();
      server.closeAllConnections();
      server.close();
    },
  };
}

const TYPES: Readonly<Record<string, string>> = { ".html": "text/html", ".js": "text/javascript", ".css": "text/css" };

/** Serves a folder with the headers of an isolated page, and others. Returns the server and its address. */
export async function serveFolder(
  folder: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<{ readonly url: string; close(): void }> {
  const server = await listen((request, response) => {
    const { pathname } = new URL(request.url ?? "", "http://localhost");
    const path = join(folder, pathname.endsWith("/") ? `${pathname}index.html` : pathname);
    const isThere = existsSync(path) && statSync(path).isFile();
    const type = TYPES[extname(path)] ?? "application/octet-stream";
    response.writeHead(isThere ? 200 : 404, { ...ISOLATED, "content-type": type, ...headers });
    response.end(isThere ? readFileSync(path) : undefined);
  });
  return {
    url: addressOf(server),
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}

async function listen(handle: (request: IncomingMessage, response: ServerResponse) => void): Promise<Server> {
  const server = createServer(handle);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return server;
}

function addressOf(server: Server): string {
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let body = "";
  for await (const chunk of request) body += chunk;
  return body;
}
