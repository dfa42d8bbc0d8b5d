// The main job on the embedded model: a PyTorch checkpoint becomes a ggml f16 file, a 4-bit file, and then a story.
// Steps, sizes and timings go to stderr; stdout holds just the story.

import { spawnSync } from "node:child_process";
import { mkdirSync, statSync } from "node:fs";
import { join, relative } from "node:path";

const ROOT = join(import.meta.dirname, "..");
const OUT = join(ROOT, ".cache", "tiny");
const F16 = join(OUT, "ggml-model-f16.bin");
const Q4_0 = join(OUT, "ggml-model-q4_0.bin");
const CHECKPOINT = join(ROOT, "fixtures", "tiny", "meta");

mkdirSync(OUT, { recursive: true });
step(1, "convert", "ll-convert", [CHECKPOINT, "--outtype", "f16", "--outfile", F16], "quiet");
report(F16);
step(2, "quantise", "ll-quantize", [F16, Q4_0, "q4_0"], "quiet");
report(Q4_0);
const story = ["-m", Q4_0, "-n", "160", "-s", "3", "--temp", "0.7", "-p", "Once upon a time"];
step(3, "generate", "ll-main", story, "stdout");
const model = relative(process.cwd(), Q4_0);
process.stderr.write(
  `\nMore: npx ll-chat ${model} "Tell me about a little dog.", npx ll-serve ${model} (see README.md)\n`,
);

/** Runs one tool; `quiet` keeps its output back unless it fails. */
function step(number: number, what: string, bin: string, args: string[], output: "quiet" | "stdout"): void {
  const shown = args
    .map((arg) => (arg.startsWith(ROOT) ? relative(ROOT, arg) : arg.includes(" ") ? `"${arg}"` : arg))
    .join(" ");
  process.stderr.write(`\n[${number}/3] ${what}: ${bin} ${shown}\n`);
  const started = performance.now();
  const result = spawnSync(join(ROOT, "node_modules", ".bin", bin), args, {
    stdio: ["ignore", output === "stdout" ? "inherit" : "pipe", "pipe"],
    encoding: "utf8",
  });
  if (result.status !== 0) {
    process.stderr.write(`${result.stdout ?? ""}${result.stderr ?? ""}${result.error?.message ?? ""}\n${bin} failed\n`);
    process.exit(1);
  }
  if (output === "stdout") process.stdout.write("\n");
  process.stderr.write(`      done in ${((performance.now() - started) / 1000).toFixed(2)} s\n`);
}

function report(path: string): void {
  process.stderr.write(`      ${relative(ROOT, path)}: ${(statSync(path).size / 2 ** 20).toFixed(2)} MiB\n`);
}
