// `npm run pack`: every package that is published, as a tarball in packed/. Wants them built. What is in a tarball is complete: its
// manifest names no sources, no scripts and no workspace, and every file that it exports is there.
//   npm install --global ./packed/*.tgz

import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const ROOT = join(import.meta.dirname, "..");
const PACKED = join(ROOT, "packed");
/** The condition under which a clone runs on its sources. */
const SOURCE_CONDITION = "@ll/source";

interface Manifest {
  name: string;
  version: string;
  private?: boolean;
  files?: string[];
  exports?: Record<string, string | Record<string, string>>;
  bin?: Record<string, string>;
  sideEffects?: boolean | string[];
  dependencies?: Record<string, string>;
  devDependencies?: unknown;
  scripts?: unknown;
}

const folders = ["packages", "apps"].flatMap((parent) =>
  readdirSync(join(ROOT, parent)).map((name) => join(ROOT, parent, name)),
);
const manifests = new Map(folders.map((folder) => [folder, readManifest(folder)]));
const versions = new Map([...manifests.values()].map(({ name, version }) => [name, version]));

rmSync(PACKED, { recursive: true, force: true });
mkdirSync(PACKED);
for (const [folder, manifest] of manifests) {
  if (manifest.private !== true) pack(folder, published(manifest));
}

function readManifest(folder: string): Manifest {
  return JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
}

/** The manifest for those who install the package. */
function published({ scripts: _scripts, devDependencies: _dev, ...manifest }: Manifest): Manifest {
  for (const target of Object.values(manifest.exports ?? {})) {
    if (typeof target === "object") delete target[SOURCE_CONDITION];
  }
  if (Array.isArray(manifest.sideEffects)) {
    manifest.sideEffects = manifest.sideEffects.filter((path) => !path.startsWith("./src/"));
  }
  const dependencies = Object.entries(manifest.dependencies ?? {}).map(([name, range]) => [
    name,
    range === "workspace:^" ? `^${versions.get(name)}` : range,
  ]);
  if (dependencies.length > 0) manifest.dependencies = Object.fromEntries(dependencies);
  return manifest;
}

function pack(folder: string, manifest: Manifest): void {
  const stage = mkdtempSync(join(tmpdir(), "ll-pack-"));
  try {
    for (const name of [...(manifest.files ?? []), "README.md"]) {
      cpSync(join(folder, name), join(stage, name), { recursive: true });
    }
    cpSync(join(ROOT, "LICENSE"), join(stage, "LICENSE"));
    writeFileSync(join(stage, "package.json"), `${JSON.stringify(manifest, null, 2)}\n`);
    const targets = Object.values(manifest.exports ?? {}).flatMap((target) =>
      typeof target === "string" ? [target] : Object.values(target),
    );
    for (const path of [...targets, ...Object.values(manifest.bin ?? {})]) {
      if (!existsSync(join(stage, path))) throw new Error(`${manifest.name} names ${path}, which it does not publish`);
    }
    const args = ["pack", "--silent", "--pack-destination", PACKED];
    const { status, stdout, stderr } = spawnSync("npm", args, {
      cwd: stage,
      encoding: "utf8",
      shell: process.platform === "win32",
    });
    if (status !== 0) throw new Error(`npm pack of ${manifest.name}: ${stderr}`);
    process.stdout.write(`packed/${stdout}`);
  } finally {
    rmSync(stage, { recursive: true });
  }
}
