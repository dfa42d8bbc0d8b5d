// What an installation brings along and what it may do: the promises of SECURITY.md.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";

const ROOT = join(import.meta.dirname, "../..");
const lockfile = readFileSync(join(ROOT, "pnpm-lock.yaml"), "utf8");

/** Folders of the workspace's packages, from the lockfile. */
const FOLDERS = [...lockfile.matchAll(/^ {2}((?:packages|apps)\/[\w-]+):(?: \{\})?$/gm)].map(
  ([, folder]) => folder as string,
);

/** Third-party packages that come with an installation; every other package has none. */
const RUNTIME_DEPENDENCIES: Readonly<Record<string, readonly string[]>> = {
  "packages/chat": ["@huggingface/jinja"],
  "packages/checkpoint": ["yauzl"],
  "packages/openai-api": ["valibot"],
  "apps/batch": ["bullmq", "ioredis"],
  "apps/cli": ["valibot"],
  "apps/server": ["@hono/node-server", "hono", "prom-client"],
  "apps/web": ["@noble/hashes", "@preact/signals", "@zip.js/zip.js", "dompurify", "idb", "marked", "preact", "valibot"],
};

/** Packages that stand on `@ll/bytes` and the data of `@ll/architectures`, or on nothing. */
const LEAVES = ["ggml-format", "gguf", "checkpoint", "tokenizer", "quant", "hub"].map((name) => `packages/${name}`);
const ALONE = ["packages/architectures", "packages/bytes", "packages/sampling"];

/** Scripts that package managers run when a package is installed. */
const INSTALL_SCRIPTS = ["preinstall", "install", "postinstall", "prepare", "prepublish", "preprepare", "postprepare"];

interface Manifest {
  readonly scripts?: Readonly<Record<string, string>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: unknown;
  readonly peerDependencies?: unknown;
  readonly bundleDependencies?: unknown;
  readonly files?: readonly string[];
  readonly license?: string;
}

function manifest(folder: string): Manifest {
  return JSON.parse(readFileSync(join(ROOT, folder, "package.json"), "utf8"));
}

test("the lockfile knows the packages", () => {
  expect(FOLDERS).toEqual(expect.arrayContaining([...LEAVES, ...ALONE, ...Object.keys(RUNTIME_DEPENDENCIES)]));
});

describe.each(FOLDERS)("%s", (folder) => {
  const { scripts = {}, dependencies = {}, devDependencies = {}, ...rest } = manifest(folder);

  test("runs nothing when it is installed", () => {
    expect(Object.keys(scripts).filter((name) => INSTALL_SCRIPTS.includes(name))).toEqual([]);
  });

  test("brings along exactly what it may", () => {
    const names = Object.keys(dependencies);
    expect(names.filter((name) => !name.startsWith("@ll/")).sort()).toEqual(RUNTIME_DEPENDENCIES[folder] ?? []);
    const own = names.filter((name) => name.startsWith("@ll/"));
    if (LEAVES.includes(folder)) expect(["@ll/architectures", "@ll/bytes"]).toEqual(expect.arrayContaining(own));
    if (ALONE.includes(folder)) expect(own).toEqual([]);
    expect(rest).not.toHaveProperty("optionalDependencies");
    expect(rest).not.toHaveProperty("peerDependencies");
    expect(rest).not.toHaveProperty("bundleDependencies");
  });

  test("names exact versions", () => {
    const versions = Object.entries({ ...dependencies, ...devDependencies });
    const loose = versions.filter(([, version]) => !/^(\d+\.\d+\.\d+|workspace:\^)$/.test(version));
    expect(loose).toEqual([]);
  });

  test("publishes listed files under the MIT licence", () => {
    expect(rest.files).toContain("dist");
    expect(rest.license).toBe("MIT");
  });
});

test("the repository itself runs nothing when it is installed, and names exact versions", () => {
  const { scripts = {}, dependencies, devDependencies = {} } = manifest(".");
  expect(Object.keys(scripts).filter((name) => INSTALL_SCRIPTS.includes(name))).toEqual([]);
  expect(dependencies).toBeUndefined();
  const loose = Object.entries(devDependencies).filter(
    ([, version]) => !/^(\d+\.\d+\.\d+|workspace:\^)$/.test(version),
  );
  expect(loose).toEqual([]);
});

test.each([
  ["pnpm-workspace.yaml", ["esbuild: true", "msgpackr-extract: false", "node: true"]],
  ["tools/runtimes/pnpm-workspace.yaml", ["bun: true", "deno: true", "node: true"]],
])("few development packages may run a script when they are installed: %s", (file, expected) => {
  const workspace = readFileSync(join(ROOT, file), "utf8");
  const [, allowed = ""] = /^allowBuilds:\n((?: {2}.*\n?)*)/m.exec(workspace) ?? [];
  expect(allowed.trim().split(/\n\s*/).sort()).toEqual(expected);
});

test("the lockfile holds a SHA-512 of every package", () => {
  const [, packages = ""] = /^packages:\n([\s\S]*?)^snapshots:$/m.exec(lockfile) ?? [];
  const entries = packages.split(/\n\n+/).filter((entry) => entry.trim() !== "");
  expect(entries.length).toBeGreaterThan(100);
  // 88 base64 digits are 512 bits
  const unsure = entries.filter((entry) => !/^ {4}resolution: \{integrity: sha512-[\w+/]{86}==\}$/m.test(entry));
  expect(unsure).toEqual([]);
});
