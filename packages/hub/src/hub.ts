// What the hub says about a repository: its commit, its files. Facts: huggingface_hub and huggingface.js of August 2026.

import {
  type ByteSource,
  type Fetch,
  type HttpAnswer,
  httpAddress,
  httpSource,
  IoError,
  PASSING_STATUS,
  printable,
  sendRequest,
} from "@ll/bytes";
import type { HubFile } from "./choose-files.ts";
import { HubError, type HubErrorCode } from "./errors.ts";
import { persist, type RetryEvent, type RetryOptions } from "./retry.ts";

export interface HubOptions extends Pick<RetryOptions, "signal" | "wait"> {
  /** Default: `https://huggingface.co`. Whoever runs it sees the token. */
  readonly endpoint?: string | undefined;
  /** Goes to the endpoint's own origin alone, and over http only to this machine. */
  readonly token?: string | undefined;
  readonly fetch?: Fetch;
  /** Longest wait for an answer or for more of it; default 30,000. */
  readonly timeoutMs?: number;
  readonly onEvent?: (event: HubEvent) => void;
}

export type HubEvent =
  | RetryEvent
  /** The hub has something to say. */
  | { readonly kind: "warning"; readonly text: string };

/** A repository at one commit. */
export interface HubListing {
  readonly repo: string;
  readonly revision: string;
  readonly commit: string;
  readonly files: readonly HubFile[];
}

export interface Hub {
  readonly endpoint: string;
  /** @throws HubError `E_ACCESS`, `E_NOT_FOUND`, `E_ANSWER`, `E_BUSY`; IoError */
  list(repo: string, revision?: string): Promise<HubListing>;
  /** A file where it lies: only what is read is fetched. */
  open(listing: HubListing, file: HubFile): Promise<ByteSource>;
  /** Gives the bytes of a part of a file to `use`, in order, each once; it may keep them. @throws as `list` */
  read(
    listing: HubListing,
    file: HubFile,
    range: ByteRange,
    use: (bytes: Uint8Array) => void | Promise<void>,
  ): Promise<void>;
}

/** Half open. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

export const DEFAULT_ENDPOINT = "https://huggingface.co";

/** A browser does not see how long it should wait. */
const BLIND_WAIT_MS = 60_000;
/** Bytes of one answer: a page of 1,000 files has half a MiB. As values of JavaScript they may take ten times as much. */
const JSON_BYTES = 4 * 1024 * 1024;
const PAGES = 200;
const FILES = 100_000;
const PATH_CHARS = 1024;

export function openHub(options: HubOptions = {}): Hub {
  const endpoint = (options.endpoint ?? DEFAULT_ENDPOINT).replace(/\/+$/, "");
  const { origin, hostname, protocol } = httpAddress(endpoint, {}).url;
  const isSafe = protocol === "https:" || ["localhost", "127.0.0.1", "[::1]"].includes(hostname);
  const token = isSafe ? options.token : undefined;
  const warned = new Set<string>();

  /** One request. @throws HubError, whose `status` may be one that passes; IoError */
  async function request<T>(
    url: string,
    headers: Readonly<Record<string, string>>,
    use: (answer: HttpAnswer) => Promise<T>,
  ): Promise<T> {
    const { fetch, signal, timeoutMs } = options;
    const own = token === undefined ? {} : { authorization: `Bearer ${token}` };
    const address = httpAddress(url, { headers: own });
    const answer = await sendRequest(address, headers, definedOf({ fetch, signal, timeoutMs }));
    try {
      warn(answer.response.headers.get("x-hf-warning"));
      if (!answer.response.ok) throw errorOf(answer.response, address.name, token !== undefined);
      return await use(answer);
    } finally {
      answer.end();
    }
  }

  function warn(text: string | null): void {
    if (text === null) return;
    const topic = text.split(";")[0] as string;
    if (warned.has(topic) || warned.size >= 16) return;
    warned.add(topic);
    options.onEvent?.({ kind: "warning", text });
  }

  function fileUrl({ repo, commit }: HubListing, file: HubFile): string {
    return `${endpoint}/${repo}/resolve/${commit}/${file.path.split("/").map(encodeURIComponent).join("/")}`;
  }

  async function json(url: string): Promise<{ value: unknown; next: string | undefined }> {
    const read = async (answer: HttpAnswer): Promise<{ value: unknown; next: string | undefined }> => {
      const parts: Uint8Array[] = [];
      let bytes = 0;
      for (let part = await answer.read(); part !== undefined; part = await answer.read()) {
        bytes += part.byteLength;
        if (bytes > JSON_BYTES) throw strange(url, `more than ${JSON_BYTES} bytes`);
        parts.push(part);
      }
      const all = new Uint8Array(bytes);
      parts.reduce((offset, part) => {
        all.set(part, offset);
        return offset + part.byteLength;
      }, 0);
      try {
        const value: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(all));
        return { value, next: nextQuery(answer.response.headers.get("link")) };
      } catch {
        throw strange(url, "no JSON");
      }
    };
    return persist(options, () => request(url, { "accept-encoding": "identity", accept: "application/json" }, read));
  }

  return {
    endpoint,
    async list(repo, revision = "main") {
      const api = `${endpoint}/api/models/${repo}`;
      const at = encodeURIComponent(revision);
      const info = (await json(`${api}/revision/${at}`)).value as { sha?: unknown } | null;
      const commit = info?.sha;
      if (typeof commit !== "string" || !/^[0-9a-f]{40}$/.test(commit))
        throw strange(api, "a repository without commit");
      const files: HubFile[] = [];
      let query: string | undefined = "?recursive=true";
      for (let page = 0; query !== undefined; page++) {
        if (page === PAGES || files.length > FILES) throw strange(api, "a list of files without end");
        const url: string = `${api}/tree/${commit}${query}`;
        const answer: { value: unknown; next: string | undefined } = await json(url);
        if (!Array.isArray(answer.value)) throw strange(url, "no list of files");
        for (const entry of answer.value) {
          const file = fileOf(entry, url);
          if (file !== undefined) files.push(file);
        }
        query = answer.next;
      }
      return { repo, revision, commit, files };
    },
    open: (listing, file) => {
      const { fetch, signal, timeoutMs } = options;
      const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
      return httpSource(fileUrl(listing, file), { headers, ...definedOf({ fetch, signal, timeoutMs }) });
    },
    async read(listing, file, range, use) {
      let { start } = range;
      const url = fileUrl(listing, file);
      const attempt = async (progress: () => void): Promise<void> => {
        // an address that was led to may no longer be good: every attempt begins here
        const asked = { range: `bytes=${start}-${range.end - 1}`, "accept-encoding": "identity" };
        await request(url, asked, async (answer) => {
          assertPart(answer.response, url, start, range.end, file.bytes);
          for (let part = await answer.read(); part !== undefined; part = await answer.read()) {
            if (start + part.byteLength > range.end) throw strange(url, "more bytes than asked for");
            await use(part);
            start += part.byteLength;
            progress();
          }
        });
        if (start < range.end) {
          const message = `cannot read ${httpAddress(url, {}).name}: the connection ended ${range.end - start} bytes too early`;
          throw new IoError({ code: "E_IO", file: file.path, message, mayPass: true });
        }
      };
      await persist(options, attempt);
    },
  };

  function strange(url: string, what: string): HubError {
    const { name } = httpAddress(url, {});
    return new HubError({
      code: "E_ANSWER",
      message: `${name} answered with ${what}`,
      hint: `is ${origin} the hub, and does nothing stand between, such as a login page?`,
      url: name,
    });
  }

  function assertPart(response: Response, url: string, start: number, end: number, total: number): void {
    const got = printable(response.headers.get("content-range") ?? "", 100);
    const isWhole = response.status === 200 && start === 0 && end === total;
    if (isWhole && [null, String(total)].includes(response.headers.get("content-length"))) return;
    if (response.status === 206 && got === `bytes ${start}-${end - 1}/${total}`) return;
    const what = response.status === 206 ? `another part (${got})` : "the whole file instead of a part";
    throw strange(url, `${what}: expected bytes ${start} to ${end - 1} of ${total}`);
  }

  /** Undefined for what is no file, or has a path that could lead elsewhere on a disk. */
  function fileOf(entry: unknown, url: string): HubFile | undefined {
    const { type, path, size, oid, lfs } = (entry ?? {}) as Record<string, unknown>;
    if (type !== "file") return undefined;
    if (typeof path !== "string" || typeof size !== "number" || !Number.isSafeInteger(size) || size < 0) {
      throw strange(url, "a file without path or size");
    }
    if (!isPlainPath(path)) return undefined;
    const sha256 = (lfs as { oid?: unknown } | undefined | null)?.oid;
    if (typeof sha256 === "string" && /^[0-9a-f]{64}$/.test(sha256)) {
      return { path, bytes: size, hash: { kind: "sha256", hex: sha256 } };
    }
    const isSha1 = typeof oid === "string" && /^[0-9a-f]{40}$/.test(oid);
    return { path, bytes: size, hash: isSha1 ? { kind: "git-sha1", hex: oid as string } : undefined };
  }
}

/** Names that mean a device on Windows, with any ending. */
const DEVICE = /^(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)/i;

/** Whether a path stays inside its folder on every platform. */
export function isPlainPath(path: string): boolean {
  if (path.length > PATH_CHARS) return false;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: paths with control characters are refused
  return path.split("/").every((part) => !/^\.{0,2}$|[\x00-\x1f\x7f\\:*?"<>|]|[. ]$/.test(part) && !DEVICE.test(part));
}

/** Of the next page only the query counts: mirrors give addresses of the hub itself. */
function nextQuery(link: string | null): string | undefined {
  const target = /<([^>]*)>\s*;\s*rel="?next"?/.exec(link ?? "")?.[1];
  if (target === undefined || !URL.canParse(target, DEFAULT_ENDPOINT)) return undefined;
  return new URL(target, DEFAULT_ENDPOINT).search || undefined;
}

/** Milliseconds that the server wants before the next request; undefined if it does not say. */
function askedWait({ status, headers }: Pick<Response, "status" | "headers">): number | undefined {
  const limit = /;\s*r=0\s*;\s*t=(\d{1,6})/.exec(headers.get("ratelimit") ?? "")?.[1];
  const seconds = limit === undefined ? headers.get("retry-after") : String(Number(limit) + 1);
  if (seconds !== null && /^\d{1,6}$/.test(seconds)) return 1000 * Number(seconds);
  return status === 429 && "document" in globalThis ? BLIND_WAIT_MS : undefined;
}

function errorOf({ status, statusText, headers, url: from }: Response, url: string, hasToken: boolean): HubError {
  const isElsewhere = from !== "" && new URL(from).origin !== new URL(url).origin;
  const named = headers.get("x-error-code");
  const message = headers.get("x-error-message") ?? (statusText || undefined);
  const said = message === undefined ? undefined : printable(message, 200);
  const requestId = headers.get("x-request-id") ?? undefined;
  const make = (code: HubErrorCode, message: string, hint?: string): HubError =>
    new HubError({
      code,
      message: `${url}: ${status}${said === undefined ? "" : ` ${said}`}: ${message}`,
      hint,
      url,
      status,
      requestId,
      waitMs: askedWait({ status, headers }),
    });
  const page = "its page on the hub says who may have it";
  if (named === "GatedRepo") {
    const what = hasToken ? "the token's owner was not given access" : "whoever wants it has to accept its terms";
    return make("E_ACCESS", `the repository is gated: ${what}`, `${page}; then give a token (HF_TOKEN)`);
  }
  if (status === 401 || named === "RepoNotFound") {
    const token = hasToken ? "the token (HF_TOKEN) is wrong, or not good for it" : "it wants a token (HF_TOKEN)";
    return make("E_ACCESS", `there is no such repository, or it is private, or ${token}`);
  }
  // a server that was led to signs its addresses for a while
  if (status === 403 && isElsewhere) return make("E_BUSY", "the address it leads to is no longer good");
  if (status === 403) return make("E_ACCESS", "access is refused", page);
  if (status === 404) {
    const what = named === "RevisionNotFound" ? "no such revision" : "no such file";
    return make("E_NOT_FOUND", what);
  }
  return make(PASSING_STATUS.has(status) ? "E_BUSY" : "E_ANSWER", "the server does not give it");
}

function definedOf<T extends object>(values: T): { [Key in keyof T]?: Exclude<T[Key], undefined> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as typeof values & {
    [Key in keyof T]?: Exclude<T[Key], undefined>;
  };
}
