// Loaded before ll-serve: at SIGUSR2 its workers die, and none lives from then on.

import { createRequire, syncBuiltinESMExports } from "node:module";

const threads = createRequire(import.meta.url)("node:worker_threads");
const workers = [];
let isDeadly = false;

threads.Worker = class extends threads.Worker {
  constructor(...args) {
    super(...args);
    if (isDeadly) void this.terminate();
    workers.push(this);
  }
};
syncBuiltinESMExports();

process.on("SIGUSR2", () => {
  isDeadly = true;
  for (const worker of workers) void worker.terminate();
});
