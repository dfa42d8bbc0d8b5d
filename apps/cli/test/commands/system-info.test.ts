import { existsSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { runHere } from "../programs.ts";

test("the same facts as text and as JSON", async () => {
  const { code, stdout, stderr } = await runHere("ll-system-info", ["--json"]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  const info = JSON.parse(stdout);
  expect(info).toMatchObject({
    version: 1,
    node: process.versions.node,
    platform: `${process.platform} ${process.arch}`,
  });
  expect(info.kernels[0]).toBe("scalar"); // runs everywhere
  expect(info.cores).toBeGreaterThan(0);
  const text = await runHere("ll-system-info", []);
  expect(text.stdout).toContain(`\nNode       ${info.node} (V8 ${info.v8})\n`);
  expect(Object.keys(info.products)).toEqual(info.kernels);
  const kernels = info.kernels.map((tier: string) => (info.products[tier] === "pairs" ? `${tier}-pairs` : tier));
  expect(text.stdout).toContain(`\nkernels    ${kernels.join(", ")} (`);
});

test("how Linux gives huge pages, and what would give more of them", async () => {
  const path = "/sys/kernel/mm/transparent_hugepage/enabled";
  const said = existsSync(path) ? readFileSync(path, "utf8") : "";
  const { hugePages } = JSON.parse((await runHere("ll-system-info", ["--json"])).stdout);
  expect(said).toContain(hugePages === undefined ? "" : `[${hugePages}]`);
  expect(hugePages === undefined).toBe(!said.includes("["));
  const { stdout } = await runHere("ll-system-info", []);
  expect(stdout.includes(`hugepages  ${hugePages}`)).toBe(hugePages !== undefined);
  expect(stdout.includes(`tee ${path}`)).toBe(hugePages !== undefined && hugePages !== "always");
});

test("an argument is a usage error", async () => {
  expect(await runHere("ll-system-info", ["x"])).toMatchObject({ code: 2, stdout: "" });
});
