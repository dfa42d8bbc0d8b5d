// How fast ll-pull brings a file from this machine beside curl: both in turn from the same server to the same folder.
//
//   node --conditions=@ll/source tools/bench/measure-pull.ts [--mib 1024] [--rounds 5] [--folder DIR]

import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, mkdtemp, open, rm, stat } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { isMainThread, Worker, workerData } from "node:worker_threads";
import { median } from "./statistics.ts";

const MIB = 1024 * 1024;
const COMMIT = "0123456789abcdef0123456789abcdef01234567";
const BIN = join(import.meta.dirname, "..", "..", "apps", "cli", "src", "bin.ts");

if (isMainThread) await measure();
else serve(workerData as Served);

interface Served {
  readonly path: string;
  readonly bytes: number;
  readonly sha256: string;
}

async function measure(): Promise<void> {
  const { values } = parseArgs({
    options: {
      mib: { type: "string", default: "1024" },
      rounds: { type: "string", default: "5" },
      folder: { type: "string", default: tmpdir() },
    },
  });
  const folder = await mkdtemp(join(values.folder, "ll-measure-pull-"));
  try {
    const served = await makeFile(join(folder, "model.gguf"), Number(values.mib) * MIB);
    const server = new Worker(new URL(import.meta.url), { workerData: served });
    const port = await new Promise<number>((resolve) => server.once("message", resolve));
    const endpoint = `http://127.0.0.1:${port}`;
    const rates: { curl: number; pull: number }[] = [];
    for (let round = 0; round <= Number(values.rounds); round++) {
      const target = join(folder, "curl.gguf");
      const curl = await rate(served.bytes, "curl", ["-sS", "-o", target, `${endpoint}/o/r/resolve/${COMMIT}/m.gguf`]);
      await rm(target);
      const cache = join(folder, "cache");
      await mkdir(cache);
      const env = { ...process.env, LL_CACHE: cache, HF_ENDPOINT: endpoint };
      const argv = ["--conditions=@ll/source", "--no-warnings", BIN, "pull", "-q", "hf:o/r"];
      const pull = await rate(served.bytes, process.execPath, argv, env);
      await rm(cache, { recursive: true });
      console.log(
        `${round === 0 ? "warm-up" : `round ${round}`}: curl ${curl.toFixed(0)} MB/s, ll-pull ${pull.toFixed(0)} MB/s`,
      );
      if (round > 0) rates.push({ curl, pull });
    }
    const [curl, pull] = [median(rates.map((rate) => rate.curl)), median(rates.map((rate) => rate.pull))];
    const share = median(rates.map((rate) => rate.pull / rate.curl));
    console.log(
      `medians: curl ${curl.toFixed(0)} MB/s, ll-pull ${pull.toFixed(0)} MB/s, ${(100 * share).toFixed(0)} % of curl`,
    );
    await server.terminate();
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** Random bytes, which nothing can compress. */
async function makeFile(path: string, bytes: number): Promise<Served> {
  const hash = createHash("sha256");
  const file = await open(path, "wx");
  const piece = new Uint8Array(MIB);
  for (let offset = 0; offset < bytes; offset += MIB) {
    for (let at = 0; at < MIB; at += 65_536) crypto.getRandomValues(piece.subarray(at, at + 65_536));
    hash.update(piece);
    await file.write(piece);
  }
  await file.close();
  return { path, bytes, sha256: hash.digest("hex") };
}

/** Megabytes a second, from the start of the program to its end. */
async function rate(bytes: number, program: string, argv: readonly string[], env = process.env): Promise<number> {
  const begin = performance.now();
  const child = spawn(program, argv, { env, stdio: ["ignore", "ignore", "inherit"] });
  const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
  if (code !== 0) throw new Error(`${program} ended with ${code}`);
  return bytes / 1000 / (performance.now() - begin);
}

/** A hub with one model. */
function serve({ path, bytes, sha256 }: Served): void {
  const answer = ({ url = "", headers }: IncomingMessage, response: ServerResponse): unknown => {
    if (url.startsWith("/api/models/o/r/revision/")) return response.end(JSON.stringify({ sha: COMMIT }));
    if (url.startsWith("/api/models/o/r/tree/")) {
      const file = { type: "file", path: "m.gguf", size: bytes, oid: COMMIT, lfs: { oid: sha256, size: bytes } };
      return response.end(JSON.stringify([file]));
    }
    const [, first, last] = /^bytes=(\d+)-(\d*)$/.exec(headers.range ?? "") ?? [];
    const start = Number(first ?? 0);
    const end = last === undefined || last === "" ? bytes - 1 : Math.min(bytes - 1, Number(last));
    response.writeHead(first === undefined ? 200 : 206, {
      "accept-ranges": "bytes",
      "content-length": end + 1 - start,
      ...(first !== undefined && { "content-range": `bytes ${start}-${end}/${bytes}` }),
    });
    return createReadStream(path, { start, end, highWaterMark: MIB }).pipe(response);
  };
  const server = createServer(answer);
  server.listen(0, "127.0.0.1", async () => {
    await stat(path);
    const { parentPort } = await import("node:worker_threads");
    parentPort?.postMessage((server.address() as AddressInfo).port);
  });
}
