// The runtimes and compilers of tools/runtimes, and projects that have installed the packed packages: for the slow tests.

import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";

const ROOT = join(import.meta.dirname, "..");
const RUNTIMES = join(import.meta.dirname, "runtimes", "node_modules");
const PACKED = join(ROOT, "packed");

/** Why tests with the packed packages must be skipped; undefined if they are there. */
export const missingPackages: string | undefined = existsSync(PACKED)
  ? undefined
  : "npm run test:slow packs the packages";

/** The same for those that also want the runtimes. */
export const missing: string | undefined = existsSync(RUNTIMES)
  ? missingPackages
  : "npm run test:slow installs the runtimes";

/** Versions of Node, oldest first. */
export const NODES = ["20.16", "20", "22.18", "22", "24", "26"] as const;

/** Folder with the program `node` of a version. */
export function nodeFolder(version: (typeof NODES)[number]): string {
  return join(RUNTIMES, `node-${version}`, "bin");
}

/** The command that runs a script, without the script. */
export const COMMANDS: Readonly<Record<string, readonly string[]>> = {
  ...Object.fromEntries(NODES.map((version) => [`Node ${version}`, [join(nodeFolder(version), "node")]])),
  Deno: [join(RUNTIMES, ".bin", "deno"), "run", "--allow-all"],
  Bun: [join(RUNTIMES, ".bin", "bun")],
};

/** Scripts of the compiler, by version of TypeScript, oldest first. */
export const TYPESCRIPTS: Readonly<Record<string, string>> = {
  ...Object.fromEntries(
    ["5.0", "5.4", "5.9"].map((version) => [version, tscIn(join(RUNTIMES, `typescript-${version}`))]),
  ),
  "of this repository": tscIn(join(ROOT, "node_modules", "typescript")),
};

function tscIn(folder: string): string {
  return join(folder, "bin", "tsc");
}

/** A new folder below `parent` in which all packed packages are installed, as a user's project. */
export function packedProject(parent: string = tmpdir()): string {
  const folder = mkdtempSync(join(parent, "ll-project-"));
  writeFileSync(join(folder, "package.json"), '{ "private": true, "type": "module" }\n');
  npm(["install", ...tarballs()], { cwd: folder });
  return folder;
}

/** Installs all packed packages into a new prefix, with npm on `node`; returns the prefix and what npm said. */
export function installGlobally(node: string): { readonly prefix: string; readonly said: string } {
  const prefix = mkdtempSync(join(tmpdir(), "ll-prefix-"));
  const said = npm(["install", "--global", "--prefix", prefix, ...tarballs()], { node });
  return { prefix, said };
}

/** @param node folder of the Node that runs npm; default: this one's */
function npm(args: readonly string[], { cwd, node }: { cwd?: string; node?: string }): string {
  const path = node === undefined ? process.env["PATH"] : `${node}${delimiter}${process.env["PATH"]}`;
  const { status, stdout, stderr } = spawnSync("npm", [...args, "--prefer-offline", "--no-audit", "--no-fund"], {
    cwd,
    encoding: "utf8",
    env: { ...process.env, PATH: path, npm_config_update_notifier: "false" },
    shell: process.platform === "win32",
  });
  if (status !== 0) throw new Error(`npm ${args[0]}: ${stdout}${stderr}`);
  return stdout + stderr;
}

function tarballs(): string[] {
  return readdirSync(PACKED).map((file) => join(PACKED, file));
}

/**
 * Seconds of processor time that a command takes, in all threads and processes that it starts.
 * @throws Error if it fails
 */
export function processorSeconds(command: readonly string[], cwd: string): number {
  // what POSIX sh has waited for, user and system, is the second line
  const text = execFileSync("sh", ["-c", '"$@" > output 2>&1 || { cat output; exit 1; }; times', "sh", ...command], {
    cwd,
    encoding: "utf8",
  });
  const [, children = ""] = text.trim().split("\n");
  const times = [...children.matchAll(/(\d+)m([\d.]+)s/g)].map(([, m, s]) => 60 * Number(m) + Number(s));
  if (times.length !== 2) throw new Error(`sh -c times printed ${text}`);
  return times.reduce((sum, seconds) => sum + seconds, 0);
}
