// How long ll-quantize takes for a model of 1.1 thousand million weights (2.2 GB in f16), against cp of the same file in the same
// run and against the scalar twin: whole programs, fsync included, input in the page cache. Best of several runs; the files must be
// equal. The folder needs 12 GB.
//
//   node --conditions=@ll/source bench/quantize.bench.ts FOLDER [types] [runs]        for example: /tmp/bench q4_0,q6_K 3

import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { createReadStream, existsSync, rmSync, statSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";
import { writeSyntheticModel } from "./synthetic-model.ts";

const SHAPE = { nEmbd: 2048, nLayers: 19 };
const ALL_TYPES = "q4_0,q4_1,q5_0,q5_1,q8_0,q2_K,q3_K_S,q4_K_S,q5_K_S,q6_K,f16,f32";
const CLI = join(import.meta.dirname, "../../../apps/cli");
const BUILT = join(CLI, "bin/ll-quantize.js");
const SOURCE = ["--conditions=@ll/source", join(CLI, "src/bin.ts"), "ll-quantize"];

const [folder, types = ALL_TYPES, runs = "3"] = process.argv.slice(2);
if (folder === undefined) throw new Error("usage: quantize.bench.ts FOLDER [TYPES] [RUNS]");
const isBuilt = existsSync(join(CLI, "dist/main.js"));
const program = isBuilt ? [BUILT] : SOURCE;
const out = join(folder, "out.bin");

console.log(
  `${cpus().length} × ${cpus()[0]?.model.trim()}, Node ${process.versions.node}, ${isBuilt ? "built" : "sources"}`,
);
console.log("type      in MB  out MB   cp s   2 threads  1 thread   scalar   / cp  scalar /");
for (const type of types.split(",")) {
  // the type that needs work
  const inType = type === "f16" ? "f32" : "f16";
  const input = join(folder, `${inType}.bin`);
  if (!existsSync(input)) await writeSyntheticModel(input, SHAPE, inType);
  execFileSync("cat", [input], { stdio: ["ignore", "ignore", "inherit"] }); // to the page cache

  const cp = best(Number(runs), () => execFileSync("cp", [input, out]));
  const two = best(Number(runs), () => quantize(input, type, "2", "wide"));
  const hash = await sha256(out);
  const one = best(Number(runs), () => quantize(input, type, "1", "wide"));
  const scalar = best(1, () => quantize(input, type, "1", "scalar"));
  if ((await sha256(out)) !== hash) throw new Error(`${type}: the files differ`);
  const sizes = [input, out].map((path) => (statSync(path).size / 1e6).toFixed(0).padStart(7)).join(" ");
  const seconds = [cp, two, one, scalar].map((time) => time.toFixed(2).padStart(9)).join("");
  const ratios = `${(two / cp).toFixed(2).padStart(7)} ${(scalar / two).toFixed(1).padStart(9)}`;
  console.log(`${type.padEnd(7)} ${sizes} ${seconds} ${ratios}`);
}
rmSync(out, { force: true });

function quantize(input: string, type: string, threads: string, tier: string): void {
  const env = { ...process.env, LL_KERNEL: tier };
  execFileSync(process.execPath, [...program, input, out, type, threads], { env, stdio: ["ignore", "ignore", "pipe"] });
}

/** Seconds of the fastest run; each begins without the file. */
function best(n: number, run: () => unknown): number {
  let seconds = Number.POSITIVE_INFINITY;
  for (let i = 0; i < n; i++) {
    rmSync(out, { force: true });
    const start = performance.now();
    run();
    seconds = Math.min(seconds, (performance.now() - start) / 1000);
  }
  return seconds;
}

async function sha256(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path)) hash.update(chunk);
  return hash.digest("hex");
}
