// A file on a web server as a byte source, read by range requests (RFC 9110, section 14). What the server says of each part is
// held against what was asked for, and against the file that was opened.

import { assertSpan, type ByteSource } from "./byte-source.ts";
import { IoError } from "./errors.ts";
import {
  type HttpAddress,
  type HttpAnswer,
  type HttpSourceOptions,
  httpAddress,
  PASSING_STATUS,
  sendRequest,
} from "./http-request.ts";
import type { URL } from "./platform-types.ts";

/** Bytes fetched with the first request, which has to be made anyway to learn the size; kept for the reads of a header. */
const FIRST_BYTES = 256 * 1024;

/** What identifies the file on the server; all of it must stay the same. */
interface Identity {
  readonly byteLength: number;
  readonly etag: string | null;
  readonly lastModified: string | null;
}

/** A file on a web server. */
export interface HttpSource extends ByteSource {
  /**
   * What the server calls this state of the file: its ETag, which begins with `"` if it stands for the bytes and with `W/` if for their
   * meaning; else the time of its last change; undefined if it says neither.
   */
  readonly version: string | undefined;
}

/**
 * Opens `url`. Every read is one request, but those inside the first 256 KiB are answered from the first one's bytes. Under
 * CORS the server has to expose `Content-Range`, and should expose `ETag`. A user and password in `url` are sent as
 * `authorization`. The name of the source and all messages are without them, without the query and without headers.
 * @throws IoError `E_IO` if there is no such file or the server cannot send parts of it, `E_TIMEOUT` if it takes too long;
 *   later, from `read`, also `E_CHANGED` if the file is not the one that was opened; TypeError for what is no such address
 */
export async function httpSource(url: string | URL, options: HttpSourceOptions = {}): Promise<HttpSource> {
  const address = httpAddress(String(url), options);
  const { name } = address;
  const [head, identity] = await withPart(address, options, 0, FIRST_BYTES, async (answer) => {
    const { response } = answer;
    if (response.status === 416) {
      // no byte can be had of an empty file, and the server says that it is one
      if (response.headers.get("content-range") !== "bytes */0") throw refused(name, response);
      return [new Uint8Array(0), { byteLength: 0, etag: null, lastModified: null }] as const;
    }
    const part = partOf(name, response);
    if (part.start !== 0 || part.end !== Math.min(FIRST_BYTES, part.identity.byteLength))
      throw wrongPart(name, response);
    const bytes = new Uint8Array(part.end); // (end): the first bytes of the file
    await readBody(name, answer, bytes);
    return [bytes, part.identity] as const;
  });

  return {
    name,
    byteLength: identity.byteLength,
    version: identity.etag ?? identity.lastModified ?? undefined,
    async read(offset, target) {
      assertSpan(offset, target.byteLength, identity.byteLength);
      const known = head.subarray(offset, offset + target.byteLength);
      target.set(known);
      if (known.byteLength === target.byteLength) return;
      await readPart(address, options, offset + known.byteLength, target.subarray(known.byteLength), identity);
    },
  };
}

/** Fills `target` with the bytes from `offset` by one request. */
async function readPart(
  address: HttpAddress,
  options: HttpSourceOptions,
  offset: number,
  target: Uint8Array,
  identity: Identity,
): Promise<void> {
  const { name } = address;
  await withPart(address, options, offset, target.byteLength, async (answer) => {
    const part = partOf(name, answer.response);
    const isSame =
      part.identity.byteLength === identity.byteLength &&
      part.identity.etag === identity.etag &&
      part.identity.lastModified === identity.lastModified;
    if (!isSame) {
      throw new IoError({ code: "E_CHANGED", file: name, message: `${name} changed while it was read` });
    }
    if (part.start !== offset || part.end !== offset + target.byteLength) throw wrongPart(name, answer.response);
    await readBody(name, answer, target);
  });
}

/** Asks for a part and lets `use` look at the answer, which is let go of then. */
async function withPart<T>(
  address: HttpAddress,
  options: HttpSourceOptions,
  offset: number,
  length: number,
  use: (answer: HttpAnswer) => Promise<T>,
): Promise<T> {
  const headers = {
    range: `bytes=${offset}-${offset + length - 1}`,
    "accept-encoding": "identity", // offsets count the bytes of the file, not of a compressed form of it
  };
  const answer = await sendRequest(address, headers, options);
  try {
    return await use(answer);
  } finally {
    answer.end();
  }
}

/** The span that a response holds and the file it is of. @throws IoError `E_IO` for any other kind of answer */
function partOf(name: string, response: Response): { start: number; end: number; identity: Identity } {
  const { headers, status } = response;
  const encoding = headers.get("content-encoding") ?? "identity";
  const [, first, last, total] =
    /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15})$/.exec(headers.get("content-range") ?? "") ?? [];
  if (status !== 206 || encoding !== "identity" || total === undefined) throw refused(name, response);
  const identity = {
    byteLength: Number(total),
    etag: headers.get("etag"),
    lastModified: headers.get("last-modified"),
  };
  return { start: Number(first), end: Number(last) + 1, identity };
}

/** Fills `target` with the body, which must have exactly its length. */
async function readBody(name: string, answer: HttpAnswer, target: Uint8Array): Promise<void> {
  let length = 0;
  for (let part = await answer.read(); part !== undefined; part = await answer.read()) {
    if (length + part.byteLength > target.byteLength) {
      throw new IoError({ code: "E_IO", file: name, message: `cannot read ${name}: more bytes sent than asked for` });
    }
    target.set(part, length);
    length += part.byteLength;
  }
  if (length < target.byteLength) {
    const message = `cannot read ${name}: the connection ended after ${length} of ${target.byteLength} bytes`;
    throw new IoError({ code: "E_IO", file: name, message, mayPass: true });
  }
}

function refused(name: string, { status, statusText, headers }: Response): IoError {
  const reason =
    status >= 400
      ? `${status} ${statusText}`
      : status === 206
        ? `a part without a usable Content-Range (${headers.get("content-range")})`
        : `the server does not send parts of files (${status} ${statusText})`;
  const mayPass = PASSING_STATUS.has(status);
  return new IoError({ code: "E_IO", file: name, message: `cannot read ${name}: ${reason}`, mayPass });
}

function wrongPart(name: string, response: Response): IoError {
  const message = `cannot read ${name}: the server sent ${response.headers.get("content-range")} instead of what was asked for`;
  return new IoError({ code: "E_IO", file: name, message });
}
