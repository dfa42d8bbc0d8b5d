// The chat page: a fixed table of files in memory. No path of a request is ever joined to a folder.

import { gunzipSync } from "node:zlib";

export interface PageFile {
  readonly path: string;
  readonly type: string;
  readonly sha256: string;
  /** The file in base64, in both encodings. */
  readonly brotli: string;
  readonly gzip: string;
}

export interface Page {
  readonly paths: ReadonlySet<string>;
  /** undefined: who asks for `/` wants no HTML. */
  answer(path: string, headers: Headers): Response | undefined;
}

/** Nothing is loaded from elsewhere, nothing is framed, no text becomes HTML but by DOMPurify. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src 'self' data: blob:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types dompurify default",
].join("; ");

/** What browsers offer, but the clipboard and the wake lock. */
const OFF = [
  ..."accelerometer autoplay camera display-capture encrypted-media fullscreen geolocation gyroscope hid".split(" "),
  ..."magnetometer microphone midi payment picture-in-picture publickey-credentials-get serial usb".split(" "),
];

const HEADERS = {
  "content-security-policy": POLICY,
  "permissions-policy": OFF.map((name) => `${name}=()`).join(", "),
  "referrer-policy": "no-referrer",
  vary: "accept, accept-encoding",
};

export function createPage(files: readonly PageFile[]): Page {
  const table = new Map(files.map((file) => [file.path, file]));
  return {
    paths: new Set(table.keys()),
    answer(path, headers) {
      const file = table.get(path);
      const isRoot = path === "/";
      if (file === undefined || (isRoot && !headers.get("accept")?.includes("text/html"))) return undefined;
      const encoding = encodingFor(headers.get("accept-encoding") ?? "");
      const etag = `"${file.sha256.slice(0, 32)}-${encoding}"`;
      const sent = {
        ...HEADERS,
        etag,
        // a hashed name stands for one content for ever
        "cache-control": isRoot ? "no-cache" : "public, max-age=31536000, immutable",
        "content-type": file.type,
        ...(encoding !== "identity" && { "content-encoding": encoding }),
      };
      const isKnown = headers.get("if-none-match")?.includes(etag) === true;
      return isKnown
        ? new Response(null, { status: 304, headers: sent })
        : new Response(bytesOf(file, encoding), { headers: sent });
    },
  };
}

type Encoding = "br" | "gzip" | "identity";

/** The best one that is accepted; `br;q=0` is not. */
function encodingFor(accepted: string): Encoding {
  const names = accepted
    .split(",")
    .map((one) => one.trim().toLowerCase())
    .filter((one) => !/;\s*q=0(\.0*)?$/.test(one))
    .map((one) => one.replace(/;.*$/s, "").trim());
  return (["br", "gzip"] as const).find((name) => names.includes(name)) ?? "identity";
}

function bytesOf({ brotli, gzip }: PageFile, encoding: Encoding): Uint8Array<ArrayBuffer> {
  const bytes = Buffer.from(encoding === "br" ? brotli : gzip, "base64");
  return new Uint8Array(encoding === "identity" ? gunzipSync(bytes) : bytes);
}
