// The files of examples/scale say what is so: options that ll-serve has, metrics that it shows, files that HAProxy, nginx and systemd take.

import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { helpText } from "../src/arguments.ts";
import { checkHaproxy, EXAMPLES, NO_HAPROXY, SYSTEM_PATH } from "./support/replicas.ts";
import { ask, startServer } from "./support/test-server.ts";

const read = (name: string): string => readFileSync(join(EXAMPLES, name), "utf8");

test.skipIf(NO_HAPROXY !== undefined)(`HAProxy takes its file ${NO_HAPROXY ?? ""}`, () => {
  expect(checkHaproxy(join(EXAMPLES, "haproxy.cfg"))).toEqual({ status: 0, said: expect.stringContaining("valid") });
});

const env = { PATH: SYSTEM_PATH };
const hasNginx = spawnSync("nginx", ["-v"], { env }).status === 0;

test.skipIf(!hasNginx)(`nginx takes its file${hasNginx ? "" : " (needs nginx: apt-get install nginx-light)"}`, () => {
  const folder = mkdtempSync(join(tmpdir(), "ll-nginx-"));
  const path = join(folder, "nginx.conf");
  // folders that anybody may make
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
    (name) => `  ${name}_temp_path ${folder}/${name};\n`,
  );
  writeFileSync(path, read("nginx.conf").replace("http {\n", `http {\n  access_log off;\n${temporary.join("")}`));
  const args = ["-t", "-p", folder, "-c", path, "-g", `pid ${folder}/pid; error_log stderr;`];
  const { status, stderr } = spawnSync("nginx", args, { env, encoding: "utf8" });
  rmSync(folder, { recursive: true });
  expect({ status, stderr }).toEqual({ status: 0, stderr: expect.stringContaining("test is successful") });
});

const hasSystemd = spawnSync("systemd-analyze", ["--version"]).status === 0;

test.skipIf(!hasSystemd).each([
  ["ll-serve@.service", "ll-serve@8080.service"],
  ["ll-batch-work.service", "ll-batch-work.service"],
])(`systemd takes %s${hasSystemd ? "" : " (needs systemd-analyze)"}`, (file, unit) => {
  const folder = mkdtempSync(join(tmpdir(), "ll-unit-"));
  const path = join(folder, unit);
  writeFileSync(path, read(file).replace(/\/usr\/local\/bin\/ll-\w+/, "/bin/true"));
  const { status, stderr } = spawnSync("systemd-analyze", ["verify", "--man=no", path], { encoding: "utf8" });
  rmSync(folder, { recursive: true });
  expect({ status, said: stderr.split("\n").filter((line) => line.includes(unit.replace(/@.*/, ""))) }).toEqual({
    status: 0,
    said: [],
  });
});

test("every option in them is one of ll-serve", () => {
  const known = new Set(helpText().match(/--[a-z][a-z\d-]+/g));
  const all = readdirSync(EXAMPLES).filter((name) => /\.(service|yaml)$/.test(name));
  const files = all.filter((name) => read(name).includes("ll-serve"));
  const others = ["--now", "--build", "--global", "--from-file"]; // of systemctl, docker, npm, kubectl
  const named = files.flatMap((name) => read(name).match(/(?<=[\s,[])--[a-z][a-z-]+/g) ?? []);
  const used = named.filter((option) => !others.includes(option));
  expect(new Set(used).size).toBeGreaterThan(8);
  for (const option of new Set(used)) expect(known).toContain(option);
});

test("every metric of the board is one of the server's", async () => {
  const server = await startServer({ slots: 1 });
  await ask(server.port, "/v1/chat/completions", {
    body: { messages: [{ role: "user", content: "Hi" }], max_tokens: 3, seed: 1 },
  });
  const { body } = await ask(server.port, "/metrics");
  await server.close();
  const shown = new Set(Array.from(String(body).matchAll(/^(\w+)(?:\{| )/gm), ([, name]) => name));
  const board = JSON.parse(read("grafana-dashboard.json")) as { panels: { targets: { expr: string }[] }[] };
  const named = board.panels.flatMap(({ targets }) =>
    targets.flatMap(({ expr }) => expr.match(/\b(?:ll|process|nodejs)_\w+/g) ?? []),
  );
  expect(new Set(named).size).toBeGreaterThan(15);
  // a counter with labels is there from its first event on
  const silent = ["ll_requests_cancelled_total"];
  for (const name of named) if (!silent.includes(name)) expect(shown).toContain(name);
  for (const name of silent) expect(body).toContain(`# TYPE ${name} counter`);
});
