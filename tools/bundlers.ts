// A page of the packed packages as bundlers make it, each in the way its users call it, and as a folder or server that browsers can
// visit. For the slow tests. The bundlers are those of tools/bundlers; esbuild is that of the root.

import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { buildSync } from "esbuild";
import { ISOLATED, serveFolder } from "./browsers.ts";
import { missingPackages, packedProject } from "./runtimes.ts";

const ROOT = join(import.meta.dirname, "..");
const HOME = join(import.meta.dirname, "bundlers");
const ESBUILD = join(ROOT, "node_modules", ".bin", "esbuild");

/** Why tests with these must be skipped; undefined if all is there. */
export const missing: string | undefined = existsSync(join(HOME, "node_modules"))
  ? missingPackages
  : "npm run test:slow installs the bundlers";

export interface Site {
  /** Address of the page. */
  readonly url: string;
  close(): void;
}

/** A bundler: makes its site of a project. */
export type Bundler = (project: string) => Promise<Site>;

/** The page of browser/job.ts with all packages installed; `src/page.js` has bare imports. */
export function createProject(): string {
  const project = packedProject(HOME); // below the bundlers, so that it finds next and react
  buildSync({
    entryPoints: [join(import.meta.dirname, "browser", "job.ts")],
    bundle: true,
    packages: "external",
    format: "esm",
    target: "es2022",
    outfile: join(project, "src", "page.js"),
  });
  return project;
}

/** The file to be put beside a bundle where the bundler does not do so by itself, as the READMEs say. */
export function copyWorkers(project: string, folder: string): void {
  for (const [name, file] of [
    ["llama", "worker.js"],
    ["convert", "convert-worker.js"],
  ] as const) {
    copyFileSync(join(project, "node_modules/@ll", name, "dist", file), join(folder, file));
  }
}

const MODULE = '<script type="module" src="./page.js"></script>';
const CLASSIC = '<script src="./page.js"></script>';

export const BUNDLERS: Readonly<Record<string, Bundler>> = {
  async webpack(project) {
    const folder = outFolder(project, "webpack", '<script src="./main.js"></script>');
    run(project, [bin("webpack"), "--mode", "production", "--entry", "./src/page.js", "--output-path", folder]);
    return serveFolder(folder);
  },
  "Next with Turbopack": (project) => nextSite(project, "--turbopack"),
  "Next with webpack": (project) => nextSite(project, "--webpack"),
  async "Vite, its server"(project) {
    writeViteFiles(project);
    return viteServer(project);
  },
  async "Vite, a build"(project) {
    writeViteFiles(project);
    const folder = join(project, "out-vite");
    run(project, [bin("vite"), "build", "--outDir", folder]);
    return serveFolder(folder);
  },
  "esbuild, split": (project) => esbuildSite(project, "split", MODULE, ["--format=esm", "--splitting"]),
  "esbuild, one module": (project) => esbuildSite(project, "esm", MODULE, ["--format=esm"]),
  "esbuild, a classic script": (project) => esbuildSite(project, "iife", CLASSIC, ["--format=iife"]),
  "esbuild, CommonJS": (project) =>
    esbuildSite(project, "cjs", `<script>var module = { exports: {} };</script>${CLASSIC}`, ["--format=cjs"]),
  async Rollup(project) {
    const folder = outFolder(project, "rollup", MODULE);
    const plugin = ["--plugin", "@rollup/plugin-node-resolve"];
    run(project, [bin("rollup"), "src/page.js", "--format", "es", "--dir", folder, ...plugin]);
    copyWorkers(project, folder);
    return serveFolder(folder);
  },
  async "no bundler, an import map"(project) {
    writeFileSync(join(project, "import-map.html"), importMapPage(project, ""));
    const { url, close } = await serveFolder(project);
    return { url: `${url}/import-map.html`, close };
  },
  async "no bundler, an import map to another origin"(project) {
    const other = await serveFolder(project, { "access-control-allow-origin": "*" });
    const folder = outFolder(project, "other-origin", "");
    writeFileSync(join(folder, "index.html"), importMapPage(project, other.url));
    mkdirSync(join(folder, "src"));
    copyFileSync(join(project, "src/page.js"), join(folder, "src/page.js"));
    const { url, close } = await serveFolder(folder);
    return {
      url,
      close() {
        close();
        other.close();
      },
    };
  },
};

async function esbuildSite(project: string, name: string, html: string, options: string[]): Promise<Site> {
  const folder = esbuildFolder(project, name, html, options);
  copyWorkers(project, folder);
  return serveFolder(folder);
}

/** A page and its bundle without the files of workers. */
export function esbuildFolder(project: string, name: string, html = MODULE, options = ["--format=esm"]): string {
  const folder = outFolder(project, name, html);
  run(project, [ESBUILD, "src/page.js", "--bundle", `--outdir=${folder}`, "--log-level=error", ...options]);
  return folder;
}

/** A static export: any server can have it, with the headers of an isolated page. */
async function nextSite(project: string, bundler: "--turbopack" | "--webpack"): Promise<Site> {
  rmSync(join(project, ".next"), { recursive: true, force: true }); // what the other one left
  mkdirSync(join(project, "app"), { recursive: true });
  const config = { output: "export", turbopack: { root: HOME }, outputFileTracingRoot: HOME };
  writeFileSync(join(project, "next.config.js"), `export default ${JSON.stringify(config)};\n`);
  writeFileSync(
    join(project, "app/layout.js"),
    `export default ({ children }) => <html lang="en"><body>{children}</body></html>;\n`,
  );
  writeFileSync(
    join(project, "app/page.js"),
    `"use client";
import { useEffect } from "react";
export default function Page() {
  useEffect(() => void import("../src/page.js"), []);
  return null;
}
`,
  );
  run(project, [bin("next"), "build", bundler]);
  const folder = join(project, `out-next${bundler}`);
  renameSync(join(project, "out"), folder);
  return serveFolder(folder);
}

function writeViteFiles(project: string): void {
  writeFileSync(join(project, "index.html"), '<!doctype html><script type="module" src="/src/page.js"></script>\n');
  const config = { server: { headers: ISOLATED }, base: "./" };
  writeFileSync(join(project, "vite.config.js"), `export default ${JSON.stringify(config)};\n`);
}

async function viteServer(project: string): Promise<Site> {
  const server: ChildProcess = spawn(process.execPath, [bin("vite"), "--host", "127.0.0.1"], {
    cwd: project,
    env: environment(),
    stdio: ["ignore", "pipe", "inherit"],
  });
  const url = await new Promise<string>((resolve, reject) => {
    let said = "";
    // it is read to the end: the server dies of a closed pipe
    server.stdout?.on("data", (chunk) => {
      said += chunk;
      const [found] = /http:\/\/127\.0\.0\.1:\d+/.exec(stripVTControlCharacters(said)) ?? []; // where CI is set, the port is bold
      if (found !== undefined) resolve(found);
    });
    server.once("exit", () => reject(new Error(`vite ended: ${said}`)));
  });
  return { url, close: () => void server.kill() };
}

/** A page that runs `src/page.js` as it is; the packages are at `origin`. */
function importMapPage(project: string, origin: string): string {
  const scope = join(project, "node_modules/@ll");
  const imports: Record<string, string> = {};
  for (const name of readdirSync(scope)) {
    const { exports } = JSON.parse(readFileSync(join(scope, name, "package.json"), "utf8"));
    for (const [path, target] of Object.entries<{ default?: string }>(exports ?? {})) {
      if (target.default === undefined) continue;
      imports[`@ll/${name}${path.slice(1)}`] = `${origin}/node_modules/@ll/${name}/${target.default.slice(2)}`;
    }
  }
  const map = `<script type="importmap">${JSON.stringify({ imports })}</script>`;
  return `<!doctype html>${map}<script type="module" src="./src/page.js"></script>\n`;
}

function outFolder(project: string, name: string, html: string): string {
  const folder = join(project, `out-${name}`);
  mkdirSync(folder);
  writeFileSync(join(folder, "index.html"), `<!doctype html><body>${html}\n`);
  return folder;
}

/** The script of a bundler's command. */
function bin(name: string): string {
  const folder = join(HOME, "node_modules", name === "webpack" ? "webpack-cli" : name);
  const { bin } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  return join(folder, typeof bin === "string" ? bin : (bin[name] ?? bin[`${name}-cli`]));
}

function environment(): NodeJS.ProcessEnv {
  const { NODE_OPTIONS: _, ...rest } = process.env;
  return { ...rest, NEXT_TELEMETRY_DISABLED: "1", NODE_ENV: undefined };
}

function run(project: string, [script = "", ...args]: readonly string[]): void {
  const command = script === ESBUILD ? [ESBUILD, ...args] : [process.execPath, script, ...args];
  const { status, stdout, stderr } = spawnSync(command[0] as string, command.slice(1), {
    cwd: project,
    encoding: "utf8",
    env: environment(),
  });
  if (status !== 0) throw new Error(`${command.join(" ")}:\n${stdout}${stderr}`);
}
