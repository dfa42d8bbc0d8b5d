// Programs in CommonJS: Electron, extensions of editors, cloud functions. There is no import.meta.url there.

import { execFile } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { availableCores } from "@ll/bytes/workers";
import { type BuildOptions, build } from "esbuild";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { tinyModel } from "../tiny-model.ts";

const ROOT = join(import.meta.dirname, "..", "..");

const PROGRAM = `
import { openFileSource } from "@ll/bytes/node";
import { openGgml } from "@ll/ggml-format";
import { configFromGgml, loadModel } from "@ll/llama";
import { quantizeModel } from "@ll/convert";

async function main([path, options]) {
  const source = await openFileSource(path);
  const events = [];
  try {
    const file = await openGgml(source);
    const onEvent = ({ kind }) => events.includes(kind) || events.push(kind);
    const model = await loadModel(file, configFromGgml(file.hyperParams), { ...JSON.parse(options), onEvent });
    const context = await model.createContext({ contextTokens: 16 });
    const logits = await context.evaluate([1, 385, 386], 0);
    console.log(JSON.stringify({ threads: model.threads, best: logits.indexOf(Math.max(...logits)), events }));
    await model.dispose();
  } catch ({ name, code, url, message }) {
    console.log(JSON.stringify({ name, code, url, message }));
  } finally {
    await source.close();
  }
}
if (typeof quantizeModel === "function") void main(process.argv.slice(2));
`;

let folder: string;
let model: string;
let bundle: string;
let worker: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "ll-cjs-"));
  model = join(folder, "model.bin");
  writeFileSync(model, await tinyModel("q4_0"));
  bundle = join(folder, "app.cjs");
  worker = join(folder, "elsewhere", "llama.js");
  const common: BuildOptions = { bundle: true, platform: "node", conditions: ["@ll/source"], logLevel: "error" };
  await build({
    ...common,
    // nothing is shaken out: all of every package is loaded
    treeShaking: false,
    stdin: { contents: PROGRAM, resolveDir: ROOT },
    format: "cjs",
    outfile: bundle,
    logOverride: { "empty-import-meta": "silent" },
  });
  mkdirSync(join(folder, "elsewhere"));
  await build({ ...common, entryPoints: [join(ROOT, "packages/llama/src/worker.ts")], format: "esm", outfile: worker });
});

afterAll(() => rmSync(folder, { recursive: true }));

async function run(options: object, program = bundle): Promise<unknown> {
  const { stdout } = await promisify(execFile)(process.execPath, [program, model, JSON.stringify(options)]);
  return JSON.parse(stdout);
}

describe("a bundle in CommonJS", () => {
  const url = (): string => pathToFileURL(join(folder, "worker.js")).href;
  let best: number;

  test("loads, and runs a model in one thread", async () => {
    const result = (await run({ threads: 1 })) as { best: number };
    best = result.best;
    expect(result).toEqual({ threads: 1, best: expect.any(Number), events: ["weights-loaded"] });
  });

  test("runs it in workers whose file it is told", async () => {
    expect(await run({ threads: 2, workerUrl: worker })).toMatchObject({ threads: 2, best });
    expect(await run({ threads: 2, workerUrl: pathToFileURL(worker).href })).toMatchObject({ threads: 2, best });
  });

  test("says where it looks for the file if it is not told and the file is not there", async () => {
    expect(await run({ threads: 2 })).toMatchObject({
      name: "WorkerError",
      code: "E_WORKER",
      url: url(),
      message: expect.stringContaining(`cannot start worker ${url()}: `),
    });
  });

  test.skipIf(availableCores() < 2)("goes on with one thread if it did not ask for more", async () => {
    expect(await run({})).toEqual({ threads: 1, best, events: ["workers-failed", "weights-loaded"] });
  });

  test("finds the file beside itself", async () => {
    const beside = join(folder, "elsewhere", "app.cjs");
    copyFileSync(bundle, beside);
    copyFileSync(worker, join(folder, "elsewhere", "worker.js"));
    expect(await run({ threads: 2 }, beside)).toEqual({ threads: 2, best, events: ["weights-loaded"] });
  });
});
