// `npm start`, `npm test`, `npm run test:slow` and `npm run pack` on a fresh clone: nothing but Node 20.16 and npm is needed. Installs the
// pinned pnpm's dependencies (which bring the Node that everything else runs on), builds what is out of date, then hands over. Plain
// JavaScript, since nothing is installed yet.

import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const PNPM = "pnpm@12.21.0";
/** Shows what a build prints if it fails, and only then. */
const QUIET = "--output-logs=errors-only";
const ROOT = join(import.meta.dirname ?? new URL(".", import.meta.url).pathname, "..");
const BIN = join(ROOT, "node_modules", ".bin");

/** What a step depends on: it runs again when one of these files or folders changed. */
const INSTALL_INPUTS = [
  "package.json",
  "pnpm-lock.yaml",
  "pnpm-workspace.yaml",
  "packages/*/package.json",
  "apps/*/package.json",
];
const KERNEL_INPUTS = ["packages/*/asm", "packages/*/package.json", "tools/build-kernels.mjs", "turbo.json"];
const PAGE_INPUTS = ["apps/web/src", "apps/web/package.json", "apps/web/vite.config.ts", "tools/build-page.mjs"];
const BUNDLERS_INPUTS = ["tools/bundlers/package.json", "tools/bundlers/pnpm-lock.yaml"];
const RUNTIMES_INPUTS = ["tools/runtimes/package.json", "tools/runtimes/pnpm-lock.yaml"];
const BUILD_INPUTS = [
  ...KERNEL_INPUTS,
  "packages/*/src",
  "apps/*/src",
  "packages/*/tsup.config.ts",
  "apps/*/tsup.config.ts",
  "apps/*/vite.config.ts",
  "tools/build-page.mjs",
];
const PACK_INPUTS = [
  ...BUILD_INPUTS,
  "apps/*/bin",
  "apps/*/templates",
  "packages/*/README.md",
  "apps/*/README.md",
  "tools/pack.ts",
];

const [verb, ...rest] = process.argv.slice(2);
step("install", INSTALL_INPUTS, ["node_modules/.bin"], () => pnpm("install", "--frozen-lockfile"));
if (verb === "start") {
  build();
  finish(run(join(BIN, "node"), [join(ROOT, "tools", "start.ts"), ...rest]));
} else if (verb === "pack") {
  build();
  finish(pack());
} else if (verb === "test") {
  step("kernels", KERNEL_INPUTS, ["packages/quant/src/kernels/wasm-simd.ts"], () =>
    pnpm("exec", "turbo", "run", "kernels", QUIET),
  );
  step("page", PAGE_INPUTS, ["apps/server/src/page-files.ts"], () => pnpm("exec", "turbo", "run", "page", QUIET));
  finish(run(join(BIN, "vitest"), ["run", ...rest]));
} else if (verb === "test:slow") {
  step("runtimes", RUNTIMES_INPUTS, ["tools/runtimes/node_modules/deno"], () =>
    pnpm("--dir", "tools/runtimes", "install", "--frozen-lockfile"),
  );
  step("bundlers", BUNDLERS_INPUTS, ["tools/bundlers/node_modules/.bin"], () =>
    pnpm("--dir", "tools/bundlers", "install", "--frozen-lockfile"),
  );
  build();
  step("pack", PACK_INPUTS, ["packed"], pack);
  finish(run(join(BIN, "vitest"), ["run", "--config", "vitest.slow.config.ts", ...rest]));
} else {
  process.stderr.write("usage: bootstrap.mjs start|test|test:slow|pack\n");
  process.exitCode = 2;
}

function build() {
  step("build", BUILD_INPUTS, ["apps/cli/dist/main.js"], () => pnpm("run", "build", QUIET));
}

/** Every package that is published, as a tarball in packed/. */
function pack() {
  return run(join(BIN, "node"), [join(ROOT, "tools", "pack.ts")]);
}

/** Runs `work` unless it succeeded before with the same inputs and its outputs are still there. */
function step(name, inputs, outputs, work) {
  const stampDir = join(ROOT, "node_modules", ".ll");
  const stampPath = join(stampDir, name);
  const fingerprint = fingerprintOf(inputs);
  const done = existsSync(stampPath) && readFileSync(stampPath, "utf8") === fingerprint;
  if (done && outputs.every((path) => existsSync(join(ROOT, path)))) return;
  process.stderr.write(`ll: ${name} …\n`);
  const status = work();
  if (status !== 0) {
    process.stderr.write(`ll: ${name} failed\n`);
    process.exit(status);
  }
  mkdirSync(stampDir, { recursive: true });
  writeFileSync(stampPath, fingerprintOf(inputs)); // a step may generate files among its own inputs
}

function pnpm(...args) {
  return run("npx", ["-y", "--prefer-offline", PNPM, ...args], "stderr");
}

/** Standard output of set-up steps goes to stderr: `npm start > story.txt` holds just the story. */
function run(command, args, output = "stdout") {
  const env = { ...process.env, TURBO_TELEMETRY_DISABLED: "1", DO_NOT_TRACK: "1" };
  const stdout = output === "stdout" ? "inherit" : 2;
  const result = spawnSync(command, args, {
    cwd: ROOT,
    env,
    stdio: ["inherit", stdout, "inherit"],
    shell: process.platform === "win32",
  });
  if (result.error) process.stderr.write(`ll: ${command}: ${result.error.message}\n`);
  return result.status ?? 1;
}

function finish(status) {
  process.exitCode = status;
}

/** A hash over path, size and content of every input file; `*` stands for any one folder name. */
function fingerprintOf(patterns) {
  const hash = createHash("sha256");
  for (const pattern of patterns) {
    for (const path of expand(pattern)) {
      for (const file of filesUnder(path)) hash.update(`${file}\n`).update(readFileSync(join(ROOT, file)));
    }
  }
  return hash.digest("hex");
}

function expand(pattern) {
  const star = pattern.indexOf("/*/");
  if (star < 0) return [pattern];
  const parent = pattern.slice(0, star);
  return readdirSync(join(ROOT, parent))
    .sort()
    .map((name) => `${parent}/${name}${pattern.slice(star + 2)}`);
}

function filesUnder(path) {
  const full = join(ROOT, path);
  if (!existsSync(full)) return [];
  if (statSync(full).isFile()) return [path];
  return readdirSync(full)
    .filter((name) => name !== "build" && name !== "generated")
    .sort()
    .flatMap((name) => filesUnder(`${path}/${name}`));
}
