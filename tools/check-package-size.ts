// What somebody downloads who installs the engine: @ll/llama and @ll/quant, the two packages with kernels, stay under 150 kB as
// packed. Wants them built. Exit code 1 if they are larger.
//   node tools/check-package-size.ts

import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const MOST_BYTES = 150_000;

const folder = mkdtempSync(join(tmpdir(), "ll-pack-"));
try {
  for (const name of ["llama", "quant"]) {
    const { status, stderr } = spawnSync("pnpm", ["pack", "--pack-destination", folder], {
      cwd: join(import.meta.dirname, "..", "packages", name),
      encoding: "utf8",
    });
    if (status !== 0) throw new Error(`pnpm pack: ${stderr}`);
  }
  let total = 0;
  for (const file of readdirSync(folder)) {
    const { size } = statSync(join(folder, file));
    console.log(`${file}: ${size} bytes`);
    total += size;
  }
  console.log(`together: ${total} bytes of ${MOST_BYTES}`);
  if (total > MOST_BYTES) process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true });
}
