// OpenAI's API as the chat speaks it: through any `fetch`, the platform's or that of a model in the tab.

export interface Connection {
  /** `(url, init) => globalThis.fetch(url, init)`, or `createHandler(model)` of @ll/openai-api. */
  readonly fetch: (url: string, init?: RequestInit) => Promise<Response>;
  /** In front of `/v1/…`: empty for the page's own server, `http://ll.invalid` for a model in the tab. */
  readonly base: string;
}

export interface ApiErrorObject {
  readonly message: string;
  readonly code?: string | null;
  readonly n_prompt_tokens?: number;
  readonly n_ctx?: number;
}

/** What a request ended with. `unreachable` and `torn` are connections that failed; the other codes are the server's. */
export class RequestError extends Error {
  override readonly name: string = "RequestError";
  /** 0 without an answer. */
  readonly status: number;
  readonly code: string;
  readonly retryMs: number | undefined;
  readonly details: ApiErrorObject | undefined;

  constructor(
    status: number,
    code: string,
    message: string,
    { retryMs, details }: { readonly retryMs?: number | undefined; readonly details?: ApiErrorObject | undefined } = {},
  ) {
    super(message);
    this.status = status;
    this.code = code;
    this.retryMs = retryMs;
    this.details = details;
  }
}

/** @param key empty: none is sent. It is sent as a header, never in an address. */
export async function request(
  connection: Connection,
  path: string,
  key: string,
  { body, signal }: { readonly body?: object; readonly signal?: AbortSignal } = {},
): Promise<Response> {
  const init: RequestInit = {
    method: body === undefined ? "GET" : "POST",
    headers: {
      ...(body !== undefined && { "content-type": "application/json" }),
      ...(key !== "" && { authorization: `Bearer ${key}` }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
    ...(signal !== undefined && { signal }),
    cache: "no-store",
  };
  const response = await connection.fetch(`${connection.base}${path}`, init).catch((error: unknown) => {
    if (signal?.aborted) throw error;
    throw new RequestError(0, "unreachable", String(error));
  });
  if (!response.ok) throw await refusalOf(response);
  return response;
}

async function refusalOf(response: Response): Promise<RequestError> {
  const { status, statusText, headers } = response;
  const text = await response.text().catch(() => "");
  let details: ApiErrorObject | undefined;
  try {
    details = (JSON.parse(text) as { error?: ApiErrorObject }).error;
  } catch {
    // a proxy's page
  }
  const seconds = Number(headers.get("retry-after") ?? Number.NaN);
  const retryMs = seconds >= 0 ? seconds * 1000 : undefined;
  const message = details?.message ?? `${status} ${statusText}`;
  return new RequestError(status, details?.code ?? "", message, { retryMs, details });
}

/**
 * The JSON of each event of a stream.
 * @throws RequestError for an error in the stream, and `torn` where it ends without saying so
 */
export async function* eventsOf(response: Response, signal: AbortSignal): AsyncGenerator<object> {
  if (response.body === null) throw new RequestError(response.status, "torn", "no answer");
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let pending = "";
  try {
    for (;;) {
      const { done, value } = await reader.read().catch((error: unknown) => {
        if (signal.aborted) throw error;
        throw new RequestError(0, "torn", String(error));
      });
      if (done) break;
      pending += value;
      const lines = pending.split("\n");
      pending = lines.pop() ?? "";
      for (const line of lines) {
        if (!line.startsWith("data: ")) continue; // comments, blank lines
        const data = line.slice("data: ".length).trim();
        if (data === "[DONE]") return;
        const event = JSON.parse(data) as { error?: ApiErrorObject };
        if (event.error !== undefined) {
          const { code, message } = event.error;
          throw new RequestError(response.status, code ?? "", message, { details: event.error });
        }
        yield event;
      }
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
  if (signal.aborted) throw signal.reason;
  throw new RequestError(0, "torn", "the answer ended in the middle");
}

export interface ModelSummary {
  readonly name: string;
  readonly contextTokens: number;
  /** What it takes for settings that are not sent, by their names in the API. */
  readonly sampling: Readonly<Record<string, number>>;
}

interface ModelMeta {
  readonly n_ctx?: number;
  readonly sampling?: Readonly<Record<string, number>>;
}

/** The first model that the server names. */
export async function modelOf(connection: Connection, key: string, signal: AbortSignal): Promise<ModelSummary> {
  const response = await request(connection, "/v1/models", key, { signal });
  const { data } = (await response.json()) as { data: { id: string; meta?: ModelMeta }[] };
  const { id = "", meta: { n_ctx: contextTokens = 0, sampling = {} } = {} } = data[0] ?? {};
  return { name: id, contextTokens, sampling };
}
