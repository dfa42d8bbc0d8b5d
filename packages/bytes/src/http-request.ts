// One request to a web server: what it tells to whom, where it may be led, and how long it may take.

import { IoError } from "./errors.ts";
import type {
  Fetch,
  Headers as HeadersType,
  Response as ResponseType,
  AbortSignal as Signal,
  URL as Url,
} from "./platform-types.ts";
import { isPrivateHost, isPrivateName } from "./private-address.ts";

export interface HttpSourceOptions {
  /** Sends the requests; the platform's own `fetch` if absent. */
  readonly fetch?: Fetch;
  /** Sent with every request to the origin of the address, such as `authorization`. Another origin, after a redirect, gets none. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Ends requests under way; its reason is thrown. */
  readonly signal?: Signal;
  /**
   * Longest wait for an answer, and then for the next 32 KiB of it or its end: a server that sends a byte now and then
   * does not keep a program. 30,000 if absent; `Infinity` for no limit.
   */
  readonly timeoutMs?: number;
  /**
   * Whether a redirect may lead to a loopback, private or link-local address. If absent, only from such an address: a server
   * outside must not have a program look at what is inside. Browsers do not show where a redirect leads; there it is up to them.
   */
  readonly allowPrivateRedirects?: boolean;
}

/** Where requests go, and what of it may be shown. */
export interface HttpAddress {
  /** Without user and password. */
  readonly url: Url;
  /** For messages: also without the query, which may be a signature. */
  readonly name: string;
  /** For the origin of `url` alone. */
  readonly headers: HeadersType;
  /** Texts that no message may have. */
  readonly secrets: readonly string[];
}

/** An answer whose body is read through `read`, so that no wait is too long. */
export interface HttpAnswer {
  readonly response: ResponseType;
  /** The next bytes of the body; undefined at its end. */
  read(): Promise<Uint8Array | undefined>;
  /** Lets go of the rest of the body. To be called in any case. */
  end(): void;
}

const DEFAULT_TIMEOUT_MS = 30_000;
/** The most that setTimeout takes. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1;
/** Bytes that make up for one time limit: about a KiB a second by default, less than any network that a model can be read over. */
const PROGRESS_BYTES = 32 * 1024;
const MAX_REDIRECTS = 10;
const REDIRECTS: ReadonlySet<number> = /* @__PURE__ */ new Set([301, 302, 303, 307, 308]);

/** @throws TypeError for what is no http or https address, or for a header that cannot be sent; neither is shown */
export function httpAddress(address: string, options: HttpSourceOptions): HttpAddress {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    throw new TypeError('"url" expected an address that begins with http:// or https://');
  }
  const { timeoutMs = DEFAULT_TIMEOUT_MS } = options;
  if (!(timeoutMs > 0)) throw new RangeError(`"timeoutMs" expected a number above 0, got ${timeoutMs}`);
  const secrets = [url.username, url.password, url.search.slice(1), ...Object.values(options.headers ?? {})];
  const headers = new Headers();
  if (url.username !== "" || url.password !== "") {
    // fetch refuses such a URL, and shows all of it
    const [user, password] = [decoded(url.username), decoded(url.password)];
    const basic = btoa(String.fromCharCode(...new TextEncoder().encode(`${user}:${password}`)));
    headers.set("authorization", `Basic ${basic}`);
    secrets.push(user, password, basic);
    url.username = "";
    url.password = "";
  }
  for (const [name, value] of Object.entries(options.headers ?? {})) {
    try {
      headers.set(name, value);
    } catch {
      throw new TypeError(`"headers": ${JSON.stringify(name)} or its value cannot be sent`);
    }
  }
  url.hash = "";
  const name = `${url.origin}${url.pathname}${url.search === "" ? "" : "?…"}`;
  return { url, name, headers, secrets: secrets.filter((secret) => secret.length > 3) };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // a lone % stands for itself
  }
}

/**
 * Sends one request, and follows where it is led.
 * @param headers sent to every origin
 * @throws IoError `E_IO`, `E_TIMEOUT`; the signal's reason
 */
export async function sendRequest(
  address: HttpAddress,
  headers: Readonly<Record<string, string>>,
  options: HttpSourceOptions,
): Promise<HttpAnswer> {
  const patience = new Patience(address, options);
  try {
    const response = await follow(address, headers, options, patience);
    return answer(response, patience);
  } catch (cause) {
    patience.end();
    throw patience.failure(cause);
  }
}

function answer(response: Response, patience: Patience): HttpAnswer {
  const reader = response.body?.getReader();
  let isEnded = false;
  return {
    response,
    async read() {
      try {
        const part = reader && (await patience.during(reader.read()));
        if (part?.value !== undefined) patience.progress(part.value.byteLength);
        isEnded = part?.value === undefined;
        return part?.value;
      } catch (cause) {
        throw patience.failure(cause);
      }
    },
    end() {
      patience.end();
      if (!isEnded) reader?.cancel().catch(() => undefined);
    },
  };
}

async function follow(
  address: HttpAddress,
  headers: Readonly<Record<string, string>>,
  options: HttpSourceOptions,
  patience: Patience,
): Promise<Response> {
  const send = options.fetch ?? fetch;
  let { url } = address;
  for (let n = 0; n <= MAX_REDIRECTS; n++) {
    const all = new Headers(url.origin === address.url.origin ? address.headers : {});
    for (const [name, value] of Object.entries(headers)) all.set(name, value);
    const request = { headers: Object.fromEntries(all), signal: patience.signal };
    const response = await patience.during(send(url.href, { ...request, redirect: "manual" }));
    if (response.type === "opaqueredirect") {
      assertHeadersStay(address, options);
      return patience.during(send(url.href, { ...request, redirect: "follow" }));
    }
    if (!REDIRECTS.has(response.status)) return response;
    response.body?.cancel().catch(() => undefined);
    url = await patience.during(redirectTarget(address, url, response.headers.get("location"), options));
  }
  throw refusal(address, `more than ${MAX_REDIRECTS} redirects`);
}

/** A browser follows a redirect by itself or not at all. It takes `authorization` away at another origin, other headers it does not. */
function assertHeadersStay(address: HttpAddress, { allowPrivateRedirects }: HttpSourceOptions): void {
  const own = [...address.headers.keys()].filter((name) => name !== "authorization");
  if (own.length > 0) {
    throw refusal(
      address,
      `a redirect that a browser would follow with the header ${own[0]}; open the address it leads to`,
    );
  }
  if (allowPrivateRedirects === false) {
    throw refusal(
      address,
      'a redirect, which a browser does not show; "allowPrivateRedirects: false" cannot be held there',
    );
  }
}

async function redirectTarget(
  address: HttpAddress,
  from: URL,
  location: string | null,
  { allowPrivateRedirects }: HttpSourceOptions,
): Promise<URL> {
  const to = location !== null && URL.canParse(location, from.href) ? new URL(location, from.href) : undefined;
  if (to === undefined || !/^https?:$/.test(to.protocol))
    throw refusal(address, "a redirect to no http or https address");
  if (from.protocol === "https:" && to.protocol === "http:") {
    throw refusal(address, `a redirect from https to http (${to.origin})`);
  }
  const isAllowed = allowPrivateRedirects ?? isPrivateName(address.url.hostname);
  if (!isAllowed && to.origin !== address.url.origin && (await isPrivateHost(to.hostname))) {
    throw refusal(
      address,
      `a redirect to the private address ${to.origin}; "allowPrivateRedirects: true" would follow it`,
    );
  }
  to.username = "";
  to.password = "";
  return to;
}

function refusal({ name }: HttpAddress, what: string): IoError {
  return new IoError({ code: "E_IO", file: name, message: `cannot read ${name}: ${what}` });
}

/** What Node, Deno and Bun say of connections that may work in a moment. Names that nobody knows, certificates and ports stay as they are. */
const PASSING_CODES: ReadonlySet<string> = /* @__PURE__ */ new Set([
  ...["ECONNRESET", "ECONNREFUSED", "ECONNABORTED", "EPIPE", "ETIMEDOUT", "EHOSTUNREACH", "ENETUNREACH", "ENETDOWN"],
  ...["EAI_AGAIN", "UND_ERR_SOCKET", "UND_ERR_CONNECT_TIMEOUT", "UND_ERR_HEADERS_TIMEOUT", "UND_ERR_BODY_TIMEOUT"],
  ...["ConnectionRefused", "ConnectionReset", "ConnectionClosed", "Timeout"],
]);

/** What they say where there is no code: of a body that ends too early, and browsers of anything, as they do not tell why. */
const PASSING_TEXT =
  /^terminated$|^other side closed$|^Failed to fetch$|^Load failed$|^NetworkError |^network error$|connection (?:closed|reset|refused)|\(os error \d+\)/i;

/** Answers that may be others in a moment. */
export const PASSING_STATUS: ReadonlySet<number> = /* @__PURE__ */ new Set([408, 429, 500, 502, 503, 504]);

/** Whether a failure of `fetch` is one of those that pass. */
function networkMayRecover(cause: unknown): boolean {
  for (let error = cause, depth = 0; depth < 4 && typeof error === "object" && error !== null; depth++) {
    const { code, message, errors, cause: inner } = error as Record<string, unknown>;
    if (typeof code === "string" && PASSING_CODES.has(code)) return true;
    if (typeof code !== "string" && inner === undefined && PASSING_TEXT.test(String(message))) return true;
    error = inner ?? (Array.isArray(errors) ? errors[0] : undefined); // one for each address that was tried
  }
  return false;
}

/** Ends a request that is aborted, or that brings nothing for too long, also where `fetch` does not listen. */
class Patience {
  readonly #address: HttpAddress;
  readonly #outer: Signal | undefined;
  readonly #timeoutMs: number;
  readonly #controller = new AbortController();
  readonly #ended: Promise<never>;
  #fail: (reason: unknown) => void = () => undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #bytes = 0;
  readonly #onAbort = (): void => this.#fail(this.#outer?.reason);

  constructor(address: HttpAddress, { signal, timeoutMs = DEFAULT_TIMEOUT_MS }: HttpSourceOptions) {
    this.#address = address;
    this.#outer = signal;
    this.#timeoutMs = timeoutMs;
    this.#ended = new Promise((_, reject) => {
      this.#fail = (reason) => {
        reject(reason);
        this.#controller.abort(reason);
      };
    });
    this.#ended.catch(() => undefined); // whoever waits hears of it
    if (signal?.aborted) this.#onAbort();
    signal?.addEventListener("abort", this.#onAbort);
    this.#restart();
  }

  get signal(): Signal {
    return this.#controller.signal;
  }

  during<T>(work: Promise<T>): Promise<T> {
    return Promise.race([work, this.#ended]);
  }

  progress(bytes: number): void {
    this.#bytes += bytes;
    if (this.#bytes < PROGRESS_BYTES) return;
    this.#bytes = 0;
    this.#restart();
  }

  end(): void {
    clearTimeout(this.#timer);
    this.#outer?.removeEventListener("abort", this.#onAbort);
  }

  /** What to throw for `cause`: an abort keeps its reason, anything else that the network throws becomes an IoError. */
  failure(cause: unknown): unknown {
    if (this.#outer?.aborted) return this.#outer.reason;
    if ((cause as { name?: unknown } | undefined)?.name === "IoError") return cause;
    // fetch says "fetch failed" and has the reason in `cause`
    const inner = (cause as { cause?: { message?: unknown } } | undefined)?.cause;
    const said = String(inner?.message ?? (cause as { message?: unknown } | undefined)?.message ?? cause);
    const { name, secrets } = this.#address;
    const text = secrets.reduce((rest, secret) => rest.replaceAll(secret, "…"), said);
    const message = `cannot read ${name}: ${text}`;
    const mayPass = networkMayRecover(cause);
    return new IoError({ code: "E_IO", file: name, message, mayPass, ...(text === said && { cause }) });
  }

  #restart(): void {
    clearTimeout(this.#timer);
    if (this.#timeoutMs > MAX_TIMEOUT_MS) return;
    this.#timer = setTimeout(() => {
      const { name } = this.#address;
      const message = `cannot read ${name}: the server sent too little for ${this.#timeoutMs / 1000} s`;
      this.#fail(new IoError({ code: "E_TIMEOUT", file: name, message, mayPass: true }));
    }, this.#timeoutMs);
  }
}
