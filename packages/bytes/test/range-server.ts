// A web server for one file that answers range requests and counts them, or misbehaves on purpose.

import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface RangeServer {
  readonly url: string;
  /** `Range` headers, in order. */
  readonly ranges: string[];
  /** Bytes of all bodies sent. */
  readonly bytesSent: () => number;
  close(): Promise<void>;
}

/** Changes of what a well-behaved server would send. */
export interface Answer {
  readonly status?: number;
  readonly headers?: Record<string, string | undefined>;
  readonly body?: Uint8Array;
  /** Close the connection after the body's first byte. */
  readonly cut?: boolean;
  /** Never answer. */
  readonly silent?: boolean;
}

/** @param spoil changes the answer to the nth request, counted from 0 */
export async function serveRanges(
  file: Uint8Array,
  spoil: (nth: number, request: IncomingMessage) => Answer | undefined = () => undefined,
): Promise<RangeServer> {
  const ranges: string[] = [];
  let bytesSent = 0;
  const server = createServer((request, response) => {
    const answer = spoil(ranges.length, request) ?? {};
    const range = request.headers.range ?? "";
    ranges.push(range);
    if (!answer.silent) bytesSent += send(response, file, range, answer);
  });
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/model.gguf`,
    ranges,
    bytesSent: () => bytesSent,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** Returns the bytes sent. */
function send(response: ServerResponse, file: Uint8Array, range: string, answer: Answer): number {
  const [, first = 0, last = 0] = (/^bytes=(\d+)-(\d+)$/.exec(range) ?? []).map(Number);
  const end = Math.min(last + 1, file.length);
  const isPart = first < file.length;
  const headers = {
    "content-range": isPart ? `bytes ${first}-${end - 1}/${file.length}` : `bytes */${file.length}`,
    etag: '"one"',
    "last-modified": "Tue, 01 Aug 2023 00:00:00 GMT",
    ...answer.headers,
  };
  for (const [name, value] of Object.entries(headers)) if (value !== undefined) response.setHeader(name, value);
  const body = answer.body ?? (isPart ? file.subarray(first, end) : new Uint8Array(0));
  response.statusCode = answer.status ?? (isPart ? 206 : 416);
  if (answer.cut) {
    response.setHeader("content-length", body.length);
    response.write(body.subarray(0, 1), () => response.destroy());
    return 1;
  }
  response.end(body);
  return body.length;
}
