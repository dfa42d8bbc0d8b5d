// What a hub answers: the repository, its files, a part of one of them. A line with `--` stands between the three, headers go before an empty
// line.

import type { Fetch } from "@ll/bytes";
import { chooseFiles, openHub } from "../../../packages/hub/src/index.ts";

const COMMIT = "0123456789abcdef0123456789abcdef01234567";
const FILE = { type: "file", path: "a/m-Q8_0.gguf", size: 10, oid: COMMIT, lfs: { oid: "0".repeat(64), size: 10 } };
const answer = (status: number, headers: readonly string[], body: string): string =>
  [String(status), ...headers, "", body].join("\n");
const all = (...answers: readonly string[]): Uint8Array => new TextEncoder().encode(answers.join("\n--\n"));

const INFO = answer(200, ["x-hf-warning: topic; text"], JSON.stringify({ sha: COMMIT }));
const TREE = answer(
  200,
  ['link: <https://huggingface.co/x?cursor=1>; rel="prev"'],
  JSON.stringify([FILE, { type: "directory" }]),
);
const PART = answer(206, ["content-range: bytes 0-9/10"], "0123456789");

export const seeds: readonly Uint8Array[] = [
  all(INFO, TREE, PART),
  all(INFO, TREE, answer(429, ['ratelimit: "resolvers";r=0;t=4', "retry-after: 7"], "")),
  all(answer(401, ["x-error-code: GatedRepo", "x-error-message: no", "x-request-id: 7"], ""), TREE, PART),
  all(INFO, answer(302, ["location: /elsewhere"], ""), PART),
];
export const dictionary: readonly string[] = [
  ...[
    "location: ",
    "link: ",
    "content-range: bytes ",
    "content-length: ",
    "x-error-code: ",
    "retry-after: ",
    "ratelimit: ",
  ],
  ...["404\n", "302\n", "206\n", "../", "__proto__", "null", "-1", "9007199254740993", "rel=next", ".gguf", "\n--\n"],
];

export async function fuzz(data: Uint8Array): Promise<void> {
  const answers = new TextDecoder("latin1").decode(data).split("\n--\n");
  let requests = 0;
  const fetch: Fetch = async (url) => {
    if (requests++ > 300) throw new TypeError("too many requests");
    const index = String(url).includes("/resolve/") ? 2 : String(url).includes("/tree/") ? 1 : 0;
    return responseOf(answers[index] ?? "");
  };
  const hub = openHub({ fetch, endpoint: "https://hub.example", token: "secret", wait: async () => undefined });
  const listing = await hub.list("o/r");
  const [file] = chooseFiles(listing.files, {
    kind: "hub",
    repo: "o/r",
    revision: undefined,
    selector: undefined,
    literal: undefined,
  });
  if (file === undefined) return;
  await hub.read(listing, file, { start: 0, end: Math.min(10, file.bytes) }, () => undefined);
}

/** What fetch makes of headers and statuses that cannot be is none of our business: those are left out. */
function responseOf(text: string): Response {
  const [head = "", ...body] = text.split("\n\n");
  const [status, ...lines] = head.split("\n");
  const headers = new Headers();
  for (const line of lines) {
    const [, name, value] = /^([a-z-]+): ?([\t\x20-\x7e\x80-\xff]*)$/.exec(line) ?? [];
    if (name !== undefined && value !== undefined) headers.append(name, value);
  }
  const code = Number(status);
  const isCode = Number.isInteger(code) && code >= 200 && code <= 599;
  const isEmpty = [204, 205, 304].includes(code);
  return new Response(isEmpty ? null : body.join("\n\n"), { status: isCode ? code : 200, headers });
}
