// Loaded before ll-serve: at SIGUSR2 its workers die, and with LL_TEST_DEADLY none lives from then on.

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
  isDeadly = process.env["LL_TEST_DEADLY"] !== undefined;
  for (const worker of workers.splice(0)) void worker.terminate();
});
