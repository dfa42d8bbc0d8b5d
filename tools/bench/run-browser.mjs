// An engine in Chromium. Prints one EngineResult (see plan.ts). The first argument names the page script in pages/. Chromium starts
// before the clock does; the peak of memory is that of its largest process, the one that holds the page.

import { createReadStream, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { extname, join, normalize } from "node:path";
import { chromium } from "playwright-core";

const HERE = import.meta.dirname;
const MIME = { ".html": "text/html", ".js": "text/javascript", ".mjs": "text/javascript", ".wasm": "application/wasm" };
const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

const engine = process.argv.at(-2);
const plan = JSON.parse(process.argv.at(-1));

const server = createServer(serve);
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const origin = `http://127.0.0.1:${server.address().port}`;
const profile = mkdtempSync(join(tmpdir(), "ll-bench-"));
const browser = await chromium.launchPersistentContext(profile, {
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  headless: true,
  args: FLAGS,
});
try {
  const page = await browser.newPage();
  page.on("pageerror", (error) => process.stderr.write(`${engine}: ${error.message}\n`));
  page.on("crash", () => process.stderr.write(`${engine}: the page crashed\n`));
  page.setDefaultTimeout(0);
  const startedAtMs = Date.now();
  await page.goto(`${origin}/pages/index.html`);
  await page.setInputFiles("#model", plan.model); // a reference to the file, not a copy
  const answer = await page.evaluate(
    async ([script, plan]) => {
      const { run } = await import(script);
      return run(document.querySelector("#model").files[0], plan);
    },
    [`/pages/${engine}.mjs`, plan],
  );
  const { dependencies } = JSON.parse(readFileSync(join(HERE, "package.json"), "utf8"));
  const own = dependencies[engine]?.split("@").at(-1); // npm:@wllama/wllama@2.3.1
  const version = `${answer.version}${own === undefined ? "" : ` ${own}`}, Chromium ${browser.browser().version()}`;
  console.log(JSON.stringify({ ...answer, version, startedAtMs, peakRssBytes: largestPeakBytes(process.pid) }));
} finally {
  await browser.close();
  server.close();
  rmSync(profile, { recursive: true, force: true });
}

/** Files of this folder and of the built packages, in the isolation that shared memory wants. */
function serve(request, response) {
  const path = normalize(decodeURIComponent(new URL(request.url, "http://localhost").pathname));
  const file = path.startsWith("/@ll/") ? join(HERE, "../../packages", path.slice(5)) : join(HERE, path);
  if (!existsSync(file)) {
    response.writeHead(404).end();
    return;
  }
  response.writeHead(200, {
    "content-type": MIME[extname(file)] ?? "application/octet-stream",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-embedder-policy": "require-corp",
  });
  // our packages import each other by name, which browsers need a path for
  if (path.startsWith("/@ll/")) {
    response.end(
      readFileSync(file, "utf8").replace(
        /(from ?|import\(?)"@ll\/([a-z-]+)(?:\/([a-z]+))?"/g,
        (_, from, name, entry = "index") => `${from}"/@ll/${name}/dist/${entry}.js"`,
      ),
    );
  } else createReadStream(file).pipe(response);
}

/** Peak resident bytes of the largest process below `pid`. */
function largestPeakBytes(pid) {
  const statuses = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const text = readFileSync(`/proc/${name}/status`, "utf8");
        const field = (key) => Number(new RegExp(`^${key}:\\s*(\\d+)`, "m").exec(text)?.[1] ?? 0);
        return [{ pid: Number(name), parent: field("PPid"), peakBytes: field("VmHWM") * 1024 }];
      } catch {
        return []; // it has ended
      }
    });
  const below = (parent) =>
    statuses.filter((status) => status.parent === parent).flatMap((child) => [child, ...below(child.pid)]);
  return Math.max(0, ...below(pid).map(({ peakBytes }) => peakBytes));
}
