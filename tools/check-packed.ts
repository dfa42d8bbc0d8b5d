// What somebody downloads who installs the packages, tarball by tarball: publint and attw find nothing to say, and @ll/llama and
// @ll/quant, the two packages with kernels, stay under 292 kB together: some 119 kB are the kernels, of 28 block types in two
// arithmetics, compiled with and without relaxed SIMD, those of eight types also for processors without AVX-VNNI; some 14 kB are the packers
// for GGUF files, which only who quantises loads; some 30 kB are the worker, one file without imports that repeats what it needs of both. Wants packed/. Exit code 1 if not.
//   node tools/check-packed.ts

import { spawnSync } from "node:child_process";
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";

const ROOT = join(import.meta.dirname, "..");
const BIN = join(ROOT, "node_modules", ".bin");
const PACKED = join(ROOT, "packed");
const MOST_BYTES = 292_000;
/** The programs: no types. */
const WITHOUT_TYPES = /^ll-(batch|cli|server)-/;

const files = readdirSync(PACKED).filter((file) => file.endsWith(".tgz"));
for (const file of files) {
  check("publint", ["run", join(PACKED, file), "--strict"]);
  if (!WITHOUT_TYPES.test(file)) check("attw", [join(PACKED, file), "--profile", "esm-only"]);
}
const sizes = files
  .filter((file) => /^ll-(llama|quant)-/.test(file))
  .map((file) => ({ file, bytes: statSync(join(PACKED, file)).size }));
const total = sizes.reduce((sum, { bytes }) => sum + bytes, 0);
for (const { file, bytes } of sizes) console.log(`${file}: ${bytes} bytes`);
console.log(`together: ${total} bytes of ${MOST_BYTES}`);
if (sizes.length !== 2 || total > MOST_BYTES) process.exitCode = 1;

function check(program: string, args: string[]): void {
  const { status, stdout, stderr } = spawnSync(join(BIN, program), args, { encoding: "utf8" });
  if (status === 0) return;
  process.exitCode = 1;
  console.log(`${program} ${args.join(" ")}\n${stdout}${stderr}`);
}
