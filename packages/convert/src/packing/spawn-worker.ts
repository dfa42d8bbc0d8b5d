// Workers that pack, on Node and in browsers.

import { browserWorker, type SpawnWorker, spawnNodeWorker } from "@ll/bytes/workers";

/** On Node, sources run as they are, with its type stripping; a build is two files side by side. */
const SCRIPT: string = /* @__PURE__ */ import.meta.url.endsWith(".ts") ? "../worker.ts" : "./worker.js";

export const spawnWorker: SpawnWorker = (listeners) =>
  spawnNodeWorker(new URL(SCRIPT, import.meta.url), listeners) ??
  // bundlers look for this very form, and fail if any other file stands in it that is not there
  browserWorker(new Worker(new URL("./worker.js", import.meta.url), { type: "module" }), listeners);
