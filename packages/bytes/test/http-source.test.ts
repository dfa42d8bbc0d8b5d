import { afterEach, describe, expect, test } from "vitest";
import { type ByteSource, createReader, httpSource } from "../src/index.ts";
import { type Answer, type RangeServer, serveRanges } from "./range-server.ts";

const file = Uint8Array.from({ length: 1_000_000 }, (_, i) => (i * 7) % 251);
const FIRST = 262_144; // bytes that come with the first request

let server: RangeServer | undefined;
afterEach(async () => {
  await server?.close();
  server = undefined;
});

async function serve(bytes: Uint8Array, spoil?: Parameters<typeof serveRanges>[1]): Promise<string> {
  server = await serveRanges(bytes, spoil);
  return server.url;
}

async function read(source: ByteSource, offset: number, length: number): Promise<Uint8Array> {
  const target = new Uint8Array(length);
  await source.read(offset, target);
  return target;
}

describe("reading", () => {
  test("one request to open; none for what came with it, one for any other span", async () => {
    const url = await serve(file);
    const source = await httpSource(url);
    expect([source.name, source.byteLength]).toEqual([url, file.length]);
    expect(await read(source, 0, 100)).toEqual(file.subarray(0, 100));
    expect(await read(source, FIRST - 10, 10)).toEqual(file.subarray(FIRST - 10, FIRST));
    expect(server?.ranges).toEqual(["bytes=0-262143"]);
    expect(await read(source, 999_999, 1)).toEqual(file.subarray(999_999));
    expect(await read(source, FIRST - 10, 30)).toEqual(file.subarray(FIRST - 10, FIRST + 20)); // only what is not known
    expect(await read(source, 500_000, 0)).toEqual(new Uint8Array(0));
    expect(server?.ranges).toEqual(["bytes=0-262143", "bytes=999999-999999", "bytes=262144-262163"]);
    await expect(source.read(999_999, new Uint8Array(2))).rejects.toThrow(RangeError);
    expect(server?.ranges).toHaveLength(3);
  });

  test.each([0, 1, FIRST, FIRST + 1])("files of %i bytes", async (length) => {
    const url = await serve(file.subarray(0, length));
    const source = await httpSource(url);
    expect(source.byteLength).toBe(length);
    expect(await read(source, 0, length)).toEqual(file.subarray(0, length));
    await expect(source.read(length, new Uint8Array(1))).rejects.toThrow(RangeError);
  });

  test("a reader's growing chunks make few requests", async () => {
    const source = await httpSource(await serve(file));
    const reader = createReader(source, { chunkBytes: FIRST, maxChunkBytes: 4 * FIRST });
    for (let offset = 0; offset < file.length - 3; offset += 4) await reader.u32("x");
    // the window moves on whole numbers of 4 bytes, so that nothing is fetched twice
    expect(server?.ranges).toEqual(["bytes=0-262143", "bytes=262144-786431", "bytes=786432-999999"]);
    expect(server?.bytesSent()).toBe(file.length);
  });

  test("sends the headers it is given and asks for no compression, by the fetch it is given", async () => {
    const seen: unknown[] = [];
    const url = await serve(file);
    const source = await httpSource(new URL(url), {
      headers: { authorization: "Bearer x" },
      fetch: (input, init) => {
        seen.push([input, init?.headers]);
        return fetch(input, init);
      },
    });
    await read(source, 300_000, 2);
    const headers = { authorization: "Bearer x", "accept-encoding": "identity" };
    expect(seen).toEqual([
      [url, { ...headers, range: "bytes=0-262143" }],
      [url, { ...headers, range: "bytes=300000-300001" }],
    ]);
  });
});

describe("E_CHANGED", () => {
  test.each<[string, Record<string, string | undefined>]>([
    ["another entity tag", { etag: '"two"' }],
    ["no entity tag any more", { etag: undefined }],
    ["another date", { "last-modified": "Wed, 02 Aug 2023 00:00:00 GMT" }],
    ["another size", { "content-range": "bytes 300000-300001/1000001" }],
  ])("%s", async (_name, headers) => {
    const url = await serve(file, (nth) => (nth === 1 ? { headers } : undefined));
    const source = await httpSource(url);
    await expect(read(source, 300_000, 2)).rejects.toMatchObject({ name: "IoError", code: "E_CHANGED", file: url });
    expect(await read(source, 300_000, 2)).toEqual(file.subarray(300_000, 300_002)); // it was the answer, not the source
  });
});

describe("E_IO", () => {
  const cases: [name: string, answer: Answer, message: string][] = [
    ["not found", { status: 404 }, "404 Not Found"],
    ["a server that sends whole files", { status: 200 }, "the server does not send parts of files (200 OK)"],
    ["no Content-Range", { headers: { "content-range": undefined } }, "a part without a usable Content-Range (null)"],
    [
      "an unknown size",
      { headers: { "content-range": "bytes 0-262143/*" } },
      "a part without a usable Content-Range (bytes 0-262143/*)",
    ],
    [
      "a size over 2^53",
      { headers: { "content-range": "bytes 0-262143/9007199254740992" } },
      "a part without a usable Content-Range (bytes 0-262143/9007199254740992)",
    ],
    [
      "another part",
      { headers: { "content-range": "bytes 1-262144/1000000" } },
      "the server sent bytes 1-262144/1000000 instead of what was asked for",
    ],
    [
      "less than asked for",
      { headers: { "content-range": "bytes 0-99/1000000" } },
      "the server sent bytes 0-99/1000000 instead of what was asked for",
    ],
    ["compression", { headers: { "content-encoding": "x-own" } }, "a part without a usable Content-Range"],
    ["a short body", { body: file.subarray(0, 10) }, "the connection ended after 10 of 262144 bytes"],
    ["a long body", { body: file.subarray(0, 262_145) }, "more bytes sent than asked for"],
    ["a connection that breaks", { cut: true }, "cannot read"],
    ["a range that cannot be had of a file", { status: 416, headers: { "content-range": "bytes */5" } }, "416"],
  ];

  test.each(cases)("at once: %s", async (_name, answer, message) => {
    const url = await serve(file, () => answer);
    await expect(httpSource(url)).rejects.toMatchObject({ name: "IoError", code: "E_IO", file: url });
    await expect(httpSource(url)).rejects.toThrow(message);
  });

  test("later: a part that was not asked for", async () => {
    const headers = { "content-range": "bytes 300000-300000/1000000" };
    const url = await serve(file, (nth) => (nth === 1 ? { headers } : undefined));
    const source = await httpSource(url);
    await expect(read(source, 300_000, 2)).rejects.toThrow("the server sent bytes 300000-300000/1000000 instead");
  });

  test("later: the server is gone", async () => {
    const url = await serve(file);
    const source = await httpSource(url);
    await server?.close();
    await expect(read(source, 300_000, 2)).rejects.toMatchObject({ code: "E_IO", cause: expect.any(Error) });
    await expect(read(source, 300_000, 2)).rejects.toThrow(`cannot read ${url}: connect ECONNREFUSED`);
  });
});

describe("an abort", () => {
  test("ends the request under way, with its reason", async () => {
    const controller = new AbortController();
    const reason = new Error("enough");
    const url = await serve(file, (nth) => {
      if (nth === 1) setImmediate(() => controller.abort(reason));
      return nth === 1 ? { silent: true } : undefined;
    });
    const source = await httpSource(url, { signal: controller.signal });
    await expect(read(source, 300_000, 2)).rejects.toBe(reason);
    expect(await read(source, 0, 2)).toEqual(file.subarray(0, 2)); // that needs no request
  });
});
