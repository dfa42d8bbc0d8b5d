// A page with the packages, made by every common bundler, in Chromium and Firefox: the recorded text with one thread and with
// workers; and what a page without a usable worker file says.

import { createHash } from "node:crypto";
import { copyFileSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { memorySink, memorySource } from "@ll/bytes";
import { quantizeModel } from "@ll/convert";
import { createGgmlWriter, openGgml } from "@ll/ggml-format";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Job } from "../browser/job.ts";
import type { PageResult } from "../browser/page.ts";
import { BROWSERS, type Browser, hasBrowser, ISOLATED, serveFolder, startBrowser } from "../browsers.ts";
import { BUNDLERS, copyWorkers, createProject, esbuildFolder, missing, type Site } from "../bundlers.ts";
import { fixture } from "../test-data.ts";
import { tinyModel } from "../tiny-model.ts";

const GOLDEN = JSON.parse(readFileSync(fixture("tiny/golden/tiny-main.json"), "utf8"));
const STORY = GOLDEN.cases.find((one: { name: string }) => one.name === "default/q4_0/seed-1").stdout.text;

const Q4_K_FTYPE = 14;
/** Work for two workers: each is started for 10 million values to a K type. */
const LARGE_ROWS = 161 * 256; // both of a matrix are whole blocks
const LARGE_COLUMNS = 512;

let project: string;
let files: ReadonlyMap<string, Uint8Array>;
let largeHash: string;
const sites = new Map<string, Site>();

/** A ggjt file of one large tensor in f16, with values of many sizes. */
async function largeModel(): Promise<Uint8Array> {
  const sink = memorySink();
  const writer = await createGgmlWriter(sink, {
    version: 3,
    hyperParams: { nVocab: 1, nEmbd: 32, nMult: 32, nHead: 1, nLayer: 1, nRot: 32, ftype: 1 },
    vocab: [{ text: Uint8Array.of(97), score: 0 }],
    tensors: [{ name: "a.weight", shape: [LARGE_ROWS, LARGE_COLUMNS], type: "f16" }],
  });
  const bits = new Uint16Array(LARGE_ROWS * LARGE_COLUMNS);
  for (let i = 0; i < bits.length; i++) bits[i] = Math.imul(i, 0x9e37_79b1) >>> 18; // below 1, all positive
  await writer.writeTensor("a.weight", [new Uint8Array(bits.buffer)]);
  await writer.finish();
  return sink.bytes();
}

async function quantizedHash(bytes: Uint8Array): Promise<string> {
  const sink = memorySink();
  await quantizeModel(await openGgml(memorySource(bytes)), sink, { ftype: Q4_K_FTYPE });
  return createHash("sha256").update(sink.bytes()).digest("hex");
}

describe.skipIf(missing !== undefined)(missing ?? "a page of the packed packages", () => {
  beforeAll(async () => {
    project = createProject();
    const large = await largeModel();
    largeHash = await quantizedHash(large);
    files = new Map([
      ["/model.bin", await tinyModel("f16")],
      ["/large.bin", large],
    ]);
  });

  afterAll(() => {
    for (const { close } of sites.values()) close();
    if (project !== undefined) rmSync(project, { recursive: true, maxRetries: 10 });
  });

  /** The site of a bundler; made once for all browsers. */
  async function siteOf(bundler: string): Promise<Site> {
    let site = sites.get(bundler);
    if (site === undefined) {
      site = await BUNDLERS[bundler]?.(project);
      sites.set(bundler, site as Site);
    }
    return site as Site;
  }

  const told = { isIsolated: true, nTensors: 57, promptIds: [1, 385, 386, 261, 370], text: STORY };

  describe.each(BROWSERS)("%s", (name) => {
    const isHere = hasBrowser(name);
    describe.skipIf(!isHere)(isHere ? "is installed" : "is not installed", () => {
      let browser: Browser;

      beforeAll(async () => {
        browser = await startBrowser(name, files);
      });

      afterAll(() => browser?.close());

      describe.each(Object.keys(BUNDLERS))("%s", (bundler) => {
        test.each([1, 2])("tells the recorded story with %d threads", async (threads) => {
          const { url } = await siteOf(bundler);
          const result = await browser.visit(url, { kind: "run", threads });
          expect(result).toMatchObject({ ...told, threads, events: ["weights-loaded"] });
          expect((result as PageResult).kernels).toMatch(/^(simd|relaxed)$/);
        });

        test("quantises with two workers to what Node writes with none", async () => {
          const { url } = await siteOf(bundler);
          expect(await browser.visit(url, { kind: "quantize" })).toBe(largeHash);
        });
      });

      describe("a page whose worker file", () => {
        const CAUSES = {
          "is missing": {},
          "is forbidden by a policy": { "content-security-policy": "worker-src 'none'" },
          "is a page, as a server answers that has one for every address": {},
        };

        test.each(Object.keys(CAUSES) as (keyof typeof CAUSES)[])("%s", async (cause) => {
          const folder = esbuildFolder(project, `${name} ${cause}`);
          if (cause !== "is missing") copyWorkers(project, folder);
          if (cause.startsWith("is a page")) copyFileSync(join(folder, "index.html"), join(folder, "worker.js"));
          const site = await serveFolder(folder, CAUSES[cause]);
          const worker = `${site.url}/worker.js`;
          const visit = (job: Job) => browser.visit(site.url, job);
          try {
            expect(await visit({ kind: "run", threads: 2 })).toEqual({
              failure: {
                name: "WorkerError",
                code: "E_WORKER",
                url: worker,
                message: expect.stringMatching(
                  new RegExp(
                    `^cannot start worker ${worker}: .+; put the file @ll/llama/worker of the same version there`,
                  ),
                ),
              },
            });
            const fallen = { ...told, threads: 1, events: ["workers-failed", "weights-loaded"] };
            expect(await visit({ kind: "run" })).toMatchObject(fallen);
            expect(await visit({ kind: "run", threads: 1 })).toMatchObject({ ...told, threads: 1 });
            if (cause !== "is missing") return;
            const failure = { name: "WorkerError", url: `${site.url}/convert-worker.js` };
            expect(await visit({ kind: "quantize" })).toMatchObject({ failure });
          } finally {
            site.close();
          }
        });

        test("is elsewhere, which the page says", async () => {
          const folder = esbuildFolder(project, `${name} elsewhere`);
          mkdirSync(join(folder, "static"));
          copyWorkers(project, join(folder, "static"));
          const site = await serveFolder(folder);
          try {
            const run: Job = { kind: "run", threads: 2, workerUrl: "static/worker.js" };
            expect(await browser.visit(site.url, run)).toMatchObject({ ...told, threads: 2 });
            const quantize: Job = { kind: "quantize", workerUrl: "static/convert-worker.js" };
            expect(await browser.visit(site.url, quantize)).toBe(largeHash);
            const wrong: Job = { kind: "run", threads: 2, workerUrl: "static/convert-worker.js" };
            expect(await browser.visit(site.url, wrong)).toMatchObject({
              failure: { name: "WorkerError", message: expect.stringContaining("it is the worker of @ll/convert ") },
            });
          } finally {
            site.close();
          }
        });
      });

      test("a page that is not isolated takes one thread", async () => {
        const folder = esbuildFolder(project, `${name} not isolated`);
        const plain = Object.fromEntries(Object.keys(ISOLATED).map((header) => [header, ""]));
        const site = await serveFolder(folder, plain);
        try {
          const result = { ...told, isIsolated: false, threads: 1, events: ["weights-loaded"] };
          expect(await browser.visit(site.url, { kind: "run" })).toMatchObject(result);
        } finally {
          site.close();
        }
      });
    });
  });
});
