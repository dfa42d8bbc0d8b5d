// What the manifests say to whoever finds the packages: one Node version everywhere, links that lead here.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";

const ROOT = join(import.meta.dirname, "../..");
const lockfile = readFileSync(join(ROOT, "pnpm-lock.yaml"), "utf8");

interface Manifest {
  readonly private?: boolean;
  readonly description: string;
  readonly keywords: readonly string[];
  readonly homepage: string;
  readonly bugs: string;
  readonly repository: { readonly url: string; readonly directory: string };
  readonly engines: { readonly node: string };
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
}

function manifest(folder: string): Manifest {
  return JSON.parse(readFileSync(join(ROOT, folder, "package.json"), "utf8"));
}

const PUBLISHED = ["packages", "apps"]
  .flatMap((parent) => readdirSync(join(ROOT, parent)).map((name) => `${parent}/${name}`))
  .filter((folder) => !manifest(folder).private);
const ENGINES = manifest(".").engines.node;
const [, OLDEST = ""] = /^\^(\d+\.\d+) \|\| >=22\.3$/.exec(ENGINES) ?? [];

describe.each(PUBLISHED)("%s", (folder) => {
  const { description, keywords, homepage, bugs, repository, engines, dependencies = {} } = manifest(folder);

  test("runs on the same versions of Node as everything else", () => {
    expect(engines).toEqual({ node: ENGINES });
  });

  test("depends on nothing that wants a newer Node", () => {
    for (const [name, version] of Object.entries(dependencies)) {
      if (version.startsWith("workspace:")) continue;
      const [, entry = ""] = lockfile.split(`\n  ${name}@${version}:\n`);
      const [, newest] = /^.*\n {4}engines: \{node: '>=\s?(\d+)/.exec(entry) ?? [];
      expect(Number(newest ?? 0), name).toBeLessThanOrEqual(Number.parseInt(OLDEST, 10));
    }
  });

  test("is not said to be on the registry", () => {
    const readme = readFileSync(join(ROOT, folder, "README.md"), "utf8");
    expect(readme).toMatch(/npm install .*packed\/\*\.tgz/);
    expect(readme).not.toMatch(/(npm (i|install|exec)|npx|pnpm add|yarn add)( --?\w+)* @ll\//);
  });

  test("can be found, and leads here", () => {
    expect(description).toMatch(/\w+/);
    expect(keywords.length).toBeGreaterThan(3);
    expect(repository.directory).toBe(folder);
    const site = repository.url.replace(/^git\+|\.git$/g, "");
    expect(homepage).toBe(`${site}/tree/main/${folder}#readme`);
    expect(bugs).toBe(`${site}/issues`);
  });
});

test.each(["README.md", "CONTRIBUTING.md", "tools/bootstrap.mjs"])("%s says the same version of Node", (file) => {
  const text = readFileSync(join(ROOT, file), "utf8");
  const wanted = [...text.matchAll(/Node [(^]?([\d.]+)(?= or | and )/g)].map(([, version]) => version);
  expect(new Set(wanted)).toEqual(new Set([OLDEST]));
});

test("pnpm checks its packages against the Node that runs them", () => {
  const [, version] = /^nodeVersion: (.*)$/m.exec(readFileSync(join(ROOT, "pnpm-workspace.yaml"), "utf8")) ?? [];
  expect(version).toBe(manifest(".").devDependencies["node"]);
});
