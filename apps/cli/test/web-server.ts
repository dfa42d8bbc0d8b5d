// A web server for one file, which answers range requests and counts them.

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { onTestFinished } from "vitest";

export interface FileServer {
  readonly url: string;
  /** The `Range` header of every request so far. */
  readonly ranges: readonly string[];
  /** Bytes of the file in all answers so far. */
  bytesSent(): number;
}

/** Serves `bytes` at `url` until the test is over. */
export async function serveFile(bytes: Uint8Array, name: string): Promise<FileServer> {
  const ranges: string[] = [];
  let nBytes = 0;
  const server = createServer((request, response) => {
    const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? "") ?? [];
    if (request.url !== `/${name}` || first === undefined) {
      response.writeHead(404).end();
      return;
    }
    ranges.push(`${first}-${last}`);
    const end = Math.min(Number(last) + 1, bytes.length);
    const range = `bytes ${first}-${end - 1}/${bytes.length}`;
    const part = bytes.subarray(Number(first), end);
    nBytes += part.length;
    response.writeHead(206, { "content-range": range, etag: '"1"' }).end(part);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/${name}`, ranges, bytesSent: () => nBytes };
}
