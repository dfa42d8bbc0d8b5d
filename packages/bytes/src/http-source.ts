// A file on a web server as a byte source, read by range requests (RFC 9110, section 14). What the server says of each part is
// held against what was asked for, and against the file that was opened.

import { assertSpan, type ByteSource } from "./byte-source.ts";
import { IoError } from "./errors.ts";
import type { AbortSignal, Fetch, URL } from "./platform-types.ts";

export interface HttpSourceOptions {
  /** Sends the requests; the platform's own `fetch` if absent. */
  readonly fetch?: Fetch;
  /** Sent with every request, such as `authorization`. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Ends requests under way; its reason is thrown. */
  readonly signal?: AbortSignal;
}

/** Bytes fetched with the first request, which has to be made anyway to learn the size; kept for the reads of a header. */
const FIRST_BYTES = 256 * 1024;

/** What identifies the file on the server; all of it must stay the same. */
interface Identity {
  readonly byteLength: number;
  readonly etag: string | null;
  readonly lastModified: string | null;
}

/**
 * Opens `url`. Every read is one request, but those inside the first 256 KiB are answered from the first one's bytes. Under
 * CORS the server has to expose `Content-Range`, and should expose `ETag`.
 * @throws IoError `E_IO` if there is no such file or the server cannot send parts of it; later, from `read`, also `E_CHANGED` if
 *   the file is not the one that was opened
 */
export async function httpSource(url: string | URL, options: HttpSourceOptions = {}): Promise<ByteSource> {
  const name = String(url);
  const response = await request(name, options, 0, FIRST_BYTES);
  if (response.status === 416) {
    // no byte can be had of an empty file, and the server says that it is one
    await response.body?.cancel();
    if (response.headers.get("content-range") !== "bytes */0") throw refused(name, response);
    return { name, byteLength: 0, read: async (offset, target) => assertSpan(offset, target.byteLength, 0) };
  }
  const { start, end, identity } = await partOf(name, response);
  if (start !== 0 || end !== Math.min(FIRST_BYTES, identity.byteLength)) throw await wrongPart(name, response);
  const head = new Uint8Array(end); // (end): the first bytes of the file
  await readBody(name, response, head, options.signal);

  return {
    name,
    byteLength: identity.byteLength,
    async read(offset, target) {
      assertSpan(offset, target.byteLength, identity.byteLength);
      const known = head.subarray(offset, offset + target.byteLength);
      target.set(known);
      if (known.byteLength === target.byteLength) return;
      await readPart(name, options, offset + known.byteLength, target.subarray(known.byteLength), identity);
    },
  };
}

/** Fills `target` with the bytes from `offset` by one request. */
async function readPart(
  name: string,
  options: HttpSourceOptions,
  offset: number,
  target: Uint8Array,
  identity: Identity,
): Promise<void> {
  const response = await request(name, options, offset, target.byteLength);
  const part = await partOf(name, response);
  const isSame =
    part.identity.byteLength === identity.byteLength &&
    part.identity.etag === identity.etag &&
    part.identity.lastModified === identity.lastModified;
  if (!isSame) {
    await response.body?.cancel();
    throw new IoError({ code: "E_CHANGED", file: name, message: `${name} changed while it was read` });
  }
  if (part.start !== offset || part.end !== offset + target.byteLength) throw await wrongPart(name, response);
  await readBody(name, response, target, options.signal);
}

async function request(name: string, options: HttpSourceOptions, offset: number, length: number): Promise<Response> {
  const send = options.fetch ?? fetch;
  const headers = {
    ...options.headers,
    range: `bytes=${offset}-${offset + length - 1}`,
    "accept-encoding": "identity", // offsets count the bytes of the file, not of a compressed form of it
  };
  try {
    return await send(name, { headers, ...(options.signal && { signal: options.signal }) });
  } catch (cause) {
    throw failure(name, cause, options.signal);
  }
}

/** The span that a response holds and the file it is of. @throws IoError `E_IO` for any other kind of answer */
async function partOf(name: string, response: Response): Promise<{ start: number; end: number; identity: Identity }> {
  const { headers, status } = response;
  const encoding = headers.get("content-encoding") ?? "identity";
  const [, first, last, total] =
    /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15})$/.exec(headers.get("content-range") ?? "") ?? [];
  if (status !== 206 || encoding !== "identity" || total === undefined) {
    await response.body?.cancel();
    throw refused(name, response);
  }
  const identity = {
    byteLength: Number(total),
    etag: headers.get("etag"),
    lastModified: headers.get("last-modified"),
  };
  return { start: Number(first), end: Number(last) + 1, identity };
}

/** Fills `target` with the body, which must have exactly its length. */
async function readBody(
  name: string,
  response: Response,
  target: Uint8Array,
  signal: AbortSignal | undefined,
): Promise<void> {
  const reader = response.body?.getReader();
  let length = 0;
  try {
    for (let part = await reader?.read(); part?.value !== undefined; part = await reader?.read()) {
      if (length + part.value.byteLength > target.byteLength) {
        await reader?.cancel();
        throw new IoError({ code: "E_IO", file: name, message: `cannot read ${name}: more bytes sent than asked for` });
      }
      target.set(part.value, length);
      length += part.value.byteLength;
    }
  } catch (cause) {
    throw failure(name, cause, signal);
  }
  if (length < target.byteLength) {
    const message = `cannot read ${name}: the connection ended after ${length} of ${target.byteLength} bytes`;
    throw new IoError({ code: "E_IO", file: name, message });
  }
}

function refused(name: string, { status, statusText, headers }: Response): IoError {
  const reason =
    status >= 400
      ? `${status} ${statusText}`
      : status === 206
        ? `a part without a usable Content-Range (${headers.get("content-range")})`
        : `the server does not send parts of files (${status} ${statusText})`;
  return new IoError({ code: "E_IO", file: name, message: `cannot read ${name}: ${reason}` });
}

async function wrongPart(name: string, response: Response): Promise<IoError> {
  await response.body?.cancel();
  const message = `cannot read ${name}: the server sent ${response.headers.get("content-range")} instead of what was asked for`;
  return new IoError({ code: "E_IO", file: name, message });
}

/** An abort keeps its reason; anything else that the network throws becomes an IoError. */
function failure(name: string, cause: unknown, signal: AbortSignal | undefined): unknown {
  if (signal?.aborted) return signal.reason;
  if (cause instanceof IoError) return cause;
  // fetch says "fetch failed" and has the reason in `cause`
  const inner = cause instanceof Error && cause.cause instanceof Error ? cause.cause : cause;
  const reason = inner instanceof Error ? inner.message : String(inner);
  return new IoError({ code: "E_IO", file: name, message: `cannot read ${name}: ${reason}`, cause });
}
