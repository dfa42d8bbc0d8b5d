// `ll-tokenize --jsonl`: a line with a text goes in, a line with its ids comes out.

import { Refusal } from "../errors.ts";

/** What a line asks for. */
export interface TokenRequest {
  readonly text: string | Uint8Array;
  readonly special: boolean;
  readonly bos: boolean;
}

/** Bytes of a line. */
const MAX_LINE_BYTES = 256 * 1024 * 1024;

/** The lines of a stream, without their ends. @throws Refusal for one of more than 256 MiB */
export async function* linesOf(stream: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, void> {
  let parts: Uint8Array[] = [];
  let nBytes = 0;
  for await (const chunk of stream) {
    let start = 0;
    for (let end = chunk.indexOf(0x0a); end >= 0; end = chunk.indexOf(0x0a, start)) {
      yield Buffer.concat([...parts, chunk.subarray(start, end)]);
      parts = [];
      nBytes = 0;
      start = end + 1;
    }
    if (start === chunk.length) continue;
    parts.push(chunk.subarray(start));
    nBytes += chunk.length - start;
    if (nBytes > MAX_LINE_BYTES) throw new Refusal(`a line of more than ${MAX_LINE_BYTES} bytes`);
  }
  if (nBytes > 0) yield Buffer.concat(parts);
}

/**
 * `{"text": …}` or `{"hex": …}`, with `"special"` and `"bos"`, true or false.
 * @param nLine counted from 1, for errors
 * @throws Refusal for anything else
 */
export function parseRequest(line: Uint8Array, nLine: number): TokenRequest {
  const refuse = (expected: string): never => {
    throw new Refusal(
      `line ${nLine}: expected ${expected}`,
      'one object a line, such as {"text":"Hello","special":false}',
    );
  };
  const value = parsed(line) ?? refuse("JSON in UTF-8");
  if (typeof value !== "object" || Array.isArray(value)) return refuse("an object");
  const { text, hex, special = false, bos = false, ...others } = value as Record<string, unknown>;
  const [other] = Object.keys(others);
  if (other !== undefined) return refuse(`only text, hex, special and bos, got ${JSON.stringify(other.slice(0, 80))}`);
  if (typeof special !== "boolean" || typeof bos !== "boolean") return refuse('true or false for "special" and "bos"');
  if (typeof text === "string" && hex === undefined) return { text, special, bos };
  const isHex = typeof hex === "string" && hex.length % 2 === 0 && /^[0-9a-fA-F]*$/.test(hex);
  if (text !== undefined || !isHex) return refuse('either "text" with a string or "hex" with pairs of digits');
  return { text: new Uint8Array(Buffer.from(hex, "hex")), special, bos };
}

function parsed(line: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(line));
  } catch {
    return undefined;
  }
}
