// Workers of a team on Node and in browsers.

import { browserWorker, type SpawnWorker, spawnNodeWorker } from "@ll/bytes/workers";

/** Sources run as they are, with Node's type stripping; a build is two files side by side. */
const IS_SOURCE: boolean = /* @__PURE__ */ import.meta.url.endsWith(".ts");

export const spawnWorker: SpawnWorker = (listeners) =>
  spawnNodeWorker(new URL(IS_SOURCE ? "../worker.ts" : "./worker.js", import.meta.url), listeners) ??
  // in this form bundlers find the second file
  browserWorker(
    IS_SOURCE
      ? new Worker(new URL("../worker.ts", import.meta.url), { type: "module" })
      : new Worker(new URL("./worker.js", import.meta.url), { type: "module" }),
    listeners,
  );
